// Run the portable file in onnxruntime-node, in onnxruntime-web, or in that within Chromium; called by portable.py.
// Usage: node portable.mjs onnxruntime-node|onnxruntime-web|chromium FOLDER, where the packages are. FOLDER holds
// model.onnx, sets.json and the samples; the answers of portable_run.mjs go to answers.json there.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { answer } from "./portable_run.mjs";

const [name, folder] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), "package.json"));

function inNode() {
  const ort = require(name);
  if (name === "onnxruntime-web") ort.env.wasm.numThreads = 1;
  const bytes = (file) => fs.readFileSync(path.join(folder, file));
  const read = (set) => new Float32Array(new Uint8Array(bytes(set.file)).buffer);
  return answer(name, ort, bytes("model.onnx"), JSON.parse(bytes("sets.json")), read);
}

/** In a page that has the folder's files, and those of onnxruntime-web, from a server on this machine. */
async function inChromium() {
  const { openBrowser, serve } = await import("../web/test/browser.js");
  const own = path.join(import.meta.dirname, "portable_run.mjs");
  const packaged = path.dirname(require.resolve("onnxruntime-web"));
  for (const [place, target] of [
    ["run.mjs", own],
    ["ort", packaged],
  ]) {
    if (!fs.existsSync(path.join(folder, place))) fs.symlinkSync(target, path.join(folder, place));
  }
  fs.writeFileSync(path.join(folder, "index.html"), "<!doctype html><title>The portable file</title>");
  const server = await serve(folder);
  const browser = await openBrowser();
  const page = await browser.context.newPage();
  await page.goto(server.url);
  const found = await page.evaluate(async () => {
    const [ort, { answer }] = await Promise.all([import("/ort/ort.wasm.min.mjs"), import("/run.mjs")]);
    ort.env.wasm.wasmPaths = "/ort/";
    ort.env.wasm.numThreads = 1;
    const bytes = async (file) => (await fetch(`/${file}`)).arrayBuffer();
    const plan = await (await fetch("/sets.json")).json();
    const read = async (set) => new Float32Array(await bytes(set.file));
    return answer("onnxruntime-web", ort, await bytes("model.onnx"), plan, read);
  });
  const runtime = `${found.runtime} in Chromium ${browser.context.browser().version()}`;
  await browser.close();
  server.close();
  return { ...found, runtime };
}

const found = await (name === "chromium" ? inChromium() : inNode());
fs.writeFileSync(path.join(folder, "answers.json"), JSON.stringify(found));
process.exit(0);
