// Shows a push and opens what it is about. A second copy of a message takes the place of the first.
self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json() : {};
  const options = { body: told.body || "", tag: told.id, renotify: Boolean(told.id), data: { link: told.link || "/messages/" }, requireInteraction: true };
  event.waitUntil(self.registration.showNotification(told.title || "", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const link = new URL(event.notification.data.link, self.location.origin);
  const target = link.origin === self.location.origin ? link.pathname : "/messages/";
  event.waitUntil(self.clients.openWindow(target));
});
