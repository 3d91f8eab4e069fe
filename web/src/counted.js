// Mutual information of two discrete variables by their counts: runtime/infonet/pairs/counted.py.

import { logGamma } from "./special.js";

export const Z95 = 1.6448536269514722; // 95 % quantile of the standard normal distribution

const POSSIBLE = 8; // cells that may occur for each sample, at most
// Means of cells, as multiples of those of independent variables; 0 for cells that cannot occur.
const octaves = (count, from, step = 1) => Array.from({ length: count }, (_, i) => 2 ** (from + i * step));
const RATIOS = [0, ...octaves(11, -12), ...octaves(9, -1, 0.25), ...octaves(11, 2)];
const INDEPENDENT = RATIOS.indexOf(1);
// Shares of cells that cannot occur and of those of the mean of independent variables, before anything is known of them,
const IMPOSSIBLE = 0.45;
const ALIKE = 0.5;
const BESIDE = 2; // and cells that count for the latter beside those that there are
const EXACT = 16; // samples of a cell up to which counts are told apart, above in quarters of an octave
const STEPS = 100; // of learning, at most,
const SETTLED = 1e-2; // and nats of likelihood that a step must add
const IN_DOUBT = 0.3; // of what is taken beside Miller and Madow's correction
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
export function plugIn(cells, bias = 0, apart = 0) {
  const unseen = cells.alone / (2 * cells.x.n); // of cells of one sample there may be as many that were not seen
  const rows = cells.first.map((level) => cells.x.counts[level]);
  const columns = cells.second.map((level) => cells.y.counts[level]);
  return millerMadow(cells.counts, rows, columns, 0, Math.hypot(unseen, apart), bias);
}

/**
 * `plugIn`, less what its correction leaves of the bias where cells hold few samples. For a count N of mean m the bias is
 * E[N log N] - m log m. How the means differ from those of independent variables is learnt from the table: a cell may
 * hold few samples as its levels are rare, or as they never go together, and then it has no bias.
 */
export function dense(cells) {
  const { n } = cells.x;
  const { number } = cells.y;
  if (cells.x.number * number > POSSIBLE * n) return plugIn(cells); // most of which can never occur
  const means = new Float64Array(cells.x.number * number);
  cells.x.counts.forEach((row, i) =>
    cells.y.counts.forEach((column, j) => (means[i * number + j] = row * (column / n))),
  );
  const counts = new Int32Array(means.length);
  cells.counts.forEach((count, c) => (counts[cells.first[c] * number + cells.second[c]] = count));
  const { bias, error } = learntBias(means, counts);
  const left = (bias - cells.number / 2) / n;
  return plugIn(cells, left, Math.hypot(IN_DOUBT * left, error / n));
}

/**
 * The sum of E[N log N] - m log m over cells whose means m are learnt, and its standard error. Each mean is a multiple of
 * that of independent variables; how many cells have which multiple is learnt from all of them together (the maximum
 * likelihood of a mixture), and what a cell holds tells which of them may be its own.
 */
export function learntBias(independent, counts) {
  const groups = groupsOf(independent, counts);
  for (const group of groups) {
    const logs = RATIOS.map(
      (ratio) => group.held * Math.log(Math.max(group.mean * ratio, 1e-300)) - group.mean * ratio,
    );
    const most = Math.max(...logs);
    group.likely = logs.map((log) => Math.exp(log - most));
  }
  const whole = ({ likely }) => likely.reduce((sum, value, k) => sum + value * shares[k], 0);
  let shares = RATIOS.map(() => (1 - IMPOSSIBLE - ALIKE) / (RATIOS.length - 2));
  [shares[0], shares[INDEPENDENT]] = [IMPOSSIBLE, ALIKE];
  let before = -Infinity;
  for (let step = 0; step < STEPS; step++) {
    const sums = new Float64Array(RATIOS.length);
    let now = BESIDE * Math.log(shares[INDEPENDENT]);
    for (const group of groups) {
      const total = whole(group);
      now += group.alike * Math.log(total);
      for (let k = 0; k < sums.length; k++) sums[k] += (group.alike / total) * group.likely[k];
    }
    if (now - before < SETTLED) break;
    before = now;
    shares = shares.map((share, k) => (share * sums[k] + (k === INDEPENDENT ? BESIDE : 0)) / (counts.length + BESIDE));
  }
  let [bias, variance] = [0, 0];
  for (const group of groups) {
    const total = whole(group);
    let [first, second] = [0, 0];
    for (let k = 0; k < RATIOS.length; k++) {
      const belongs = (group.likely[k] * shares[k]) / total;
      const own = poissonBias(group.mean * RATIOS[k]);
      first += belongs * own;
      second += belongs * own ** 2;
    }
    bias += group.alike * first;
    variance += group.alike * (second - first ** 2);
  }
  return { bias, error: Math.sqrt(Math.max(0, variance)) };
}

/** Cells of about the same mean and count: the mean and the count of each group, and how many cells it has. */
function groupsOf(means, counts) {
  const octave = 4; // steps
  const groups = new Map();
  for (let i = 0; i < means.length; i++) {
    const count = counts[i];
    const rounded = Math.round(octave * Math.log2(count / EXACT)) / octave;
    const held = count < EXACT ? count : EXACT * 2 ** rounded;
    const key = `${Math.round(octave * Math.log2(means[i]))} ${held}`;
    const group = groups.get(key) ?? { mean: 0, held, alike: 0 };
    group.mean += means[i];
    group.alike += 1;
    groups.set(key, group);
  }
  return [...groups.values()].map(({ mean, held, alike }) => ({ mean: mean / alike, held, alike }));
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
