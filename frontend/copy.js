// data-copy="#id" copies the words of that element, and says so.
import { say } from "./texts.js";

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    const source = button && document.querySelector(button.dataset.copy);
    if (!source) return;
    const copied = await copy(source);
    document.dispatchEvent(new CustomEvent("changbei:toast", { detail: { text: say(copied ? "copied" : "notCopied"), tone: copied ? "good" : "warn" } }));
  });
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    return true;
  } catch {
    // no permission, or no secure connection: mark the words, so that they can be copied by hand
    getSelection().selectAllChildren(source);
    return false;
  }
}
