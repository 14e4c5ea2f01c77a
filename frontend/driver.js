// The driver's page: draws the list, keeps what the driver says, and sends it as soon as there is coverage.
import { part, put, tel } from "./driver/draw.js";
import { laidOver } from "./driver/list.js";
import { follow, stopFollowing, whereNow } from "./driver/place.js";
import { done, forget, isNotForUs, isOver, keep, kept, remember, said } from "./driver/store.js";
import { say } from "./texts.js";

const RENEW_MILLISECONDS = 20_000;
const PATIENCE_MILLISECONDS = 15_000;
const NEW_MILLISECONDS = 700; // a second tap of the same thumb is not meant for what it brought up
const page = document.querySelector("[data-driver]");
const at = (name) => page.querySelector(`[data-part="${name}"]`);
const answers = new Map(); // uuid → what the server said about a breakdown
let list = null;
let words = [];
let sharer = null; // staff number of the driver who agreed that this phone says where it is
let hide = false; // what the server knows of the place shall be deleted
let here = null;
let drawn = { about: null, step: null }; // what the big buttons are about
let settling = null;
let online = true;
let busy = false;
let again = false;
let gone = false;
const unkept = new Set(); // uuids of words that the phone could not write down

const mine = () => words.filter((word) => word.driver === list?.driver);
const waiting = () => mine().filter((word) => word.state !== "refused");

async function start() {
  if (!navigator.onLine) document.querySelector(".cb-tour-map")?.remove(); // drawn by files that only the network has
  const remembered = (name) => kept(name).catch(() => null); // a browser that keeps nothing: as long as the page is open
  list = (await remembered("list")) ?? null;
  sharer = (await remembered("sharer")) ?? null;
  hide = (await remembered("hide")) === true;
  words = await said().catch(() => []);
  if (isNotForUs(list)) await forgotten();
  draw();
  page.addEventListener("click", act);
  window.addEventListener("online", exchange);
  document.addEventListener("visibilitychange", () => document.hidden || exchange());
  document.addEventListener("submit", leaving);
  window.addEventListener("pageshow", () => gone && location.reload());
  setInterval(exchange, RENEW_MILLISECONDS);
  followOrNot();
  try {
    await exchange();
  } finally {
    keepPage();
  }
}

async function forgotten() {
  stopFollowing();
  list = here = sharer = null;
  hide = false;
  await forget().catch(() => {});
}

// Whoever logs out takes the list along (leaving.js); what is not sent yet waits for the same driver.
function leaving(event) {
  if (!event.target.matches("[data-leaves]")) return;
  gone = true;
  stopFollowing();
}

// What is kept serves the next time only: a phone that cannot keep it goes on.
async function tryTo(store) {
  try {
    await store;
    return true;
  } catch {
    return false;
  }
}

// ---------------------------------------------------------------- talking to the server

async function exchange() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    if (isOver(list)) await forgotten(); // a page that stays open over night
    await send();
  } catch (error) {
    // a SyntaxError: somebody on the way answers with a page of their own
    if (!(error instanceof TypeError || error instanceof SyntaxError) && !["TimeoutError", "AbortError"].includes(error.name)) throw error;
    online = false;
  } finally {
    busy = false;
    draw();
  }
  if (again) {
    again = false;
    await exchange();
  }
}

async function send(retry = true) {
  const open = list ? waiting() : [];
  if (!list || (!open.length && !here && !hide)) return take(await ask(page.dataset.listUrl));
  const place = here;
  const hiding = hide;
  const body = { sent_at: new Date().toISOString(), actions: open, position: place, hide: hiding };
  const answer = await ask(page.dataset.syncUrl, body);
  if (answer.status === 403) {
    const newest = await ask(page.dataset.listUrl); // another login has changed the token
    await take(newest);
    if (newest.ok && retry) await send(false);
    return;
  }
  if (!answer.ok) return take(answer);
  const found = await answer.json();
  // What came up while this was on its way is still to be said: a newer place, or that there shall be none any more.
  if (here === place) here = null;
  if (hiding && !sharer) hide = false;
  if (hiding) await tryTo(keep("hide", hide));
  await renew(found); // before the words go: no moment without both
  for (const one of found.done) await heard(one);
}

function ask(url, body = null) {
  const headers = { Accept: "application/json" };
  if (body) Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": list.csrf });
  const signal = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  return fetch(url, { method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body) });
}

async function take(answer) {
  at("login").hidden = answer.status !== 401;
  at("ended").hidden = answer.status !== 403;
  online = answer.status < 500;
  if (answer.status === 403) await forgotten();
  if (answer.ok) await renew(await answer.json());
}

async function renew(found) {
  if (gone) return;
  online = true;
  at("login").hidden = at("ended").hidden = true;
  if (list && list.driver !== found.driver) await forgotten();
  if (list?.tour?.reported && !found.tour?.reported) answers.clear(); // it drives again
  list = { ...found, ahead: Date.parse(found.now) - Date.now() };
  followOrNot();
  await tryTo(keep("list", list));
}

async function heard(one) {
  const word = words.find((word) => word.uuid === one.uuid);
  if (!word) return;
  if (one.outcome === "refused") {
    Object.assign(word, { state: "refused", words: one.words });
    await tryTo(remember(word));
    return;
  }
  if (word.kind === "breakdown") answers.set(word.uuid, one.words);
  words = words.filter((other) => other !== word);
  unkept.delete(word.uuid);
  await tryTo(done(word.uuid));
}

// ---------------------------------------------------------------- what the driver says

async function speak(kind, more = {}) {
  const now = new Date();
  const wall = shortTime(new Date(now.getTime() + (list.ahead ?? 0)));
  const word = { uuid: unique(), driver: list.driver, tour: list.tour.uuid, kind, at: now.toISOString(), wall, ...more };
  words.push(word);
  draw();
  if (!(await tryTo(remember(word)))) unkept.add(word.uuid);
  await exchange();
  return word;
}

function unique() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

async function act(event) {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  const kind = button.dataset.act;
  const next = drawn.step;
  if (kind === "delivered") await speak(kind, { stop: next.stop, name: next.name });
  else if (kind === "refused" || kind === "absent") await because(kind, next);
  else if (kind === "correct") await correct(button);
  else if (kind === "taken_over") await takeOver(next);
  else if (kind === "returned") await speak(kind);
  else if (kind === "breakdown") await breakDown();
  else if (kind === "share") await share();
  else if (kind === "dismiss") await dismiss(button);
}

async function because(kind, step) {
  const reason = await choice(`${kind}-dialog`);
  if (reason) await speak(kind, { stop: step.stop, name: step.name, reason });
}

// A mistake of the thumb: the other two ways, the later word counts.
async function correct(button) {
  const row = button.closest("li");
  const step = { stop: Number(row.dataset.stop), name: row.dataset.name };
  if (row.dataset.status !== "delivered") await speak("delivered", step);
  else await because("absent", step);
}

async function takeOver(next) {
  const dialog = document.getElementById("take-over-dialog");
  dialog.querySelector("[data-slot]").textContent = `${next.source} · ${next.cartons} · ${next.address}`;
  if ((await choice("take-over-dialog")) === "yes") await speak("taken_over", { source: next.source });
}

async function breakDown() {
  const dialog = document.getElementById("breakdown-dialog");
  const status = dialog.querySelector("[data-slot] span");
  let place = null;
  status.textContent = say("locating");
  const found = whereNow().then((told) => {
    place = told;
    status.textContent = told ? say("located", { metres: told.accuracy }) : say("placeOfNext");
  });
  if ((await choice("breakdown-dialog")) !== "report") return;
  await Promise.race([found, new Promise((next) => setTimeout(next, 4000))]);
  const box = (name) => dialog.querySelector(`[name=${name}]`).checked;
  window.scrollTo(0, 0);
  await speak("breakdown", {
    goods_aboard: box("goods_aboard"),
    accident: box("accident"),
    injured: box("injured"),
    driver_fit: !box("driver_unfit"),
    longitude: place?.longitude,
    latitude: place?.latitude,
  });
}

function choice(id) {
  const dialog = document.getElementById(id);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue), { once: true }));
}

async function dismiss(button) {
  const { uuid } = button.closest("[data-uuid]").dataset;
  words = words.filter((word) => word.uuid !== uuid);
  draw();
  await tryTo(done(uuid));
}

// ---------------------------------------------------------------- where the phone is

const shares = () => list !== null && sharer === list.driver;

async function share() {
  if (!list) return;
  sharer = shares() ? null : list.driver;
  hide = sharer === null;
  followOrNot();
  draw();
  await tryTo(keep("sharer", sharer));
  await tryTo(keep("hide", hide));
  await exchange();
}

// Only who agreed, and only on the way.
function followOrNot() {
  const tour = list?.tour;
  const driving = tour && tour.status !== "finished" && Date.now() + list.ahead < Date.parse(tour.ends_at);
  if (driving && shares()) return follow(moved);
  stopFollowing();
  here = null;
}

function moved(found) {
  if (!shares() || !list.tour) return;
  const first = here === null && !list.tour.shares_position;
  here = { ...found, tour: list.tour.uuid };
  if (first) exchange();
}

// ---------------------------------------------------------------- drawing

function draw() {
  drawState();
  const tour = list?.tour;
  if (!tour) {
    put(at("next"), ...(list ? [part("none")] : []));
    settle(list && "none", null);
    at("trouble").hidden = at("progress").hidden = true;
    for (const name of ["rest", "done", "papers"]) put(at(name));
    return;
  }
  const shown = laidOver(tour, mine());
  drawAnswers(shown);
  put(at("papers"), ...tour.papers.map((one) => part("papers", { ...one, unwritten: !one.written })));
  const progress = at("progress");
  progress.hidden = false;
  progress.querySelector("progress").value = shown.total ? shown.done.length / shown.total : 1;
  progress.querySelector("[data-slot]").textContent = say("driven", { done: shown.done.length, total: shown.total });
  const relief = shown.broken ? (tour.relief ?? []) : [];
  put(at("next"), nextPart(shown), ...relief.map((one) => part("relief", { ...one, tel: tel(one.phone) })));
  settle(about(shown), shown.next);
  at("trouble").hidden = shown.broken || shown.over || !shown.next;
  put(at("rest"), ...(shown.rest.length && !shown.broken ? [restPart(shown)] : []));
  put(at("done"), ...(shown.done.length ? [donePart(shown)] : []));
}

function nextPart(shown) {
  if (shown.broken) return part("broken", shown.breakdown || incident() ? {} : dispatcher());
  if (shown.over) return part("over");
  if (!shown.next) return part("finished");
  return shown.next.stop ? part("stop", rowValues(shown.next)) : part("goods", rowValues(shown.next));
}

function about(shown) {
  if (shown.broken || shown.over || !shown.next) return shown.broken ? "broken" : shown.over ? "over" : "finished";
  return shown.next.stop ? `stop:${shown.next.stop}` : `goods:${shown.next.source}`;
}

// What has just come up under the thumb takes no tap yet.
function settle(about, step) {
  const fresh = drawn.about !== about;
  drawn = { about, step };
  if (!fresh) return;
  at("next").inert = true;
  clearTimeout(settling);
  settling = setTimeout(() => (at("next").inert = false), NEW_MILLISECONDS);
}

function rowValues(step) {
  return { ...step, tel: tel(step.phone), [step.care]: true, held: step.status === "held", from_site: !step.from_van };
}

function dispatcher() {
  const { name, phone } = list.dispatcher ?? {};
  return phone ? { dispatcher: `${name} ${phone}`, call: tel(phone) } : {};
}

function restPart(shown) {
  const made = part("rest");
  let number = 1;
  made.querySelector("ol").append(
    ...shown.rest.map((step) => (step.stop ? part("row", { ...rowValues(step), number: (number += 1) }) : part("goods-row", step))),
  );
  return made;
}

function donePart(shown) {
  const made = part("done", { count: shown.done.length });
  const before = at("done").querySelector("details");
  if (before?.open) made.querySelector("details").open = true;
  for (const step of shown.done) {
    const mistaken = ["delivered", "refused", "absent"].includes(step.status);
    const row = part("done-row", { ...step, [step.status]: true, mine: mistaken });
    Object.assign(row.querySelector("li").dataset, { stop: step.stop, name: step.name, status: step.status });
    made.querySelector("ol").append(row);
  }
  return made;
}

const incident = () => list.tour.reported || ([...answers.values()].at(-1) ?? "");

function drawAnswers(shown) {
  const refused = mine().filter((word) => word.state === "refused");
  const parts = refused.map((word) => {
    const made = part("answer", word);
    made.querySelector("[role=alert]").dataset.uuid = word.uuid;
    return made;
  });
  const number = incident();
  if (shown.breakdown || number) parts.push(part("reported", { ...dispatcher(), number, waiting: !number }));
  put(at("answers"), ...parts);
}

const shortTime = (moment) => moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Shanghai" });

function drawState() {
  const count = waiting().length;
  const banner = at("sending");
  const time = list ? shortTime(new Date(list.now)) : "";
  banner.dataset.tone = !online ? "warn" : count ? "notice" : "good";
  banner.dataset.waiting = String(count);
  let text = say("sent", { time });
  if (!online) text = count ? say("noCoverage", { count }) : say("noCoverageList", { time });
  else if (count) text = say("toSend", { count });
  if (waiting().some((word) => unkept.has(word.uuid))) {
    banner.dataset.tone = "bad";
    text = say("unkept", { count });
  }
  if (list || !online) banner.querySelector("[data-slot]").textContent = text;
  const button = page.querySelector("[data-act=share]");
  button.setAttribute("aria-pressed", String(shares()));
  button.querySelector("[data-off]").hidden = shares();
  button.querySelector("[data-on]").hidden = !shares();
  page.querySelector("[data-slot=sharing]").textContent = say(shares() ? "sharing" : "notSharing");
}

// ---------------------------------------------------------------- without coverage

async function keepPage() {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register(page.dataset.workerUrl);
  await navigator.serviceWorker.ready;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  registration.active?.postMessage({ keep: [location.href, ...loaded] });
}

if (page) start();
