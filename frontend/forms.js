// A form is sent once, however often the button is pressed; errors get the focus when they arrive. The page stays after a
// form[data-downloads], which can be sent again a while later.
import { csrfToken } from "./csrf.js";

const DOWNLOAD_MILLISECONDS = 3000;

export function startForms() {
  const renew = ({ target }) => {
    const token = target.elements?.namedItem("csrfmiddlewaretoken");
    if (token instanceof HTMLInputElement) token.value = csrfToken();
  };
  document.addEventListener("submit", renew, true); // before htmx reads the form
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.matches("[hx-post], [data-hx-post]")) return;
    if (form.getAttribute("aria-busy") === "true") return event.preventDefault();
    form.setAttribute("aria-busy", "true");
    if (form.matches("[data-downloads]")) setTimeout(() => form.removeAttribute("aria-busy"), DOWNLOAD_MILLISECONDS);
  });
  // coming back by the browser's history shows the page as it was left
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll('form[aria-busy="true"]').forEach((form) => form.removeAttribute("aria-busy"));
  });
  const focusErrors = (root) => root.querySelector?.(".cb-form-errors")?.focus();
  document.addEventListener("htmx:afterSettle", (event) => focusErrors(event.detail.elt));
  focusErrors(document);
}
