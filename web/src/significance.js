// p-values of pairs with a tied variable: tests that see labels, counts and zeros, as in
// runtime/infonet/pairs/significance.py, which says which tests are made and why. Where a few samples decide, the null
// distribution is simulated, with the same draws as the package.

import { Cells } from "./levels.js";
import { Random } from "./random.js";
import { logGamma, logGammaTail, logNormalTail } from "./special.js";

const SMALLEST = 1e-300;
const LARGEST = 0.99;
const RARELY = 0.1; // weight of a test that is seldom needed
const DRAWS = 999; // permutations that are simulated where few samples decide
const BEYOND = -Math.log(1 + DRAWS); // log p of what is larger than all of them
const SHUFFLED = 400; // samples at most that are shuffled as a whole
const FEW_TOGETHER = 6; // samples expected in both minorities, up to which it is simulated
const FEW_APART = 12; // samples in a minority, up to which it is simulated
const PER_GROUP = 5; // samples in each group but the largest at least, on average
const HEAVY = 0.3; // share of the fourth moment of a score times groups, from which few scores decide
const CELLS = 40; // of a table that is simulated where samples a cell are few
const PLAIN = 5; // and from which two moments tell the whole distribution
const EXPECTED = 3; // samples a cell at least, expected, from which a table is not

const total = (values) => values.reduce((sum, value) => sum + value, 0);
const least = (counts) => counts.reduce((a, b) => Math.min(a, b), Infinity);

/** Logarithms of the p-values of all tests that suit the ties of two variables, none of which is constant. */
export function logPValues(x, y) {
  if (x.fingerprint > y.fingerprint) [x, y] = [y, x]; // the same numbers for the variables exchanged
  const random = new Random([x.seed, x.fingerprint, y.fingerprint, 2]);
  const tables = isTable(x, y);
  if (tables && x.levels.number === 2 && y.levels.number === 2) return [twoByTwo(x.levels, y.levels, random)];
  const found = [];
  const ordered = [x, y].map((v) => !v.nominal || (v.tied && v.levels.number === 2));
  if (ordered[0] && ordered[1]) found.push(correlation(x, y, random));
  if (tables) {
    found.push(chiSquared(new Cells(x.levels, y.levels), random));
    if (ordered[0] === ordered[1]) return found;
  }
  for (const [groups, other, hasOrder] of [
    [x, y, ordered[1]],
    [y, x, ordered[0]],
  ]) {
    if (!hasOrder || !makesGroups(groups)) continue;
    found.push(kruskalWallis(groups.levels, scores(other), 1, random));
    if (groups.nominal) found.push(kruskalWallis(groups.levels, scores(other), 2, random));
  }
  // two variables without an order, or codes perhaps, that are too large for a table
  const codes = x.tied && y.tied && hasGroups(x) && hasGroups(y);
  if (!found.length || (codes && !tables)) found.push(chiSquared(new Cells(x.levels, y.levels), random));
  return found;
}

/**
 * One p-value from the logarithms of those of several tests of one hypothesis (Liu & Xie 2020), and of one more, or
 * null, that sees what others miss and is seldom needed: its weight is small, so that they lose little power by it.
 */
export function combined(logs, rarely = null) {
  if (rarely === null && logs.length === 1) return Math.max(Math.exp(Math.min(logs[0], 0)), SMALLEST);
  const all = rarely === null ? logs : [...logs, rarely];
  const weights = all.map((_, i) => (i === logs.length ? RARELY : (rarely === null ? 1 : 1 - RARELY) / logs.length));
  const lowest = Math.min(...all);
  if (lowest < Math.log(1e-6)) {
    // the mean of cotangents is that of the inverses
    const inverse = total(all.map((log, i) => weights[i] * Math.exp(lowest - log)));
    return Math.max(Math.exp(lowest - Math.log(inverse)), SMALLEST);
  }
  // A p-value of 1, which discrete tests have, must not outvote all others.
  const cotangents = all.map((log, i) => weights[i] / Math.tan(Math.PI * Math.min(Math.exp(log), LARGEST)));
  return 0.5 - Math.atan(total(cotangents)) / Math.PI;
}

/** Whether the network's statistic is one of the tests of a pair with a tied variable. */
export function usesNetwork(x, y) {
  return !x.nominal && !y.nominal && !isTable(x, y);
}

/** Whether two variables make a table of counts with samples enough to be tested as such. */
export function isTable(x, y) {
  if (!(x.tied && y.tied)) return false;
  const size = x.levels.number * y.levels.number;
  const few = x.nominal || y.nominal ? 4 : 10;
  return few * size <= x.n || Math.min(x.levels.number, y.levels.number) === 1 || size === 4;
}

function makesGroups(v) {
  return v.tied && v.levels.number >= 3 && (v.nominal || hasGroups(v));
}

function hasGroups(v) {
  return v.levels.minor >= PER_GROUP * (v.levels.number - 1);
}

/** Mid-ranks about their mean. */
function scores(v) {
  const found = new Float64Array(v.n);
  for (let i = 0; i < v.n; i++) found[i] = v.ranks[i] - 0.5;
  return found;
}

function centred(values) {
  const mean = total(values) / values.length;
  return values.map((value) => value - mean);
}

/** Two-sided test of the correlation of mid-ranks. */
function correlation(x, y, random) {
  const [a, b] = [centred(scores(x)), centred(scores(y))];
  const n = a.length;
  let [squareA, squareB, product, cubeA, cubeB] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    squareA += a[i] * a[i];
    squareB += b[i] * b[i];
    product += a[i] * b[i];
    cubeA += a[i] ** 3;
    cubeB += b[i] ** 3;
  }
  const scale = Math.sqrt((squareA * squareB) / (n - 1));
  const minor = [x, y].map((v) => (v.tied ? v.levels.minor : n));
  const [fewest, other] = minor[0] <= minor[1] ? minor : [minor[1], minor[0]];
  if (fewest <= FEW_APART || fewest * other <= FEW_TOGETHER * n) {
    return minor[0] <= minor[1] ? simulated(x, a, b, scale, random) : simulated(y, b, a, scale, random);
  }
  const z = product / scale;
  const skewness = (cubeA * cubeB) / n / (scale * Math.sqrt((n - 1) / n)) ** 3;
  return Math.min(0, Math.LN2 + pearsonTail(Math.abs(z), (z < 0 ? -1 : 1) * skewness));
}

/** log P(Z >= z), z >= 0, of a shifted gamma variable of mean 0, variance 1, this skewness. */
function pearsonTail(z, skewness) {
  if (Math.abs(skewness) < 1e-3) return logNormalTail(z);
  const shape = 4 / skewness ** 2;
  if (skewness > 0) return logGammaTail(shape + z * Math.sqrt(shape), shape);
  // the lower tail of the mirrored variable: lighter than normal, which is taken for it
  return logNormalTail(z);
}

/** Two-sided test of the correlation where few samples of `rare` are not its frequent value. */
function simulated(rare, a, b, scale, random) {
  const { codes, frequent } = rare.levels;
  const minority = [];
  codes.forEach((code, i) => code !== frequent && minority.push(i));
  const at = codes.indexOf(frequent);
  const weight = Float64Array.from(minority, (i) => a[i] - a[at]); // b sums to 0, so the frequent value may be 0
  const observed = minority.reduce((sum, i, k) => sum + weight[k] * b[i], 0);
  const size = minority.length;
  const drawn = subsets(a.length, size, random);
  const several = weight.some((value) => value !== weight[0]);
  // all subsets are drawn, then all weights are put in random order
  const weights = several ? drawn.map(() => random.shuffle(weight.slice())) : null;
  const found = drawn.map((rows, k) => {
    const w = weights ? weights[k] : weight;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += b[rows[i]] * w[i];
    return sum;
  });
  const logP = fromDraws(Math.abs(observed), found.map(Math.abs), 1e-9 * scale, random);
  if (logP > BEYOND) return logP;
  // beyond all that were drawn: the tail of a variable of the same moments
  const third = total(found.map((value) => (value / scale) ** 3)) / found.length;
  return Math.min(logP, Math.LN2 + pearsonTail(Math.abs(observed) / scale, (observed < 0 ? -1 : 1) * third));
}

/** Random subsets of 0 to n - 1. */
function subsets(n, size, random) {
  if (size * 3 > n) return Array.from({ length: DRAWS }, () => random.permutation(n).subarray(0, size));
  const draw = () => random.below(n - 1);
  const drawn = Array.from({ length: DRAWS }, () => Int32Array.from({ length: size }, draw));
  for (const row of drawn) row.sort();
  for (;;) {
    let again = 0;
    const twice = drawn.map((row) => row.map((value, i) => (i && value === row[i - 1] ? 1 : 0)));
    drawn.forEach((row, k) => {
      if (!twice[k].includes(1)) return;
      again++;
      twice[k].forEach((flag, i) => flag && (row[i] = draw()));
      row.sort();
    });
    if (!again) return drawn;
  }
}

/** log p of a statistic among draws under independence, its own value counted at random. */
function fromDraws(observed, drawn, tolerance, random) {
  let [above, from] = [0, 0];
  for (const value of drawn) {
    above += value > observed + tolerance;
    from += value >= observed - tolerance;
  }
  return Math.log((above + random.random() * (1 + from - above)) / (1 + drawn.length));
}

/** Fisher's exact test, two-sided, the probability of the table itself counted at random. */
function twoByTwo(x, y, random) {
  const { n } = x;
  const [m, k] = [x.counts[1], y.counts[1]];
  let together = 0;
  for (let i = 0; i < n; i++) together += x.codes[i] * y.codes[i];
  const [low, high] = [Math.max(0, m + k - n), Math.min(m, k)];
  const log = (cell) => logChoose(m, cell) + logChoose(n - m, k - cell) - logChoose(n, k);
  const own = log(together);
  let [rest, equal] = [0, 0];
  for (let cell = low; cell <= high; cell++) {
    const value = log(cell);
    if (value < own - 1e-7) rest += Math.exp(value - own);
    else if (Math.abs(value - own) <= 1e-7) equal++;
  }
  // the random share: a p-value that is uniform under independence, also of few samples
  return Math.min(0, own + Math.log(rest + random.random() * equal));
}

function logChoose(n, k) {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

/** Pearson's chi-squared test, with the exact moments of all permutations, or simulated. */
function chiSquared(given, random) {
  const cells = isBefore(given.y, given.x) ? given.turned() : given; // the same draws for the variables exchanged
  const { x, y } = cells;
  const { n } = x;
  let share = 0;
  for (let c = 0; c < cells.number; c++) {
    share += cells.counts[c] ** 2 / (x.counts[cells.first[c]] * y.counts[cells.second[c]]);
  }
  const statistic = n * (share - 1);
  const size = x.number * y.number;
  const smallest = (least(x.counts) * least(y.counts)) / n;
  if (size <= CELLS && smallest < EXPECTED) return besideDraws(statistic, tables(x.counts, y.counts, random), random);
  if (smallest < 1 && n <= SHUFFLED) return besideDraws(statistic, shuffled(cells, random), random);
  const freedom = (x.number - 1) * (y.number - 1);
  const mean = (freedom * n) / (n - 1);
  const variance = n ** 2 * traceVariance(n, ofGroups(x.counts), ofGroups(y.counts));
  if (smallest >= PLAIN) return logGammaTail((statistic * mean) / variance, mean ** 2 / variance);
  // The skewness is that of Poisson counts in all cells: rare levels make a long tail. Not their
  // third moment, which next to nothing of a variance would turn into skewness without bound.
  const inverse = (counts, k) => counts.reduce((sum, count) => sum + count ** -k, 0);
  const [once, twice] = [1, 2].map((k) => n ** k * inverse(x.counts, k) * inverse(y.counts, k));
  const shape = (((4 * (2 * size + once) ** 3) / (8 * size + 22 * once + twice) ** 2) * freedom) / size;
  const place = shape + (statistic - mean) * Math.sqrt(shape / variance);
  return logGammaTail(Math.max(place, 0), shape);
}

/** Whether the levels of `a` come before those of `b`: fewer, or with bytes of counts that come first. */
function isBefore(a, b) {
  if (a.number !== b.number) return a.number < b.number;
  const bytes = [a, b].map((v) => new Uint8Array(BigInt64Array.from(v.counts, BigInt).buffer));
  const at = bytes[0].findIndex((value, i) => value !== bytes[1][i]);
  return at >= 0 && bytes[0][at] < bytes[1][at];
}

/** Pearson's statistic after random permutations of the samples of y. */
function shuffled({ x, y }, random) {
  const weight = new Float64Array(x.number * y.number);
  for (let i = 0; i < weight.length; i++) {
    weight[i] = 1 / (x.counts[Math.floor(i / y.number)] * y.counts[i % y.number]);
  }
  return Array.from({ length: DRAWS }, () => {
    const codes = random.shuffle(y.codes.slice());
    const table = new Float64Array(weight.length);
    for (let i = 0; i < codes.length; i++) table[x.codes[i] * y.number + codes[i]]++;
    return x.n * (table.reduce((sum, count, i) => sum + count ** 2 * weight[i], 0) - 1);
  });
}

/**
 * log p of a statistic, large under dependence, beside draws under independence. Beyond all that were drawn stands the
 * tail of a gamma variable of the same three moments.
 */
function besideDraws(statistic, drawn, random) {
  const mean = total(drawn) / drawn.length;
  const spread = Math.sqrt(total(drawn.map((value) => (value - mean) ** 2)) / drawn.length);
  const logP = fromDraws(statistic, drawn, 1e-9 * Math.max(Math.abs(mean), spread), random);
  if (logP > BEYOND || spread === 0) return logP;
  const skewness = total(drawn.map((value) => ((value - mean) / spread) ** 3)) / drawn.length;
  return Math.min(logP, pearsonTail((statistic - mean) / spread, skewness));
}

/** Of the projection on means of groups: trace, that of its square, squares of its diagonal. */
function ofGroups(counts) {
  const n = total(counts);
  const k = counts.length;
  return [k - 1, k - 1, counts.reduce((sum, count) => sum + 1 / count, 0) - (2 * k - 1) / n];
}

/** Variance of tr(A P B P') over all permutations P of n samples (Kazi-Aoual et al. 1995). */
export function traceVariance(n, [t, t2, s2], [u, u2, r2]) {
  const off = ((n - 1) * t2 - t ** 2) * ((n - 1) * u2 - u ** 2);
  const diagonal = (n * (n + 1) * s2 - (n - 1) * (t ** 2 + 2 * t2)) * (n * (n + 1) * r2 - (n - 1) * (u ** 2 + 2 * u2));
  return (2 * off) / ((n - 1) ** 2 * (n + 1) * (n - 2)) + diagonal / ((n + 1) * n * (n - 1) * (n - 2) * (n - 3));
}

/** Pearson's statistic of random tables with these margins. */
function tables(rows, columns, random) {
  const n = total(rows);
  const order = Array.from(rows.keys()).sort((a, b) => rows[a] - rows[b] || a - b); // the largest is what others leave
  const left = Array.from({ length: DRAWS }, () => Array.from(columns));
  const found = new Array(DRAWS).fill(0);
  for (const row of order.slice(0, -1)) {
    const wanted = new Array(DRAWS).fill(rows[row]);
    const beyond = left.map(total);
    for (let j = 0; j < columns.length; j++) {
      for (let draw = 0; draw < DRAWS; draw++) {
        beyond[draw] -= left[draw][j];
        const count = random.hypergeometric(left[draw][j], beyond[draw], wanted[draw]);
        left[draw][j] -= count;
        wanted[draw] -= count;
        found[draw] += count ** 2 / (rows[row] * columns[j]);
      }
    }
  }
  const last = rows[order[order.length - 1]];
  return found.map((sum, draw) => n * (sum + left[draw].reduce((s, c, j) => s + c ** 2 / (last * columns[j]), 0) - 1));
}

/** Differences between groups of the mean score (power 1), or of its spread (power 2). */
function kruskalWallis(groups, given, power, random) {
  const { n, number: k, counts, codes } = groups;
  const middle = total(given) / n;
  let b = centred(power === 1 ? given : given.map((value) => (value - middle) ** 2));
  const square = b.reduce((sum, value) => sum + value * value, 0);
  if (square <= 0) return 0;
  const scale = Math.sqrt(square / (n - 1));
  b = b.map((value) => value / scale);
  const between = (of) => {
    const sums = new Float64Array(k);
    for (let i = 0; i < n; i++) sums[of(i)] += b[i];
    return sums.reduce((sum, value, i) => sum + value ** 2 / counts[i], 0);
  };
  const statistic = between((i) => codes[i]);
  const fourth = b.reduce((sum, value) => sum + value ** 4, 0) / (n - 1) ** 2;
  if (fourth * k > HEAVY && n <= SHUFFLED) {
    // a few scores make all the difference
    const inOrder = codes.slice().sort();
    const drawn = Array.from({ length: DRAWS }, () => {
      const order = random.shuffle(b.slice());
      const sums = new Float64Array(k);
      for (let i = 0; i < n; i++) sums[inOrder[i]] += order[i];
      return sums.reduce((sum, value, i) => sum + value ** 2 / counts[i], 0);
    });
    return besideDraws(statistic, drawn, random);
  }
  // mean and variance over all permutations (Kruskal & Wallis 1952, for any scores)
  const variance = (n - 1) ** 2 * traceVariance(n, ofGroups(counts), [1, 1, fourth]);
  const mean = k - 1;
  return logGammaTail((statistic * mean) / variance, mean ** 2 / variance);
}
