// Mutual information of two discrete variables by their counts: runtime/infonet/pairs/counted.py.

import { digamma, logGamma } from "./special.js";

export const Z95 = 1.6448536269514722; // 95 % quantile of the standard normal distribution
const SPIKED = 0.7; // of what `shared` says, that is certain whatever the shares are
const UNLIKE = 0.7; // of what the plain counts say more, that may be right
// Concentrations that `shared` averages over: from categories of one label each to categories that are all alike.
const CONCENTRATIONS = Array.from({ length: 49 }, (_, i) => 10 ** (-3 + i / 6));

/** A normal 90 % interval about an estimate in nats, both cut at 0: {mi, low, high}. */
export function interval(estimate, variance) {
  const reach = Z95 * Math.sqrt(variance);
  const mi = Math.max(0, estimate);
  return { mi, low: Math.max(0, mi - reach), high: mi + reach };
}

/** Miller-Madow estimate of the pairs of levels that occur. */
export function plugIn(cells) {
  const unseen = cells.alone / (2 * cells.x.n); // of cells of one sample there may be as many that were not seen
  const rows = cells.first.map((level) => cells.x.counts[level]);
  const columns = cells.second.map((level) => cells.y.counts[level]);
  return millerMadow(cells.counts, rows, columns, 0, unseen);
}

/**
 * Miller-Madow estimate of a table of counts, rows one after the other. The interval has the variance of the mean log
 * ratio, that of half a chi-squared variable over n, and the squares of the part `uncorrected` of the largest
 * correction and of `apart`, nats.
 */
export function fromTable(counts, width, uncorrected = 0, apart = 0) {
  const height = counts.length / width;
  const ofRow = new Float64Array(height);
  const ofColumn = new Float64Array(width);
  for (let i = 0; i < counts.length; i++) {
    ofRow[Math.floor(i / width)] += counts[i];
    ofColumn[i % width] += counts[i];
  }
  const [used, rows, columns] = [[], [], []];
  for (let i = 0; i < counts.length; i++) {
    if (!counts[i]) continue;
    used.push(counts[i]);
    rows.push(ofRow[Math.floor(i / width)]);
    columns.push(ofColumn[i % width]);
  }
  return millerMadow(used, rows, columns, uncorrected, apart);
}

/** Of the cells that are used, and the sums of the row and the column of each. */
function millerMadow(cells, rows, columns, uncorrected, apart) {
  const n = cells.reduce((sum, count) => sum + count, 0);
  const ratio = cells.map((count, i) => Math.log(count * n) - Math.log(rows[i] * columns[i]));
  const mean = ratio.reduce((sum, value, i) => sum + (cells[i] / n) * value, 0);
  // each row has as many cells as its samples divided among them
  const height = Math.round(cells.reduce((sum, count, i) => sum + count / rows[i], 0));
  const width = Math.round(cells.reduce((sum, count, i) => sum + count / columns[i], 0));
  const mi = mean - (cells.length - height - width + 1) / (2 * n);
  const freedom = (height - 1) * (width - 1);
  const free = Math.max(Math.min(freedom, cells.length - 1), 0); // no more than the cells that occur can vary
  let variance = ratio.reduce((sum, value, i) => sum + (cells[i] / n) * (value - mean) ** 2, 0) / n;
  variance += free / (2 * n * n) + ((uncorrected * freedom) / (2 * n)) ** 2 + apart ** 2;
  return interval(mi, variance);
}

/** Entropy of a discrete variable (Miller-Madow) and its standard error, nats. */
export function entropy(levels) {
  const { n, counts, number } = levels;
  let mean = 0;
  for (const count of counts) mean -= (count / n) * Math.log(count / n);
  let variance = 0;
  for (const count of counts) variance += (count / n) * (-Math.log(count / n) - mean) ** 2;
  variance = variance / n + (number - 1) / (2 * n * n);
  variance += (levels.alone / (1.5 * n)) ** 2; // of values that occur once there may be as many that were not seen
  const corrected = mean + (number - 1) / (2 * n);
  // Where all values were seen, no more than so many can tell.
  return [levels.alone ? corrected : Math.min(corrected, Math.log(number)), Math.sqrt(variance)];
}

/**
 * Two discrete variables with few samples a cell that occurs: between `shared`, which is too small where cells cannot
 * occur, and the estimate of Chao & Shen (2003), which errs the other way. The interval holds both.
 */
export function sparse(given) {
  const found = sharedEitherWay(given);
  const counted = plugIn(given).mi;
  const covered = Math.min(byCoverage(given), Math.max(counted, found.mi));
  let mi = found.mi + (Math.min(1, 2 * found.mi) * Math.max(0, covered - found.mi)) / 2;
  mi = Math.min(mi, counted); // which is too large where samples are few, if it errs
  const low = Math.min(found.low, SPIKED * found.mi, mi);
  const high = Math.max(found.high, covered, mi + UNLIKE * Math.max(0, counted - mi));
  return { mi, low, high };
}

/** `shared` of the variable of more levels; of as many it is the larger estimate. */
function sharedEitherWay(cells) {
  const { number: x } = cells.x;
  const { number: y } = cells.y;
  const ways = [...(x >= y ? [cells] : []), ...(y >= x ? [cells.turned()] : [])];
  return ways.map(shared).sort((a, b) => b.mi - a.mi || b.high - a.high)[0];
}

function byCoverage(cells) {
  return coverageEntropy(cells.x.counts) + coverageEntropy(cells.y.counts) - coverageEntropy(cells.counts);
}

function coverageEntropy(counts) {
  let [n, alone] = [0, 0];
  for (const count of counts) {
    n += count;
    alone += count === 1;
  }
  const seen = 1 - Math.min(alone, n - 1) / n;
  let sum = 0;
  for (const count of counts) {
    const p = (seen * count) / n;
    sum -= (p * Math.log(p)) / -Math.expm1(n * Math.log1p(-Math.min(p, 1 - 1e-12)));
  }
  return sum;
}

/**
 * Many categories with few samples each (x) and few labels (y): the labels of a category are drawn from shares of its
 * own, and those from a Dirichlet distribution, whose concentration is learnt from all categories together (Wolpert &
 * Wolf 1995).
 */
function shared(cells) {
  const { x, y } = cells;
  const n = x.n;
  const prior = Array.from(y.counts, (count) => count / n);
  const sizes = tally(x.counts);
  const times = tally(cells.counts.map((count, c) => count * y.number + cells.second[c])); // equal cells, equal terms
  const likelihood = CONCENTRATIONS.map((a) => {
    let sum = 0;
    for (const [key, often] of times) {
      const mass = a * prior[key % y.number];
      sum += often * (logGamma(Math.floor(key / y.number) + mass) - logGamma(mass));
    }
    for (const [size, often] of sizes) sum -= often * (logGamma(size + a) - logGamma(a));
    return sum;
  });
  const top = Math.max(...likelihood);
  const weight = likelihood.map((value) => Math.exp(value - top));
  const total = weight.reduce((sum, value) => sum + value, 0);
  const whole = -prior.reduce((sum, p) => sum + p * Math.log(p), 0);
  const told = weight.map((value, k) => (value / total > 1e-4 ? toldBy(cells, prior, CONCENTRATIONS[k]) : null));
  const means = told.map((found) => (found ? whole - found.mean : 0));
  const errors = told.map((found) => (found ? found.variance / n : 0));
  const mi = weight.reduce((sum, value, k) => sum + (value / total) * means[k], 0);
  const [, error] = entropy(y);
  let variance = error ** 2;
  weight.forEach((value, k) => {
    variance += (value / total) * (errors[k] + (means[k] - mi) ** 2);
  });
  return interval(mi, variance);
}

function tally(values) {
  const found = new Map();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
}

/** Mean over categories of the entropy of their labels, and of the variance of their log ratios. */
function toldBy(cells, prior, a) {
  const { x } = cells;
  const empty = prior.map((p) => a * p);
  const none = empty.map((mass) => mass * digamma(mass + 1));
  const nothing = none.reduce((sum, value) => sum + value, 0);
  const sums = new Float64Array(x.number).fill(nothing); // as if no label occurred, then those that do in their place
  const moments = [1, 2].map((k) =>
    Float64Array.from(x.counts, (count) => (a / (count + a)) * Math.log(a / (count + a)) ** k),
  );
  for (let c = 0; c < cells.number; c++) {
    const [i, j] = [cells.first[c], cells.second[c]];
    const full = cells.counts[c] + empty[j];
    const total = x.counts[i] + a;
    sums[i] += full * digamma(full + 1) - none[j];
    const ratio = Math.log(full / (total * prior[j]));
    const away = Math.log(a / total);
    for (const k of [1, 2]) moments[k - 1][i] += (full / total) * ratio ** k - (empty[j] / total) * away ** k;
  }
  const share = Array.from(x.counts, (count) => count / x.n);
  const middle = share.reduce((sum, p, i) => sum + p * moments[0][i], 0);
  let [mean, variance] = [0, 0];
  share.forEach((p, i) => {
    const total = x.counts[i] + a;
    mean += p * (digamma(total + 1) - sums[i] / total);
    variance += p * (moments[1][i] - 2 * middle * moments[0][i] + middle ** 2);
  });
  return { mean, variance };
}
