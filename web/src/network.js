// The network: the core graph of the model, which reads joint histograms of ranks, run by ONNX Runtime Web.

import { readMetadata } from "./metadata.js";
import { NullDistribution } from "./null.js";

export class Network {
  /**
   * Load the model.
   * @param {object} ort the module onnxruntime-web
   * @param {Uint8Array} file content of copula.core.onnx
   */
  static async load(ort, file) {
    const network = new Network();
    const metadata = readMetadata(file);
    network.ort = ort;
    network.metadata = metadata;
    network.null = metadata.null && new NullDistribution(metadata.null);
    network.session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
    return network;
  }

  /**
   * What the network says of two columns of ranks: {mi, low, high, score} in nats, and `table` [T * T] if asked for, x
   * along its first axis.
   */
  async run(x, y, withTable = false) {
    const grid = this.metadata.histogramGrid;
    const histogram = new this.ort.Tensor("float32", Float32Array.from(jointHistogram(x, y, grid)), [1, grid, grid]);
    const names = ["mi", "quantiles", "score", ...(withTable ? ["table"] : [])];
    const outputs = await this.session.run({ histogram }, names);
    const quantiles = outputs.quantiles.data;
    const found = {
      mi: outputs.mi.data[0],
      low: quantiles[0],
      high: quantiles[quantiles.length - 1],
      score: outputs.score.data[0],
    };
    if (!Object.values(found).every(Number.isFinite)) throw new Error("the network gives numbers that are not finite");
    if (withTable) found.table = Float32Array.from(outputs.table.data);
    for (const output of Object.values(outputs)) output.dispose();
    return found;
  }
}

/** Counts of samples on a raster of the unit square, each shared by the four cells around it, rows of x first. */
export function jointHistogram(x, y, grid) {
  const cells = new Float64Array(grid * grid);
  for (let i = 0; i < x.length; i++) {
    const [atX, atY] = [placeOf(x[i], grid), placeOf(y[i], grid)];
    const [row, column] = [Math.min(Math.floor(atX), grid - 2), Math.min(Math.floor(atY), grid - 2)];
    const [right, upper] = [atX - row, atY - column];
    const first = row * grid + column;
    cells[first] += (1 - right) * (1 - upper);
    cells[first + 1] += (1 - right) * upper;
    cells[first + grid] += right * (1 - upper);
    cells[first + grid + 1] += right * upper;
  }
  return cells;
}

function placeOf(rank, grid) {
  return Math.min(Math.max(rank * grid - 0.5, 0), grid - 1);
}
