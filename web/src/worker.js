// A worker: reads the table, or is given it, and estimates pairs. The page itself only draws.

import * as ort from "onnxruntime-web/wasm";
import modelUrl from "../../runtime/infonet/models/copula.core.onnx?url";
import { readText } from "./csv_rows.js";
import { readTable } from "./columns.js";
import { Engine } from "./engine.js";
import { Network } from "./network.js";

// Threads need headers that a plain server does not send; there are several workers instead.
ort.env.wasm.numThreads = 1;

const network = loadNetwork();
network.catch(() => {}); // said when it is asked for
let engine = null;

async function loadNetwork() {
  const response = await fetch(modelUrl);
  if (!response.ok) throw new Error(`the model cannot be loaded (${response.status}): load the page again`);
  return Network.load(ort, new Uint8Array(await response.arrayBuffer()));
}

const tasks = {
  async read({ file }) {
    const table = readTable(await readText(file));
    engine = new Engine(await network, table.columns);
    return table;
  },

  async open({ columns }) {
    engine = new Engine(await network, columns);
  },

  async estimate({ pairs }) {
    const found = [];
    for (const [i, j] of pairs) found.push(await engine.estimate(i, j));
    return found;
  },

  picture({ i, j, mi }) {
    return engine.picture(i, j, mi);
  },
};

onmessage = async ({ data }) => {
  try {
    postMessage({ id: data.id, found: await tasks[data.task](data) });
  } catch (error) {
    postMessage({ id: data.id, error: error.message });
  }
};
