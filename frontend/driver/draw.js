// Fills <template id="part-…"> with values: [data-slot] takes a text, [data-href] an address, [data-if] stays when its
// value is there.
export function part(name, values = {}) {
  const made = document.getElementById(`part-${name}`).content.cloneNode(true);
  for (const node of made.querySelectorAll("[data-if]")) if (!values[node.dataset.if]) node.remove();
  for (const node of made.querySelectorAll("[data-slot]")) node.textContent = values[node.dataset.slot] ?? "";
  for (const node of made.querySelectorAll("[data-href]")) {
    const address = values[node.dataset.href];
    if (address) node.href = address;
    else node.remove();
  }
  for (const node of made.querySelectorAll("[data-label]")) node.setAttribute("aria-label", values[node.dataset.label]);
  return made;
}

/** Put the parts in the place of what was there; what has not changed is left alone, so that nothing flickers. */
export function put(place, ...parts) {
  const fresh = document.createElement("div");
  fresh.append(...parts);
  if (place.innerHTML !== fresh.innerHTML) place.replaceChildren(...fresh.childNodes);
}

export const tel = (phone) => (phone ? `tel:${phone.replaceAll(/[^+\d]/g, "")}` : "");
