// The estimate of one pair of columns, from values to what is shown: runtime/infonet/pairs/engine.py and estimates.py.
//
// A pair of continuous variables is a pass of the network; one with ties is what `discrete.js` decides, with the
// p-value of `significance.js`. Missing values are left out pair by pair, as `infonet matrix --nan omit` does.

import { logPOfAgreement } from "./agreement.js";
import { logPOfAtoms } from "./atoms.js";
import { axisOf, countedRatio } from "./axes.js";
import { MOST, isFunction, repeatedRows, weighed } from "./copies.js";
import { estimate } from "./discrete.js";
import { jointHistogram } from "./network.js";
import { normalised } from "./pmi.js";
import { refined } from "./refine.js";
import { combined, isTable, logPValues, usesNetwork } from "./significance.js";
import { RankedVariable, untiedPair } from "./structure.js";

export const MOST_ROWS = 2 ** 22; // beyond, float32 does not tell mid-ranks apart
const SEED = 0; // of the random order of ties: the default of the command line
const NOT_SEEN = 0.1; // p-value above which a test says nothing of a dependence
const SAME = 0.05; // nats,
const SAME_SHARE = 0.1; // and share of an estimate, by which its table may differ

export class Engine {
  #whole = new Map(); // columns without gaps, ranked once

  /**
   * @param {Network} network the model
   * @param {{name: string, values: Float64Array, nominal: boolean, levels: string[]|null}[]} columns see `readTable`
   */
  constructor(network, columns) {
    this.network = network;
    this.columns = columns;
    this.present = columns.map(({ values }) => values.every(Number.isFinite));
  }

  /**
   * Estimate columns i and j: {i, j, n, mi, low, high, p, bound, method, notes}, nats. `mi` is null where there is no
   * estimate, and `needs` says why if only the package has one; p is null where there is no p-value, and `bound` says
   * that it is at most that.
   */
  async estimate(i, j) {
    const [x, y, n] = this.#variables(i, j);
    const none = { i, j, n, mi: null, low: null, high: null, p: null, bound: false, method: "", notes: [] };
    if (n > MOST_ROWS)
      return { ...none, needs: `the page takes ${MOST_ROWS.toLocaleString("en")} complete rows at most` };
    if (n < this.network.metadata.fewest) return { ...none, notes: ["no estimate: too few complete rows"] };
    const found = x.constant || y.constant ? flat() : await this.#found(x, y);
    return { i, j, n, ...found, notes: this.#notes(found, n) };
  }

  /**
   * What a pair of values tells: {axes: [x, y], ratio, made}. Axes have places of the samples, ties spread, and the
   * edges and names of the cells; `ratio` is log p(x, y) / (p(x) p(y)) in nats of all cells, x along the first axis;
   * `made` says whether the network or counts made it, "" where there is none.
   */
  async picture(i, j, mi) {
    const [x, y, n, rows] = this.#variables(i, j);
    if (n < this.network.metadata.fewest || n > MOST_ROWS) return { axes: [], ratio: null, made: "" };
    const [u, v] = untiedPair(x, y);
    const table = mi === null || x.constant || y.constant ? null : await this.#table(x, y, mi);
    const size = this.network.metadata.tableGrid;
    const axis = (variable, places, column) => {
      const values = rows ? Float64Array.from(rows, (row) => column.values[row]) : column.values;
      return axisOf(variable, places, { ...column, values }, table && size);
    };
    const axes = [axis(x, u, this.columns[i]), axis(y, v, this.columns[j])];
    if (table) return { axes, ratio: table, made: "network" };
    return { axes, ratio: countedRatio(x, y, axes), made: "counts" };
  }

  /** The network's table, if it says what the estimate says; else null. */
  async #table(x, y, mi) {
    const size = this.network.metadata.tableGrid;
    const { x: u, y: v } = repeatedRows(x, y) ? await this.#answered(x, y) : { x, y };
    const { table } = await this.network.run(u.ranks, v.ranks, true);
    const found = normalised(table, size, u, v);
    if (!(x.tied || y.tied)) return found;
    const counts = jointHistogram(u.ranks, v.ranks, size);
    const mean = counts.reduce((sum, count, k) => sum + count * found[k], 0) / u.n;
    return Math.abs(mean - mi) <= SAME + SAME_SHARE * mi ? found : null;
  }

  #variables(i, j) {
    if (this.present[i] && this.present[j])
      return [this.#column(i), this.#column(j), this.columns[i].values.length, null];
    const columns = [this.columns[i], this.columns[j]];
    const rows = [];
    columns[0].values.forEach((value, row) => {
      if (Number.isFinite(value) && Number.isFinite(columns[1].values[row])) rows.push(row);
    });
    const variables = columns.map(({ values, nominal }) => {
      const kept = Float64Array.from(rows, (row) => values[row]);
      return rows.length ? RankedVariable.of(kept, nominal, SEED) : null;
    });
    return [...variables, rows.length, rows];
  }

  #column(i) {
    if (!this.#whole.has(i)) {
      const { values, nominal } = this.columns[i];
      this.#whole.set(i, RankedVariable.of(values, nominal, SEED));
    }
    return this.#whole.get(i);
  }

  #found(x, y) {
    return x.tied || y.tied ? this.#tied(x, y) : this.#plain(x, y);
  }

  async #plain(x, y) {
    const answer = await this.#ask(x.ranks, y.ranks);
    const most = float32Below(Math.min(x.bound, y.bound));
    const [p, bound] = this.#fromNull(answer.statistic, x.n);
    return {
      mi: Math.min(answer.mi, most),
      low: Math.min(answer.low, most),
      high: Math.min(answer.high, most),
      p,
      bound,
      method: "network",
      unsure: answer.crowded,
    };
  }

  async #tied(x, y) {
    const { answer, tested, repeated } = await this.#answered(x, y);
    const [p, bound] = tested;
    return {
      mi: Math.fround(answer.mi),
      low: Math.fround(answer.low),
      high: Math.fround(answer.high),
      p,
      bound,
      method: answer.method,
      tied: true,
      repeated,
      unsure: answer.unsure,
    };
  }

  /**
   * Of a pair that is tied: the samples that the estimate is of, it, its p-value and whether that is a bound, and
   * whether rows repeat that are copies, perhaps.
   */
  async #answered(x, y) {
    const ask = (u, v) => this.#ask(u, v);
    const copies = repeatedRows(x, y);
    const [u, v] = copies ? [x, y].map((one) => one.take(copies.rows)) : [x, y];
    const entropy = () => Math.min(u.entropy[0], v.entropy[0]);
    if (copies === null || copies.certain) {
      let answer = await estimate(u, v, ask);
      const tested = await this.#pValue(u, v, answer);
      if (copies && !copies.evenly && answer.mi >= MOST * entropy() && !isFunction(u, v)) {
        // rounded numbers repeat, too, of which the rows are no copies: functions show that
        const { high } = await estimate(x, y, ask);
        answer = { ...answer, high: Math.max(answer.high, high), unsure: true };
      }
      return { x: u, y: v, answer, tested, repeated: copies !== null };
    }
    const whole = await estimate(x, y, ask);
    if (isFunction(u, v)) return { x, y, answer: whole, tested: await this.#pValue(x, y, whole), repeated: false };
    const once = await estimate(u, v, ask);
    const tested = await this.#pValue(u, v, once);
    const answer = weighed(copies, once, tested[0], whole, entropy());
    const samples = answer.mi === once.mi ? { x: u, y: v } : { x, y };
    return { ...samples, answer, tested, repeated: true };
  }

  async #ask(x, y) {
    const { mi, low, high, score } = await this.network.run(x, y);
    return { ...refined({ mi, low, high }, x, y), method: "network", unsure: false, statistic: score };
  }

  #fromNull(statistic, n) {
    const known = this.network.null;
    if (!known?.covers(n)) return [null, false];
    const p = known.pValue(statistic, n);
    return [p, p <= known.smallest];
  }

  /** Of a pair that was tied, perhaps before repeated rows were left out; and whether it is only an upper bound. */
  async #pValue(x, y, answer) {
    const tied = x.tied || y.tied;
    const logs = tied ? logPValues(x, y) : [];
    const ofAtoms = logPOfAtoms(x, y);
    if (ofAtoms !== null) logs.push(ofAtoms);
    const fast = tied && !isTable(x, y) ? logPOfAgreement(x, y) : null;
    let bound = false;
    if (this.network.null?.covers(x.n) && (!tied || usesNetwork(x, y))) {
      let { statistic } = answer;
      if (Number.isNaN(statistic)) statistic = (await this.network.run(...untiedPair(x, y))).score;
      const [p, atEnd] = this.#fromNull(statistic, x.n);
      logs.push(Math.log(p));
      bound = atEnd && Math.log(p) <= Math.min(...logs) && (fast === null || fast > Math.log(p));
    }
    return [logs.length ? combined(logs, fast) : null, bound];
  }

  /** Remarks about a pair, one sentence each, as `infonet` makes them. */
  #notes({ method, tied, repeated, unsure, p, bound, low }, n) {
    if (method === "constant") return ["a variable is constant: mutual information is 0"];
    const notes = [];
    if (tied && method !== "counted" && method !== "shared") notes.push("equal values were put in random order");
    if (repeated && unsure) {
      notes.push(
        "whole rows repeat, and the samples do not tell copies of rows, which say nothing, from a code that " +
          "determines the other variable: the interval holds both, and the p-value takes each row once",
      );
    } else if (repeated) {
      notes.push(
        "rows repeat in both variables, which were taken once each: where they are different observations, make them " +
          "differ, by what tells them apart",
      );
    } else if (unsure && !tied) {
      notes.push(
        "samples crowd along an edge or in a corner, where much information may lie below what they resolve: the " +
          "interval reaches that far up",
      );
    } else if (unsure) {
      notes.push("there are too few samples for so many different values: the interval says how little is known");
    }
    const known = this.network.null;
    if (p === null && known) {
      const [least, most] = [known.n[0], known.n[known.n.length - 1]].map((count) => count.toLocaleString("en"));
      notes.push(`no p-value: the null distribution is known for ${least} to ${most} rows`);
    } else if (bound) {
      notes.push("the p-value is an upper bound: the null distribution is not known further out");
    }
    // Under independence the lower end stays well below n**-0.5.
    if (p !== null && low > n ** -0.5 && p > NOT_SEEN) {
      notes.push(
        "the interval is well above 0, but the test of independence compares another statistic, which does not see " +
          "this dependence",
      );
    }
    return notes;
  }
}

function flat() {
  return { mi: 0, low: 0, high: 0, p: null, bound: false, method: "constant" };
}

/** Rounded down, so that every estimate is a float32 number. */
function float32Below(value) {
  const rounded = Math.fround(value);
  if (!(rounded > value)) return rounded;
  const bits = new Uint32Array(new Float32Array([rounded]).buffer);
  bits[0]--;
  return new Float32Array(bits.buffer)[0];
}
