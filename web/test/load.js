// The estimator in Node, with the model of the repository.

import fs from "node:fs";
import * as ort from "onnxruntime-web";
import { readTable } from "../src/columns.js";
import { Engine } from "../src/engine.js";
import { Network } from "../src/network.js";

const MODEL = new URL("../../runtime/infonet/models/copula.core.onnx", import.meta.url);

export async function loadNetwork() {
  ort.env.wasm.numThreads = 1;
  return Network.load(ort, new Uint8Array(fs.readFileSync(MODEL)));
}

/** The table in a file, and what estimates its pairs. */
export function openTable(network, file) {
  const table = readTable(fs.readFileSync(file, "utf8"));
  return { ...table, engine: new Engine(network, table.columns) };
}
