// The page in Chromium: the numbers of the command line, without a network; progress, stopping, going on; what is wrong
// with a file is said. `weather.json` is what `infonet matrix --format long --json` prints; see tests/web/test_web.py.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { answerPath, answers } from "./answers.js";
import { openBrowser, serve } from "./browser.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const WEATHER = path.join(ROOT, "runtime/infonet/data/seattle-weather.csv");
const PICTURES = path.join(ROOT, "build/web-pictures");
// Nats: the command line has the network compiled, the page has ONNX Runtime, and they round otherwise.
const OF_COMMAND_LINE = 1e-5;
const LONG = 240_000; // milliseconds that work may take on a busy machine

let server, browser, page;
const addresses = new Set();

before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.context.newPage();
  browser.context.on("request", (request) => addresses.add(new URL(request.url()).origin));
  page.setDefaultTimeout(LONG);
  fs.mkdirSync(PICTURES, { recursive: true });
});

after(async () => {
  await browser.close();
  server.close();
});

/** Open a file and wait until all is done. */
async function open(file) {
  await page.setInputFiles("#file", file);
  await page.waitForSelector("#working", { state: "visible" });
  await page.waitForSelector("#working", { state: "hidden" });
}

/** The rows of the file that is saved, as objects of text. */
async function saved() {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
  const [head, ...rows] = fs
    .readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\n");
  const names = head.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((cell, k) => [names[k], cell])));
}

test("after one visit the page works without a network, and gives the numbers of the command line", async () => {
  await page.goto(server.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await browser.context.setOffline(true);
  server.close();
  await page.reload();
  await open(WEATHER);
  const found = await saved();
  const wanted = answers("weather.json");
  assert.equal(found.length, wanted.x.length);
  found.forEach((row, k) => {
    const what = `${row.x} and ${row.y}`;
    assert.deepEqual([row.x, row.y, Number(row.n)], [wanted.x[k], wanted.y[k], wanted.n[k]]);
    for (const name of ["mi", "low", "high"]) {
      assert.ok(Math.abs(Number(row[name]) - wanted[name][k]) <= OF_COMMAND_LINE, `${name} of ${what}`);
    }
    // of weak dependence the correlation is steep in the estimate
    assert.ok(Math.abs(Number(row.correlation) - wanted.correlation[k]) <= 1e-4, `correlation of ${what}`);
    for (const name of ["p_value", "p_adjusted"]) {
      assert.ok(Math.abs(Number(row[name]) / wanted[name][k] - 1) <= 0.01, `${name} of ${what}`);
    }
  });
  assert.deepEqual(
    [...addresses].filter((origin) => origin.startsWith("http")),
    [new URL(server.url).origin],
  );
});

test("the strongest pair is listed first and shown; another one is shown when it is chosen", async () => {
  const rows = await page.locator("#pairs tbody tr").allTextContents();
  assert.match(rows[0], /^date – day_of_year3\.8/);
  assert.equal(await page.textContent("#picture-title"), "date and day_of_year");
  await page.getByRole("button", { name: "temp_max – weather" }).click();
  assert.equal(await page.textContent("#picture-title"), "temp_max and weather");
  await page.waitForSelector("#picture", { state: "visible" });
  await page.waitForFunction(() => document.getElementById("picture-note").textContent.includes("by the network"));
  const drawn = await page.evaluate(() => {
    const canvas = document.getElementById("picture");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let k = 0; k < data.length; k += 4) colours.add((data[k] << 16) | (data[k + 1] << 8) | data[k + 2]);
    return colours.size;
  });
  assert.ok(drawn > 50, `the picture has ${drawn} colours`);
});

test("a cell of the matrix that is clicked is shown, and bits are nats over log 2", async () => {
  await page.selectOption("#order", "given");
  const box = await page.locator("#matrix").boundingBox();
  let at = null; // a point of a cell: one of two in a row at least is off the diagonal
  for (const share of [0.35, 0.5]) {
    await page.mouse.move(box.x + box.width * share, box.y + box.height * 0.6);
    if (await page.isVisible("#tip")) at = [box.x + box.width * share, box.y + box.height * 0.6];
    if (at) break;
  }
  assert.ok(at, "no cell of the matrix says what it holds");
  const title = await page.locator("#tip strong").textContent();
  await page.mouse.click(...at);
  const chosen = (await page.textContent("#picture-title")).split(" and ");
  assert.deepEqual(chosen.toSorted(), title.split(" – ").toSorted());
  await page.selectOption("#order", "clustered");
  await page.selectOption("#unit", "bits");
  const wanted = answers("weather.json");
  const most = Math.max(...wanted.mi) / Math.LN2;
  assert.equal(await page.textContent("#legend-high"), `${most.toFixed(2)} bits`);
  await page.selectOption("#unit", "nats");
});

for (const colours of ["light", "dark"]) {
  test(`pictures of the page in ${colours} are written`, async () => {
    await page.emulateMedia({ colorScheme: colours });
    await page.getByRole("button", { name: "temp_max – day_of_year" }).click();
    await page.waitForSelector("#picture", { state: "visible" });
    await page.mouse.move(0, 0);
    const picture = await page.screenshot({ path: path.join(PICTURES, `${colours}.png`), fullPage: true });
    assert.ok(picture.length > 20_000);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const bright = ground
      .match(/\d+/g)
      .slice(0, 3)
      .every((value) => Number(value) > 128);
    assert.equal(bright, colours === "light");
  });
}

test("names from a file are shown as text", async () => {
  await open({ name: "odd.csv", mimeType: "text/csv", buffer: Buffer.from(await odd()) });
  assert.ok((await page.locator("#pairs tbody tr").first().textContent()).startsWith("<b>a</b> – <img src=x>"));
  assert.equal(await page.locator("#pairs tbody img").count(), 0);
});

async function odd() {
  const rows = Array.from({ length: 40 }, (_, i) => `${i},${(i * i) % 41}`);
  return ["<b>a</b>,<img src=x>", ...rows].join("\n");
}

test("what is wrong with a file is said, and the next file is read", async () => {
  await page.setInputFiles("#file", { name: "bad.csv", mimeType: "text/csv", buffer: Buffer.from("a,b\n1,2\n3\n") });
  await page.waitForSelector("#problem", { state: "visible" });
  assert.match(await page.textContent("#problem"), /a row has 1 cells and the first row 2: give every row as many/);
  await open(WEATHER);
  assert.equal(await page.isVisible("#problem"), false);
  assert.equal((await saved()).length, 21);
});

test("a pair without an estimate is hatched, and the list says why", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i},${(i * 7) % 60},${i < 12 ? i : ""}`);
  await open({ name: "gaps.csv", mimeType: "text/csv", buffer: Buffer.from(["a,b,few", ...rows].join("\n")) });
  assert.equal(await page.isVisible("#hatched"), true);
  await page.fill("#find", "a – few");
  assert.match(await page.textContent("#pairs tbody tr"), /a – few––.*no estimate: too few complete rows/);
  const row = (await saved()).find(({ x, y }) => x === "a" && y === "few");
  assert.deepEqual([row.mi, row.p_value, row.n], ["", "", "12"]);
});

test("long work shows progress, stops when it is told to, and goes on", async () => {
  await page.setInputFiles("#file", answerPath("large.csv"));
  await page.waitForFunction(() =>
    / of 435 pairs, about \d+ (s|min) left/.test(document.getElementById("progress-text").textContent),
  );
  await page.waitForFunction(() => document.getElementById("progress").value > 0.05);
  assert.ok((await page.locator("#pairs tbody tr").count()) > 0); // what is known is shown meanwhile
  await page.locator("#pairs tbody tr").first().click(); // and can be looked at
  await page.waitForSelector("#picture", { state: "visible" });
  await page.click("#stop");
  await page.waitForSelector("#again", { state: "visible" });
  const stopped = (await saved()).length;
  assert.ok(stopped > 0 && stopped < 435, `${stopped} pairs after it was stopped`);
  assert.match(await page.textContent("#table-size"), new RegExp(`stopped after ${stopped} of 435 pairs`));
  await page.locator("#pairs tbody tr").nth(1).click();
  await page.waitForSelector("#picture", { state: "visible" });
  await page.click("#again");
  await page.waitForSelector("#working", { state: "hidden" });
  const found = await saved();
  assert.equal(found.length, 435);
  const wanted = answers("large.json");
  found.forEach((row, k) =>
    assert.ok(Math.abs(Number(row.mi) - wanted.mi[k]) <= OF_COMMAND_LINE, `${row.x} and ${row.y}`),
  );
});
