// Run the portable file in onnxruntime-node or onnxruntime-web; called by portable.py.
// Usage: node portable.mjs PACKAGE FOLDER. The folder holds model.onnx, sets.json and the samples; the answers go to
// answers.json: mi of every set, and the milliseconds of each repetition of the sets to time.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [name, folder] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), "package.json"));
const ort = require(name);
const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
if (name === "onnxruntime-web") ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(fs.readFileSync(path.join(folder, "model.onnx")), options);
const { sets, timed, repeats } = JSON.parse(fs.readFileSync(path.join(folder, "sets.json")));

function read(set) {
  const bytes = fs.readFileSync(path.join(folder, set.file));
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return new ort.Tensor("float32", values, [1, set.n, 2]);
}

const answers = [];
for (const set of sets) {
  const { mi } = await session.run({ samples: read(set) }, ["mi"]);
  answers.push(Number(mi.data[0]));
}
const times = {};
for (const set of timed) {
  const samples = read(set);
  await session.run({ samples }, ["mi"]);
  times[set.n] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await session.run({ samples }, ["mi"]);
    times[set.n].push(performance.now() - start);
  }
}
fs.writeFileSync(path.join(folder, "answers.json"), JSON.stringify({ version: ort.env.versions?.common ?? "", answers, times }));
process.exit(0);
