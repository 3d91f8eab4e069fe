// Mutual information of many categories with few samples each, and few labels: runtime/infonet/pairs/shared.py.

import { entropy, interval, plugIn } from "./counted.js";
import { digamma, logGamma } from "./special.js";

// Share of what `shared` says that is in doubt, whatever the interval, and the share of samples that are alone in their
// cell from which all of it is.
const [IN_DOUBT, ALONE] = [0.2, 0.2];
const UNLIKE = 0.5; // of what the plain counts say more, that may be right
const COMPARABLE = 2; // times as many levels, from which on either variable may be the categories
// The kinds of categories: shares about those of all samples, from categories that hold one label each to categories
// that are all alike, ...
const CONCENTRATIONS = Array.from({ length: 25 }, (_, i) => 10 ** (-3 + i / 3));
// ... one label of its own, and so much of the shares of all samples beside it, ...
const BESIDE = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
// ... some of the labels, their numbers in steps of this factor up to a part of all, at shares that may be any, or are
// nearly equal.
const [STEP, MOST, EVEN] = [1.5, 0.75, [1, 8]];
const ALIKE = 0.5; // of the categories, before anything is known of them
const [STEPS, LEARNT_FROM] = [200, 5000]; // of learning, at most, and categories that it looks at
const SETTLED = 1e-3; // nats of likelihood that a step must add
const MATTERS = 1e-7; // share of the categories below which a kind is left out
const TINY = 1e-12;

/**
 * Two discrete variables with few samples a cell that occurs: that of `shared`; the interval holds the estimate of Chao
 * & Shen (2003) as well, which errs the other way.
 */
export function sparse(given) {
  const found = eitherWay(given);
  const counted = plugIn(given).mi;
  const covered = Math.min(byCoverage(given), Math.max(counted, found.mi));
  const mi = Math.min(found.mi, counted); // which is too large where samples are few, if it errs
  // What chance alone decides is little where few cells hold a single sample.
  const doubt = IN_DOUBT * Math.min(1, given.alone / given.x.n / ALONE);
  const low = Math.min(found.low, found.mi * (1 - doubt), mi);
  const high = Math.max(found.high, covered, mi + UNLIKE * Math.max(0, counted - mi));
  return { mi, low, high };
}

/**
 * `shared` of the variable of more levels; where the other one has nearly as many, of the one by which samples are more
 * likely.
 */
function eitherWay(cells) {
  const { number: x } = cells.x;
  const { number: y } = cells.y;
  const ways = [...(COMPARABLE * x > y ? [cells] : []), ...(COMPARABLE * y > x ? [cells.turned()] : [])];
  return ways.map(shared).sort((a, b) => b.gain - a.gain || b.mi - a.mi || b.high - a.high)[0];
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
 * Many categories with few samples each (x) and few labels (y): the shares of labels within a category are of one of
 * several kinds, and how many categories are of which kind is learnt from all of them together (Laird 1978). Given its
 * kind the mean entropy of a category is known in closed form (Wolpert & Wolf 1995). How many standard errors the
 * estimate is from 0 is taken from the likelihood ratio to categories that are all alike.
 */
function shared(cells) {
  const { x, y } = cells;
  const n = x.n;
  const kinds = kindsOf(cells);
  const step = Math.ceil(x.number / LEARNT_FROM);
  const some = Array.from({ length: Math.ceil(x.number / step) }, (_, i) => i * step);
  const { weights, gain: ofSome } = learn(
    kinds.map((kind) => Float64Array.from(some, (i) => kind.logLikelihood[i])),
    CONCENTRATIONS.length - 1,
  );
  const gain = (ofSome * x.number) / some.length;
  const kept = kinds.flatMap((_, k) => (weights[k] > MATTERS ? [k] : []));
  const told = kept.map((k) => kinds[k].told());
  const prior = Array.from(y.counts, (count) => count / n);
  let mi = -prior.reduce((sum, p) => sum + p * Math.log(p), 0);
  const [, error] = entropy(y);
  let variance = error ** 2;
  for (let i = 0; i < x.number; i++) {
    const logs = kept.map((k) => kinds[k].logLikelihood[i]);
    const top = Math.max(...logs);
    const belongs = kept.map((k, place) => weights[k] * Math.exp(logs[place] - top));
    const whole = belongs.reduce((sum, part) => sum + part, 0);
    let [mean, spread, square] = [0, 0, 0];
    belongs.forEach((part, place) => {
      const entropyOf = told[place].entropies[i];
      mean += (part / whole) * entropyOf;
      spread += (part / whole) * entropyOf ** 2;
      square += (part / whole) * told[place].squares[i];
    });
    const share = x.counts[i] / n;
    mi -= share * mean;
    variance += share ** 2 * Math.max(spread - mean ** 2, 0) + (share * square) / n;
  }
  mi = Math.max(0, mi);
  return { ...interval(mi, variance + mi ** 2 / Math.max(2 * gain, 1)), gain };
}

/** Shares of the kinds of which log likelihoods of categories are known, and what they add to that of `alike`, nats. */
function learn(logs, alike) {
  const categories = logs[0].length;
  const most = Float64Array.from({ length: categories }, (_, i) => Math.max(...logs.map((row) => row[i])));
  const likely = logs.map((row) => row.map((value, i) => Math.exp(value - most[i])));
  let weights = logs.map((_, k) => (k === alike ? ALIKE : (1 - ALIKE) / (logs.length - 1)));
  const mixed = () => {
    const whole = new Float64Array(categories);
    likely.forEach((row, k) => row.forEach((value, i) => (whole[i] += weights[k] * value)));
    return whole;
  };
  let before = -Infinity;
  for (let step = 0; step < STEPS; step++) {
    const whole = mixed();
    const now = whole.reduce((sum, value) => sum + Math.log(value), 0);
    if (now - before < SETTLED) break;
    before = now;
    weights = weights.map((weight, k) => {
      let sum = 0;
      for (let i = 0; i < categories; i++) sum += likely[k][i] / whole[i];
      return (weight * sum) / categories;
    });
  }
  const gain = mixed().reduce((sum, value, i) => sum + Math.log(value) + most[i] - logs[alike][i], 0);
  return { weights, gain };
}

/** Each kind has the log likelihood of every category, and `told`: mean entropies, and variances of log ratios. */
function kindsOf(cells) {
  const table = new Table(cells);
  const kinds = CONCENTRATIONS.map((concentration) => new Dirichlet(table, concentration));
  kinds.push(...BESIDE.map((beside) => new OneOfItsOwn(table, beside)));
  for (let number = 2; number <= MOST * cells.y.number;) {
    const whole = halfToEven(number);
    kinds.push(...EVEN.map((even) => new Some(table, whole, even)));
    number = Math.max(number * STEP, whole + 1);
  }
  return kinds;
}

/** As Python rounds. */
function halfToEven(number) {
  const below = Math.floor(number);
  if (number - below !== 0.5) return Math.round(number);
  return below % 2 ? below + 1 : below;
}

/** Cells of categories and labels, equal ones together. */
class Table {
  constructor(cells) {
    this.cells = cells;
    this.prior = Float64Array.from(cells.y.counts, (count) => count / cells.y.n);
  }

  /** Values of the pairs of a count and a label, summed over the cells of each category. */
  ofKeys(value) {
    const { cells } = this;
    const known = new Map();
    const sums = new Float64Array(cells.x.number);
    for (let c = 0; c < cells.number; c++) {
      const key = cells.counts[c] * cells.y.number + cells.second[c];
      if (!known.has(key)) known.set(key, value(cells.counts[c], cells.second[c]));
      sums[cells.first[c]] += known.get(key);
    }
    return sums;
  }

  /** log(start (start + 1) ... (start + size - 1)) for the size of each category. */
  logRising(start) {
    const known = new Map();
    return Float64Array.from(this.cells.x.counts, (size) => {
      if (!known.has(size)) known.set(size, logGamma(size + start) - logGamma(start));
      return known.get(size);
    });
  }
}

/** Shares of a Dirichlet distribution about those of all samples. */
class Dirichlet {
  constructor(table, concentration) {
    Object.assign(this, { table, concentration });
    const mass = table.prior.map((p) => concentration * p);
    const none = mass.map(logGamma);
    const rising = table.logRising(concentration);
    this.logLikelihood = table.ofKeys((count, j) => logGamma(count + mass[j]) - none[j]).map((v, i) => v - rising[i]);
  }

  told() {
    const { cells, prior } = this.table;
    const a = this.concentration;
    const { x } = cells;
    const empty = prior.map((p) => a * p);
    const none = empty.map((mass) => mass * digamma(mass + 1));
    // as if no label occurred, then those that do in their place
    const sums = new Float64Array(x.number).fill(none.reduce((sum, value) => sum + value, 0));
    const [first, second] = [1, 2].map((k) =>
      Float64Array.from(x.counts, (count) => (a / (count + a)) * Math.log(a / (count + a)) ** k),
    );
    for (let c = 0; c < cells.number; c++) {
      const [i, j] = [cells.first[c], cells.second[c]];
      const full = cells.counts[c] + empty[j];
      const total = x.counts[i] + a;
      sums[i] += full * digamma(full + 1) - none[j];
      const ratio = Math.log(full / (total * prior[j]));
      const away = Math.log(a / total);
      first[i] += (full / total) * ratio - (empty[j] / total) * away;
      second[i] += (full / total) * ratio ** 2 - (empty[j] / total) * away ** 2;
    }
    const mean = first.reduce((sum, value, i) => sum + (x.counts[i] / x.n) * value, 0);
    const entropies = sums.map((sum, i) => digamma(x.counts[i] + a + 1) - sum / (x.counts[i] + a));
    return { entropies, squares: second.map((value, i) => value - 2 * mean * first[i] + mean ** 2) };
  }
}

/** One label of its own, and beside it the shares of all samples. */
class OneOfItsOwn {
  constructor(table, beside) {
    Object.assign(this, { table, beside });
    const { cells, prior } = table;
    this.plain = prior.map((p) => beside * p);
    this.own = this.plain.map((p) => p + 1 - beside);
    // Which label it is: each of those that occur may be, or another one.
    const log = this.own.map((p, j) => Math.log(p / this.plain[j]));
    const more = Float64Array.from(cells.counts, (count, c) => count * log[cells.second[c]]);
    const [top, occur, whole] = [0, 1, 2].map(() => new Float64Array(cells.x.number));
    more.forEach((value, c) => (top[cells.first[c]] = Math.max(top[cells.first[c]], value)));
    this.odds = more.map((value, c) => prior[cells.second[c]] * Math.exp(value - top[cells.first[c]]));
    cells.first.forEach((i, c) => {
      occur[i] += prior[cells.second[c]];
      whole[i] += this.odds[c];
    });
    this.other = top.map((value, i) => Math.max(1 - occur[i], 0) * Math.exp(-value));
    this.whole = whole.map((value, i) => value + this.other[i]);
    this.occur = occur;
    const common = table.ofKeys((count, j) => count * Math.log(this.plain[j]));
    this.logLikelihood = common.map((value, i) => value + top[i] + Math.log(this.whole[i]));
  }

  told() {
    const { prior } = this.table;
    const { plain, own, beside } = this;
    const all = plain.reduce((sum, p) => sum + p * Math.log(p), 0);
    const away = Math.log(beside);
    const entropies = own.map((p, j) => plain[j] * Math.log(plain[j]) - p * Math.log(p) - all);
    const squares = own.map((p, j) => {
      const near = Math.log(p / prior[j]);
      const mean = (beside - plain[j]) * away + p * near;
      return (beside - plain[j]) * away ** 2 + p * near ** 2 - mean ** 2;
    });
    return { entropies: this.mean(entropies), squares: this.mean(squares) };
  }

  /** Of values by the label of its own. */
  mean(values) {
    const { cells, prior } = this.table;
    const [occurring, others] = [0, prior.reduce((sum, p, j) => sum + p * values[j], 0)].map((value) =>
      new Float64Array(cells.x.number).fill(value),
    );
    cells.first.forEach((i, c) => {
      const j = cells.second[c];
      occurring[i] += this.odds[c] * values[j];
      others[i] -= prior[j] * values[j];
    });
    return occurring.map((sum, i) => {
      const other = this.other[i] > 0 ? others[i] / Math.max(1 - this.occur[i], TINY) : 0;
      return (sum + this.other[i] * other) / this.whole[i];
    });
  }
}

/** Some of the labels, all choices of so many alike, at shares of a Dirichlet distribution about equal ones. */
class Some {
  constructor(table, number, even) {
    Object.assign(this, { table, even });
    const { cells } = table;
    const labels = cells.y.number;
    const occur = new Float64Array(cells.x.number);
    cells.first.forEach((i) => (occur[i] += 1));
    this.missing = occur.map((value) => Math.max(number - value, 0));
    this.total = Float64Array.from(cells.x.counts, (size, i) => size + even * (occur[i] + this.missing[i]));
    // of all choices, those that hold the labels that occur
    const all = logGamma(labels + 1) - logGamma(number + 1);
    const of = table.ofKeys((count) => logGamma(count + even) - logGamma(even));
    const rising = table.logRising(number * even);
    this.logLikelihood = occur.map((value, i) => {
      if (value > number) return -Infinity;
      const choices = logGamma(labels - value + 1) - logGamma(this.missing[i] + 1) - all;
      return choices + of[i] - rising[i];
    });
  }

  told() {
    const { cells, prior } = this.table;
    const { even, missing, total } = this;
    const entropies = missing.map((value) => value * even * digamma(even + 1));
    // Those that do not occur might be any labels: their ratios are to equal shares.
    const rest = missing.map((value, i) => (value * even) / total[i]);
    const away = total.map((value) => Math.log((even / value) * cells.y.number));
    const first = rest.map((value, i) => value * away[i]);
    const squares = rest.map((value, i) => value * away[i] ** 2);
    cells.first.forEach((i, c) => {
      const full = cells.counts[c] + even;
      entropies[i] += full * digamma(full + 1);
      const ratio = Math.log(full / (total[i] * prior[cells.second[c]]));
      first[i] += (full / total[i]) * ratio;
      squares[i] += (full / total[i]) * ratio ** 2;
    });
    return {
      entropies: entropies.map((sum, i) => digamma(total[i] + 1) - sum / total[i]),
      squares: squares.map((value, i) => Math.max(value - first[i] ** 2, 0)),
    };
  }
}
