// What a tapped thing says: `title` or `name`, `detail`, `facts` as [[label, value], …], and a link `url`.
import { say } from "../texts.js";

export function popupContent(properties) {
  const title = properties.title ?? properties.name ?? properties.number;
  if (!title && !properties.detail) return null;
  const box = document.createElement("div");
  if (title) box.append(element("strong", title));
  if (properties.detail) box.append(element("div", properties.detail));
  const facts = parsed(properties.facts);
  if (facts.length) {
    const list = document.createElement("dl");
    for (const [label, value] of facts) list.append(element("dt", label), element("dd", value));
    box.append(list);
  }
  if (typeof properties.url === "string" && properties.url.startsWith("/") && !properties.url.startsWith("//")) {
    const link = element("a", say("open"));
    link.href = properties.url;
    box.append(link);
  }
  return box;
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = String(text);
  return made;
}

// the map hands nested values over as JSON text
function parsed(facts) {
  if (typeof facts !== "string") return facts ?? [];
  try {
    return JSON.parse(facts);
  } catch {
    return [];
  }
}
