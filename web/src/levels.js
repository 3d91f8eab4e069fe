// The values of a tied column as codes, and how often they meet those of another: runtime/infonet/pairs/levels.py.

import { twiceRanks } from "./ranking.js";

const LIGHT = 0.05; // share of the samples that a level has at most, to be compared with its neighbours
const ENOUGH = 0.3; // share of the samples that are in such levels at least

/** The different values of one variable, numbered in their order: `codes` [n] from 0, `counts` of each [K]. */
export class Levels {
  constructor(codes, counts, nominal) {
    this.codes = codes;
    this.counts = counts;
    this.nominal = nominal;
    this.n = codes.length;
    this.number = counts.length;
    this.most = counts.reduce((a, b) => Math.max(a, b), 0);
    this.minor = this.n - this.most; // samples that do not have the most frequent value
    this.alone = counts.reduce((sum, count) => sum + (count === 1), 0);
  }

  /** The levels of mid-ranks in (0, 1). */
  static of(ranks, nominal = false) {
    return Levels.ofCodes(twiceRanks(ranks), nominal);
  }

  /** The levels of whole numbers from 0. */
  static ofCodes(values, nominal = false) {
    let top = 0;
    for (const value of values) if (value > top) top = value;
    const found = new Int32Array(top + 1);
    for (const value of values) found[value]++;
    const place = new Int32Array(top + 1);
    const counts = [];
    for (let value = 0; value <= top; value++) if (found[value]) place[value] = counts.push(found[value]) - 1;
    return new Levels(
      Int32Array.from(values, (value) => place[value]),
      Int32Array.from(counts),
      nominal,
    );
  }

  /** The most frequent level, the first of several. */
  get frequent() {
    return this.counts.indexOf(this.most);
  }

  /** The levels of the samples at these places. */
  take(rows) {
    return Levels.ofCodes(
      Int32Array.from(rows, (row) => this.codes[row]),
      this.nominal,
    );
  }
}

/** The pairs of levels that occur: `first` and `second` level of each cell in their order, and its `counts`. */
export class Cells {
  constructor(x, y) {
    const n = x.n;
    const keys = new Float64Array(n);
    for (let i = 0; i < n; i++) keys[i] = x.codes[i] * y.number + y.codes[i];
    const sorted = keys.slice().sort();
    const [first, second, counts] = [[], [], []];
    for (let i = 0; i < n;) {
      const begin = i;
      for (i++; i < n && sorted[i] === sorted[begin];) i++;
      first.push(Math.floor(sorted[begin] / y.number));
      second.push(sorted[begin] % y.number);
      counts.push(i - begin);
    }
    Object.assign(this, { x, y, first, second, counts, keys, number: counts.length });
    this.alone = counts.reduce((sum, count) => sum + (count === 1), 0);
  }

  /** The first samples of each cell, so many of each as `often` says, in the order of the samples. */
  firstRows(often = this.counts.map(() => 1)) {
    const left = new Map(this.first.map((level, c) => [level * this.y.number + this.second[c], often[c]]));
    const rows = [];
    this.keys.forEach((key, i) => {
      if (left.get(key) > 0) rows.push(i);
      left.set(key, left.get(key) - 1);
    });
    return rows;
  }

  /** The same with the variables exchanged. */
  turned() {
    return new Cells(this.y, this.x);
  }

  /**
   * Whether the order of x is of no account for y, as that of codes: samples of one level of x agree in y more often
   * than those of neighbouring levels. Frequent levels are left out; of a variable of few levels, none is.
   */
  isJagged() {
    const { x, y } = this;
    const light = [x, y].map((v) => (level) => v.counts[level] <= LIGHT * v.n || v.number <= 1 / LIGHT);
    const used = this.counts.map((_, c) => c).filter((c) => light[0](this.first[c]) && light[1](this.second[c]));
    let n = 0;
    const ofX = new Float64Array(x.number);
    const ofY = new Float64Array(y.number);
    const held = new Map();
    for (const c of used) {
      n += this.counts[c];
      ofX[this.first[c]] += this.counts[c];
      ofY[this.second[c]] += this.counts[c];
      held.set(this.first[c] * y.number + this.second[c], this.counts[c]);
    }
    if (n < x.n * ENOUGH) return false;
    let [same, near] = [0, 0];
    for (const [key, count] of held) {
      same += count * (count - 1);
      near += count * (held.get(key + y.number) ?? 0);
    }
    const pairsSame = ofX.reduce((sum, count) => sum + count * (count - 1), 0);
    const pairsNear = ofX.reduce((sum, count, i) => sum + (i ? count * ofX[i - 1] : 0), 0);
    if (!same || !pairsNear) return false;
    const base = ofY.reduce((sum, count) => sum + count * (count - 1), 0) / (n * (n - 1));
    const [within, beyond] = [same / pairsSame, near / pairsNear];
    // each unordered pair of samples of one level was counted twice
    const error = Math.sqrt((2 * within) / pairsSame + Math.max(beyond, base) / pairsNear);
    return within - beyond > Math.max(3 * error, (within - base) / 2);
  }
}
