// The words scripts show: written into the page by {% script_texts %} in the reader's language.
let words = null;

function all() {
  if (words === null) {
    const block = document.getElementById("script-texts");
    words = block ? JSON.parse(block.textContent) : {};
  }
  return words;
}

/** The text named `key` with each %(name)s or %(name)d replaced. */
export function say(key, values = {}) {
  return fill(all()[key] ?? key, values);
}

export function fill(pattern, values) {
  return pattern.replace(/%\((\w+)\)[sd]/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
