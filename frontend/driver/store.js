// What the phone keeps between two moments of coverage: the list of whoever is logged in, and what was said and not yet
// sent. Everything else about customers is deleted when the shift is over or somebody else logs in.
const NAME = "changbei-driver";
let opened = null;

function open() {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("kept");
      request.result.createObjectStore("said", { keyPath: "uuid" });
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opened;
}

async function within(store, mode, work) {
  const database = await open();
  return new Promise((done, fail) => {
    const transaction = database.transaction(store, mode);
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => done(request.result);
    transaction.onerror = () => fail(transaction.error);
    transaction.onabort = () => fail(transaction.error); // a full phone says so only when it is to be written down
  });
}

export const kept = (name) => within("kept", "readonly", (store) => store.get(name));
export const keep = (name, value) => within("kept", "readwrite", (store) => store.put(value, name));
export const said = () => within("said", "readonly", (store) => store.getAll());
export const remember = (word) => within("said", "readwrite", (store) => store.put(word));
export const done = (uuid) => within("said", "readwrite", (store) => store.delete(uuid));

/** Delete the list, the cached pages and the consent; words that wait stay until they are sent. */
export async function forget() {
  await within("kept", "readwrite", (store) => store.clear());
  if ("caches" in window) {
    for (const name of await caches.keys()) if (name.startsWith("changbei-driver")) await caches.delete(name);
  }
}

/** Whether what is kept belongs to a shift that is over. `ahead`: by how much the server's clock is before the phone's. */
export const isOver = (list) => Boolean(list?.tour) && Date.now() > Date.parse(list.tour.forget_at) - (list.ahead ?? 0);

/** Whether it is over, or of somebody else than the page is for. */
export function isNotForUs(list) {
  const viewer = document.querySelector('meta[name="viewer"]')?.content;
  return isOver(list) || Boolean(list && viewer && list.driver !== viewer);
}

/** On every page: a phone whose driver never opened the list again, or that somebody else uses now, forgets it all the same. */
export async function forgetOthers() {
  if ((await knownHere()) && isNotForUs(await kept("list"))) await forget();
}

/** Whether this browser was ever a driver's: no other gets a database. */
export async function knownHere() {
  if ("caches" in window && (await caches.keys()).some((name) => name.startsWith("changbei-driver"))) return true;
  const all = await indexedDB.databases?.();
  return !all || all.some((one) => one.name === NAME); // an older browser does not say
}
