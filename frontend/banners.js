// What everybody must know: the connection or the database is gone, one is logged out, or the engine stands still.
// Any polled answer may carry `X-Engine-Still: SECONDS` since the engine last moved; 0 or no header means it moves.
import { clockFace } from "./clock.js";
import { say } from "./texts.js";

function show(id, text) {
  const banner = document.getElementById(id);
  if (!banner) return;
  banner.hidden = !text;
  if (text) banner.querySelector("[data-text]").textContent = text;
}

/** A page of somebody whose session has ended stays as it is, and says so until one has logged in again elsewhere. */
function loggedOut(status) {
  const banner = document.getElementById("login-banner");
  if (banner && (status === 401 || status < 400)) banner.hidden = status !== 401;
}

export function startBanners() {
  const lost = () => show("offline-banner", say("offline"));
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  window.addEventListener("offline", lost);
  window.addEventListener("online", () => show("offline-banner", ""));
  document.addEventListener("htmx:afterRequest", (event) => {
    const answer = event.detail.xhr;
    if (!answer?.status) return;
    loggedOut(answer.status);
    show("offline-banner", answer.status === 503 ? say("away") : "");
    const still = answer.getResponseHeader("X-Engine-Still");
    if (still !== null) show("engine-banner", Number(still) > 0 ? say("engine", { time: clockFace(Number(still)) }) : "");
  });
}
