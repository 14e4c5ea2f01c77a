// Dialogs are <dialog> elements. data-dialog-open="#id" opens one, data-dialog-close closes the one it is in.
// hx-confirm and form[data-confirm] ask in our own dialog.

function ask(question) {
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector("#confirm-text").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true }));
}

export function startDialogs() {
  const agreed = new WeakSet(); // to be sent now, and asked about again the next time
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) document.querySelector(opener.dataset.dialogOpen)?.showModal();
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
    if (event.target.matches("dialog.cb-dialog") && outside(event)) event.target.close();
  });
  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    ask(event.detail.question).then((yes) => yes && event.detail.issueRequest(true));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || agreed.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form.dataset.confirm).then((yes) => {
      if (!yes) return;
      agreed.add(form);
      form.requestSubmit(event.submitter);
    });
  });
}

function outside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}
