// htmx under a strict policy: no eval, no injected style, CSRF by header, polls that do not disturb.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph/htmx";
import { csrfToken } from "./csrf.js";

window.htmx = htmx;
Object.assign(htmx.config, {
  allowEval: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyCacheSize: 0, // pages name people and phones: keep no copies in the browser's storage
  refreshOnHistoryMiss: true,
  timeout: 30_000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "422", swap: true }, // a form that came back with its errors
    { code: "[45]..", swap: false, error: true },
  ],
});

const body = document.documentElement;

body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") {
    event.detail.headers["X-CSRFToken"] = csrfToken();
    delete event.detail.parameters.csrfmiddlewaretoken; // of when the page was made, and read before the header
  }
});

// A poll waits while nobody looks, and while somebody types inside the part it would replace.
body.addEventListener("htmx:beforeRequest", (event) => {
  if (polls(event.detail) && (document.hidden || busy(event.detail.target))) event.preventDefault();
});

/** Whether nobody asked for it: the page renews a part of itself. */
export function polls({ elt, requestConfig }) {
  return requestConfig.verb === "get" && !requestConfig.triggeringEvent && /\bevery\b/.test(elt.getAttribute("hx-trigger") ?? "");
}

function busy(target) {
  const focused = document.activeElement;
  const typing = focused?.matches("input:not([type=checkbox], [type=radio]), textarea, select") && target.contains(focused);
  return typing || target.querySelector("dialog[open], [data-busy]") !== null;
}

// What a person opened or is filling in stays as it is when a part is renewed.
const { callbacks } = Idiomorph.defaults;
Idiomorph.defaults.ignoreActiveValue = true;
callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.matches("details, dialog"));
callbacks.beforeNodeMorphed = (old) => !(old instanceof Element && old.matches("[data-keep], [data-map]"));

export default htmx;
