// Has the bell ask (`changbei:ask`) when something is new for whoever looks: at the word of a stream, and only while the
// page is looked at, for a browser opens few connections to one house. Where there is no stream, by the clock.
import htmx from "./htmx.js";

const ASK_EVERY = 5_000;

export function startLive() {
  const bell = () => document.querySelector("[data-live]");
  if (!bell()) return;
  let stream, clock;
  const ask = () => htmx.trigger(document.body, "changbei:ask");
  const byTheClock = () => {
    clock ??= setInterval(() => document.hidden || ask(), ASK_EVERY);
  };
  const open = () => {
    stream = new EventSource(bell().dataset.live);
    stream.addEventListener("told", ask);
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && byTheClock());
  };
  const close = () => stream?.close();
  document.addEventListener("visibilitychange", () => {
    close();
    if (document.hidden) return;
    ask();
    if (!clock) open();
  });
  window.addEventListener("pagehide", close);
  if (!document.hidden) open();
}
