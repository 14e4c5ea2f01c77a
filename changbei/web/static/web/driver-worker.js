// Keeps the driver's page, its files and its map for times without coverage. What the driver says is kept by the page.
// When the shift is over the list and the map are deleted by whoever notices first: this script or any page.
const CACHE = "changbei-driver-1";
const PATIENCE_MILLISECONDS = 4000;
const FILES = /^\/static\//;
const MAPS = /^\/(map\/[\w-]+\.json|delivery\/tours\/[\w-]+\/map\.json)$/;
const PAGE = /^\/delivery\/mine\/$/;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("changbei-driver") && name !== CACHE) await caches.delete(name);
      }
      await forgetWhenOver();
      await self.clients.claim();
    })(),
  );
});

// The page says what it was made of: what the browser loaded before this script was there.
self.addEventListener("message", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      for (const address of event.data.keep ?? []) {
        const url = new URL(address);
        const known = FILES.test(url.pathname) && (await cache.match(url.href));
        if (!known && ours(url)) await keep(cache, new Request(url.href));
      }
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || !ours(url)) return;
  event.respondWith(FILES.test(url.pathname) ? file(request) : fresh(request));
});

function ours(url) {
  return url.origin === self.location.origin && [FILES, MAPS, PAGE].some((kind) => kind.test(url.pathname));
}

// A file: what is kept, renewed behind the driver's back.
async function file(request) {
  const cache = await caches.open(CACHE);
  const known = await cache.match(request.url);
  const renewed = keep(cache, request).catch(() => null);
  return known ?? (await renewed) ?? Response.error();
}

// A page or a map: the newest, or what is kept when there is no coverage or very little.
async function fresh(request) {
  await forgetWhenOver();
  const cache = await caches.open(CACHE);
  const known = await cache.match(request.url);
  const newest = keep(cache, request);
  if (!known) return newest;
  const late = new Promise((done) => setTimeout(() => done(known), PATIENCE_MILLISECONDS));
  return Promise.race([newest.catch(() => known), late]);
}

async function keep(cache, request) {
  const answer = await fetch(request, request.mode === "navigate" ? {} : { credentials: "same-origin" });
  if (answer.ok && !answer.redirected) await cache.put(request.url, answer.clone());
  return answer;
}

async function forgetWhenOver() {
  const database = await opened();
  if (!database) return;
  const list = await asked(database.transaction("kept").objectStore("kept").get("list"));
  if (list?.tour && Date.now() > Date.parse(list.tour.forget_at) - (list.ahead ?? 0)) {
    await asked(database.transaction("kept", "readwrite").objectStore("kept").clear());
    await caches.delete(CACHE);
  }
  database.close();
}

// What the page has made; nothing is made here, so that the page finds its own beginning.
function opened() {
  const request = indexedDB.open("changbei-driver");
  request.onupgradeneeded = () => request.transaction.abort();
  return asked(request).catch(() => null);
}

function asked(request) {
  return new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}
