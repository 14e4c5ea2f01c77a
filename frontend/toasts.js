// Short sentences at the edge of the page. Errors stay until they are closed.
import { polls } from "./htmx.js";
import { say } from "./texts.js";

const SHOWN_MILLISECONDS = 7000;

export function toast(text, tone = "info") {
  const shown = [...document.querySelectorAll("#toasts > .cb-toast > p")];
  if (tone === "bad" && shown.some((one) => one.textContent === text)) return; // it stands there until it is closed
  const element = document.createElement("div");
  element.className = "cb-toast";
  element.dataset.tone = tone;
  const words = document.createElement("p");
  words.textContent = text;
  element.append(words);
  document.getElementById("toasts")?.append(element);
  dress(element);
}

function dress(element) {
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", say("close"));
  close.textContent = "×";
  close.addEventListener("click", () => element.remove());
  element.append(close);
  if (!["bad", "error"].includes(element.dataset.tone)) setTimeout(() => element.remove(), SHOWN_MILLISECONDS);
}

/** The sentence inside an error answer: our JSON, or the marked element of our error pages. */
export function sentenceIn(answer) {
  const kind = answer.getResponseHeader("Content-Type") ?? "";
  if (kind.includes("json")) {
    try {
      const body = JSON.parse(answer.responseText);
      return body.message ?? body.error?.message ?? (typeof body.detail === "string" ? body.detail : null);
    } catch {
      return null;
    }
  }
  const page = new DOMParser().parseFromString(answer.responseText, "text/html");
  return page.querySelector("[data-error]")?.textContent.trim() || null;
}

export function startToasts() {
  document.querySelectorAll("#toasts > .cb-toast").forEach(dress);
  document.addEventListener("changbei:toast", (event) => toast(event.detail.text, event.detail.tone));
  document.addEventListener("htmx:responseError", (event) => {
    const answer = event.detail.xhr;
    if (answer.status >= 500 && polls(event.detail)) return; // a banner says it once
    if (answer.status === 401 && !event.detail.requestConfig.triggeringEvent?.isTrusted) return; // so with what nobody asked for
    if (answer.getResponseHeader("HX-Trigger")?.includes("changbei:toast")) return; // it speaks for itself
    toast(sentenceIn(answer) ?? say("failed", { status: answer.status }), "bad");
  });
}
