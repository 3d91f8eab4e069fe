// Seconds that the page in build/web takes in Chromium, from the choice of a file to the last pair; called by web.py.
// Usage: node web.mjs FILE...

import { openBrowser, serve } from "../web/test/browser.js";

const server = await serve();
const browser = await openBrowser();
const page = await browser.context.newPage();
const seconds = [];
for (const file of process.argv.slice(2)) {
  await page.goto(server.url);
  const start = performance.now();
  await page.setInputFiles("#file", file);
  await page.waitForSelector("#save", { state: "visible", timeout: 0 });
  seconds.push((performance.now() - start) / 1000);
}
console.log(JSON.stringify({ seconds, version: browser.context.browser()?.version() ?? "" }));
await browser.close();
server.close();
