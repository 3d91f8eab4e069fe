// What is worked out of ranked columns with ties: levels, copies of rows, functions, codes, as in
// runtime/infonet/pairs/structure.py.

import { entropy, Z95 } from "./counted.js";
import { Cells, Levels } from "./levels.js";
import { fingerprint, inOrderOf, inRandomOrder, rankColumn, twiceRanks } from "./ranking.js";

const RUN = 50; // samples, on average, that hold together where values are in more than one place
const SHOWN = 12; // samples that would differ by chance, from which a function is no accident
const MOSTLY = 0.5; // of the samples with a value of their own at most, where others are evidence
const TIMES = 3; // that a row occurs on average at most, for its repetitions to be no codes
const REPEATED = 0.95; // of the rows equal in one variable that are equal in the other one too
const PER_CODE = 5; // samples for each value of a number, on average, from which it may be a code
const ALONE = 0.2; // of the samples with a value of their own at most, in a discrete variable
export const LEAST = 20; // samples that the network needs

/** Samples of one variable by their mid-ranks; levels and random orders are made when they are asked for. */
export class RankedVariable {
  #made = {};

  constructor(ranks, tied, nominal, seed, bound = Infinity) {
    Object.assign(this, { ranks, tied, nominal, seed, bound, n: ranks.length });
  }

  /** Rank values [n] that are finite. */
  static of(values, nominal, seed) {
    const { ranks, tied, entropy: bound } = rankColumn(values);
    return new RankedVariable(ranks, tied, nominal, seed, bound);
  }

  #once(name, make) {
    if (!(name in this.#made)) this.#made[name] = make();
    return this.#made[name];
  }

  get fingerprint() {
    return this.#once("fingerprint", () => fingerprint(this.ranks));
  }

  get levels() {
    return this.#once("levels", () => Levels.of(this.ranks, this.nominal));
  }

  /** Ranks after ties, if there are many, were broken at random. */
  get untied() {
    return this.#inOrder(0);
  }

  /** The same in another order: of the second of two variables with equal ranks. */
  get untiedAgain() {
    return this.#inOrder(1);
  }

  #inOrder(place) {
    if (!this.tied) return this.ranks;
    return this.#once(`order${place}`, () => inRandomOrder(this.ranks, [this.seed, this.fingerprint, place]));
  }

  /** Entropy of the values in nats, and its standard error. */
  get entropy() {
    return this.#once("entropy", () => entropy(this.levels));
  }

  /** Some of the samples, ranked anew. */
  take(rows) {
    return RankedVariable.of(
      Float32Array.from(rows, (row) => this.ranks[row]),
      this.nominal,
      this.seed,
    );
  }

  get constant() {
    return this.#once("constant", () => this.ranks.every((rank) => rank === this.ranks[0]));
  }
}

/** Ranks of two variables, the ties of each in a random order of its own. */
export function untiedPair(x, y) {
  const same = x.tied && y.tied && x.fingerprint === y.fingerprint;
  return [x.untied, same ? y.untiedAgain : y.untied];
}

/**
 * One row of each kind where whole rows repeat that should not, as of a bootstrap sample; else null. One variable at
 * least is a number of many values, each of which occurs with one value of the other.
 */
export function differentRows(x, y) {
  if (!(x.tied && y.tied)) return null;
  const few = Math.max(LEAST, 2 * Math.sqrt(x.n));
  const numbers = [x, y].filter((v) => !v.nominal && v.levels.number >= few);
  if (!numbers.some(isRepeated)) return null;
  const cells = new Cells(x.levels, y.levels);
  const most = Math.max(...numbers.map((v) => v.levels.number));
  // of the samples beyond one a level, those that are beyond one a cell
  if (x.n - cells.number < REPEATED * (x.n - most) || isMonotone(cells)) return null;
  const least = Math.min(...numbers.map((v) => v.levels.number));
  if (x.n > TIMES * most && (numbers.length === 1 || least < cells.number)) return null;
  return cells.firstRows();
}

/** Whether the values of a number occur about as often as one another, and not often. */
function isRepeated(v) {
  const times = v.n / v.levels.number;
  return times > TIMES ? isEven(v) : v.levels.most <= Math.max(10, 4 * times);
}

function isEven(v) {
  return v.levels.counts.every((count) => count === v.levels.counts[0]);
}

/** Whether the cells go up, or down, from each to the next. */
function isMonotone(cells) {
  const goes = (sign) => cells.second.every((level, c) => c === 0 || sign * (level - cells.second[c - 1]) >= 0);
  return goes(1) || goes(-1);
}

/**
 * The entropy of a variable that the other one determines, as far as the samples show: {mi, low, high, copies}, or
 * null. Samples that are equal in one variable, or neighbours in it, are equal in the other, where of independent ones
 * `SHOWN` at least would differ. `copies`: the rows may be copies of each other, which determine nothing. Of
 * two variables that determine each other it is the smaller entropy.
 */
export function determined(x, y, cells) {
  const found = [
    [x, y],
    [y, x],
  ]
    .filter(([cause, effect]) => determines(cause, effect, cells))
    .map(([cause, effect]) => entropyOf(effect, cause));
  return found.sort((a, b) => a.mi - b.mi || a.low - b.low)[0] ?? null;
}

function determines(cause, effect, cells) {
  if (!effect.tied || !repeats(effect)) return false;
  const { levels, n } = effect;
  const differ = 1 - levels.counts.reduce((sum, count) => sum + (count / n) ** 2, 0);
  const again = cause.tied ? cause.levels.minor - (cause.levels.number - 1) : 0;
  const enough = cause.tied && 4 * again >= cause.levels.minor;
  if (cells !== null && enough && differ * again >= SHOWN) return cells.number === cause.levels.number;
  // Levels should hold together, or be in two places, as those of a parabola.
  const changes = countChanges(cause.untied, levels);
  const expected = differ * (n - 1) - (levels.number - 1);
  if (expected < SHOWN) return false;
  const several = levels.counts.reduce((sum, count) => sum + (count > 1), 0);
  let allowed = Math.min(several, expected - 4 * Math.sqrt(expected));
  if (n < RUN * changes) allowed = 0; // as short as runs of a level that noise changes
  return changes - (levels.number - 1) <= allowed;
}

function entropyOf(effect, cause) {
  const [value, error] = effect.entropy;
  const reach = Z95 * error;
  // of many values that occur equally often the rows may be copies
  const copies = cause.tied && !cause.nominal && cause.levels.number >= 2 * Math.sqrt(cause.n) && isEven(cause);
  return { mi: value, low: copies ? 0 : Math.max(0, value - reach), high: value + reach, copies };
}

/** How often the level changes from a sample to the next, in the order of ranks. */
function countChanges(ranks, levels) {
  const order = inOrderOf(twiceRanks(ranks));
  let changes = 0;
  for (let i = 1; i < order.length; i++) changes += levels.codes[order[i]] !== levels.codes[order[i - 1]];
  return changes;
}

/** Whether most samples have their value in common with others, or are categories anyway. */
export function isDiscrete(v) {
  return v.nominal || (v.levels.alone <= ALONE * v.n && repeats(v));
}

/** Whether a number has so few values that they may be codes: a price has more. */
export function mayBeCodes(v) {
  return isDiscrete(v) && v.n >= PER_CODE * v.levels.number;
}

export function repeats(v) {
  return repeatedLevels(v.levels);
}

/** Whether most samples beside those of the most frequent value share theirs. */
export function repeatedLevels(levels) {
  return levels.alone <= MOSTLY * levels.minor;
}
