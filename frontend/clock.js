// Count-downs and the clock in the header follow the server's clock, which may be shifted and may run faster.
import { say } from "./texts.js";

const server = { at: Date.now(), machine: Date.now(), rate: 1 };

/** The server's present as milliseconds since 1970. */
export function serverNow() {
  return server.at + (Date.now() - server.machine) * server.rate;
}

function set(moment, rate, machine) {
  const at = Date.parse(moment ?? "");
  if (Number.isNaN(at)) return;
  Object.assign(server, { at, machine, rate: rate === undefined || rate === "" ? server.rate : Number(rate) });
}

/** mm:ss, h:mm:ss, or days and hours; `clock_face` in templatetags/ui/times.py writes the same. */
export function clockFace(seconds, days = (values) => say("days", values)) {
  if (seconds >= 86400) return days({ days: Math.floor(seconds / 86400), hours: Math.floor((seconds % 86400) / 3600) });
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours ? `${hours}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}` : rest;
}

/** How urgent: late, soon (under a quarter of the whole span, or five minutes when that is unknown), or ok. */
export function urgency(left, whole) {
  if (left < 0) return "late";
  return left < (whole ? whole / 4 : 300) ? "soon" : "ok";
}

function tick() {
  const now = serverNow();
  for (const element of document.querySelectorAll("time[data-due]:not([data-standing])")) show(element, now);
  for (const element of document.querySelectorAll("time[data-clock]")) showClock(element, now);
}

function show(element, now) {
  const left = Math.trunc((Date.parse(element.dataset.due) - now) / 1000);
  const state = urgency(left, Number(element.dataset.whole));
  if (element.dataset.state !== state) {
    element.dataset.state = state;
    const icon = element.querySelector("use");
    if (icon) icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, state === "late" ? "#clock-exclamation" : "#clock"));
  }
  element.querySelector("[data-text]").textContent = say(left < 0 ? "over" : "left", { time: clockFace(Math.abs(left)) });
}

const wall = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit" });

function showClock(element, now) {
  element.textContent = wall.format(now);
}

export function startClock() {
  const meta = document.querySelector('meta[name="server-now"]');
  const page = performance.getEntriesByType("navigation")[0];
  const answered = page?.responseStart ? performance.timeOrigin + page.responseStart : Date.now();
  if (meta) set(meta.content, meta.dataset.rate, answered);
  document.addEventListener("htmx:afterRequest", (event) => {
    const answer = event.detail.xhr;
    if (answer?.getResponseHeader("X-Server-Now")) {
      set(answer.getResponseHeader("X-Server-Now"), answer.getResponseHeader("X-Clock-Rate") ?? "", Date.now());
    }
  });
  document.addEventListener("htmx:afterSettle", tick);
  tick();
  setInterval(tick, 1000);
}
