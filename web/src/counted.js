// Mutual information of two discrete variables by their counts: runtime/infonet/pairs/counted.py.

import { logGamma } from "./special.js";

export const Z95 = 1.6448536269514722; // 95 % quantile of the standard normal distribution

const POSSIBLE = 8; // cells that may occur for each sample, at most
const LARGEST_MEAN = 50;
const MEANS = [0, ...Array.from({ length: 200 }, (_, i) => 1e-3 * (LARGEST_MEAN / 1e-3) ** (i / 199))];
const BIASES = MEANS.map((mean) => {
  if (!mean) return 0;
  let sum = -mean * Math.log(mean);
  for (let count = 2; count < 140; count++) {
    sum += Math.exp(count * Math.log(mean) - mean - logGamma(count + 1)) * count * Math.log(count);
  }
  return sum;
});

/** A normal 90 % interval about an estimate in nats, both cut at 0: {mi, low, high}. */
export function interval(estimate, variance) {
  const reach = Z95 * Math.sqrt(variance);
  const mi = Math.max(0, estimate);
  return { mi, low: Math.max(0, mi - reach), high: mi + reach };
}

/** Miller-Madow estimate of the pairs of levels that occur. */
export function plugIn(cells, bias = 0) {
  const unseen = cells.alone / (2 * cells.x.n); // of cells of one sample there may be as many that were not seen
  const rows = cells.first.map((level) => cells.x.counts[level]);
  const columns = cells.second.map((level) => cells.y.counts[level]);
  return millerMadow(cells.counts, rows, columns, 0, unseen, bias);
}

/**
 * `plugIn`, less what its correction leaves of the bias where cells hold few samples. For a count N of mean m the bias is
 * E[N log N] - m log m. The means are those of independent variables, and the correction the smaller the more dependent
 * these are.
 */
export function dense(cells) {
  const { n } = cells.x;
  if (cells.x.number * cells.y.number > POSSIBLE * n) return plugIn(cells); // most of which can never occur
  let bias = 0;
  for (const row of cells.x.counts) for (const column of cells.y.counts) bias += poissonBias((row * column) / n);
  const { mi } = plugIn(cells);
  const most = Math.min(entropy(cells.x)[0], entropy(cells.y)[0]);
  return plugIn(cells, thinBias(bias, cells.number, n, mi, most));
}

/**
 * What the correction of Miller and Madow leaves of the bias, nats: `bias` is that of all cells, of which `used` occur; the
 * estimate `mi` is as it is, and `most` the entropy of a variable, of which the more is told, the less is given.
 */
export function thinBias(bias, used, n, mi, most) {
  const told = most > 0 ? Math.min(mi / most, 1) : 1;
  return ((bias - used / 2) / n) * (1 - told) ** 3;
}

/** E[N log N] - m log m for a Poisson variable N of mean m, between tabulated means. */
export function poissonBias(mean) {
  if (mean >= LARGEST_MEAN) return BIASES[MEANS.length - 1];
  let [low, high] = [0, MEANS.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (MEANS[middle] <= mean) low = middle;
    else high = middle;
  }
  const part = (mean - MEANS[low]) / (MEANS[high] - MEANS[low]);
  return BIASES[low] + part * (BIASES[high] - BIASES[low]);
}

/**
 * Miller-Madow estimate of a table of counts, rows one after the other. The interval has the variance of the mean log
 * ratio, that of half a chi-squared variable over n, and the squares of the part `uncorrected` of the largest
 * correction and of `apart`, nats. `bias` is what is known of the bias beside, nats.
 */
export function fromTable(counts, width, uncorrected = 0, apart = 0, bias = 0) {
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
  return millerMadow(used, rows, columns, uncorrected, apart, bias);
}

/** Of the cells that are used, and the sums of the row and the column of each. */
function millerMadow(cells, rows, columns, uncorrected, apart, bias = 0) {
  const n = cells.reduce((sum, count) => sum + count, 0);
  const ratio = cells.map((count, i) => Math.log(count * n) - Math.log(rows[i] * columns[i]));
  const mean = ratio.reduce((sum, value, i) => sum + (cells[i] / n) * value, 0);
  // each row has as many cells as its samples divided among them
  const height = Math.round(cells.reduce((sum, count, i) => sum + count / rows[i], 0));
  const width = Math.round(cells.reduce((sum, count, i) => sum + count / columns[i], 0));
  const mi = mean - (cells.length - height - width + 1) / (2 * n) - bias;
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
