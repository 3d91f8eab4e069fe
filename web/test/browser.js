// Chromium without a screen, and a server for the files of build/web.

import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const ROOT = path.resolve(import.meta.dirname, "../../build/web");
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
};
const FLAGS = [
  ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
].flat();

/** The path of Chromium: CHROMIUM, or where Debian's package puts it; null if there is none. */
export function findChromium() {
  const found = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return fs.existsSync(found) ? found : null;
}

/** Serve a folder, build/web unless told otherwise, on a free port of this machine: {url, close}. */
export async function serve(root = ROOT) {
  const server = http.createServer((request, response) => {
    const name = new URL(request.url, "http://localhost").pathname;
    const file = path.join(root, name === "/" ? "index.html" : path.normalize(name));
    if (!file.startsWith(root) || !fs.existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "Content-Type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://localhost:${server.address().port}/`, close: () => server.close() };
}

/** A context of Chromium with an empty profile: {context, close}. */
export async function openBrowser(options = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "infonet-chromium-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: findChromium(),
    headless: true,
    args: FLAGS,
    viewport: { width: 1360, height: 1100 },
    acceptDownloads: true,
    ...options,
  });
  const close = async () => {
    await context.close();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { context, close };
}
