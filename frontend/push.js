// <button type="button" data-push data-key-url="…" data-worker-url="…" data-device-url="…" hidden>
// asks the browser to take pushes of this house; shown only where the browser can, and has not yet.
import { csrfToken } from "./csrf.js";

export function startPushing() {
  const button = document.querySelector("[data-push]");
  if (!button || !("serviceWorker" in navigator) || !("PushManager" in window) || Notification.permission === "denied") return;
  ready(button);
}

async function ready(button) {
  const worker = await active(await navigator.serviceWorker.register(button.dataset.workerUrl));
  const subscription = await worker.pushManager.getSubscription();
  if (subscription) return tell(button, subscription);
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { key } = await (await fetch(button.dataset.keyUrl)).json();
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    if (await tell(button, made)) button.hidden = true;
  });
}

// A browser gives no subscription to a worker that has not begun, and loses what is pushed to one.
function active(registration) {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (worker.state === "activated") return registration;
  return new Promise((done) => {
    worker.addEventListener("statechange", () => worker.state === "activated" && done(registration));
  });
}

// Said again on every visit: whoever is logged in now is who is to be told on this browser.
async function tell(button, subscription) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  return (await fetch(button.dataset.deviceUrl, { method: "POST", headers, body: JSON.stringify(subscription) })).ok;
}

function bytes(word) {
  const padded = word.replaceAll("-", "+").replaceAll("_", "/").padEnd(Math.ceil(word.length / 4) * 4, "=");
  return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
}
