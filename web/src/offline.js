// The service worker: keeps all files of the page, so that it works without a network after the first visit. The build
// fills in the names.

const NAME = __NAME__;
const FILES = __FILES__;

addEventListener("install", (event) => {
  // a newer version waits until no page of the older one is open
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)));
});

addEventListener("activate", (event) => {
  const clean = async () => {
    for (const name of await caches.keys()) if (name.startsWith("infonet-") && name !== NAME) await caches.delete(name);
    await clients.claim();
  };
  event.waitUntil(clean());
});

addEventListener("fetch", (event) => {
  const kept = async () => {
    const cache = await caches.open(NAME);
    return (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
  };
  event.respondWith(kept());
});
