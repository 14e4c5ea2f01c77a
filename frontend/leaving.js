// form[data-leaves], which logs out or somebody in: what the phone keeps of whoever was there is deleted first, and a field
// named "endpoint" tells the server which browser is not to be pushed to any more.
import { forget, knownHere } from "./driver/store.js";

const PATIENCE_MILLISECONDS = 2000;

export function startLeaving() {
  const left = new WeakSet();
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (!form.matches("[data-leaves]") || left.delete(form)) return;
    event.preventDefault();
    if (form.dataset.leaves === "now") return;
    form.dataset.leaves = "now";
    const patience = new Promise((next) => setTimeout(next, PATIENCE_MILLISECONDS));
    Promise.race([Promise.allSettled([forgetList(), nameBrowser(form)]), patience]).then(() => {
      form.dataset.leaves = "";
      left.add(form);
      form.requestSubmit(submitter);
    });
  });
}

async function forgetList() {
  if (await knownHere()) await forget();
}

async function nameBrowser(form) {
  const field = form.elements.endpoint;
  if (!field || !("serviceWorker" in navigator)) return;
  for (const worker of await navigator.serviceWorker.getRegistrations()) {
    const subscription = await worker.pushManager?.getSubscription();
    if (subscription) field.value = subscription.endpoint;
  }
}
