// What is worked out of ranked columns with ties: levels, functions, codes, as in
// runtime/infonet/pairs/structure.py.

import { entropy, Z95 } from "./counted.js";
import { Cells, Levels } from "./levels.js";
import { fingerprint, inOrderOf, inRandomOrder, rankColumn, twiceRanks } from "./ranking.js";

const RUN = 50; // samples, on average, that hold together where values are in more than one place
const UNSEEN = 3; // exceptions that samples without any leave possible (95 %, the rule of three)
export const SHOWN = 12; // samples that would differ by chance, from which a function is no accident
const MOSTLY = 0.5; // of the samples with a value of their own at most, where others are evidence
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
 * The entropy of a variable that the other one determines, as far as the samples show: {mi, low, high, copies}, or
 * null. Samples that are equal in one variable, or neighbours in it, are equal in the other, where of independent ones
 * `SHOWN` at least would differ. `copies`: the rows may be copies of each other, which determine nothing. Of
 * two variables that determine each other it is the smaller entropy.
 */
export function determined(x, y, cells) {
  const found = [];
  for (const [cause, effect] of [
    [x, y],
    [y, x],
  ]) {
    const share = exceptions(cause, effect, cells);
    if (share !== null) found.push(entropyOf(effect, cause, share));
  }
  return found.sort((a, b) => a.mi - b.mi || a.low - b.low)[0] ?? null;
}

/**
 * Share of the samples that may be exceptions of a function, for all that is seen; null where there seems to be no
 * function.
 */
function exceptions(cause, effect, cells) {
  if (!effect.tied || !repeats(effect)) return null;
  const { levels, n } = effect;
  const differ = differing(levels);
  const again = cause.tied ? cause.levels.minor - (cause.levels.number - 1) : 0;
  const enough = cause.tied && 4 * again >= cause.levels.minor;
  if (cells !== null && enough && differ * again >= SHOWN) {
    const shown = n - cause.levels.number; // that could have differed from another one of their value
    return cells.number === cause.levels.number ? UNSEEN / shown : null;
  }
  // Levels should hold together, or be in two places, as those of a parabola.
  const changes = countChanges(cause.untied, levels);
  const expected = differ * (n - 1) - (levels.number - 1);
  if (expected < SHOWN) return null;
  const several = levels.counts.reduce((sum, count) => sum + (count > 1), 0);
  let allowed = Math.min(several, expected - 4 * Math.sqrt(expected));
  if (n < RUN * changes) allowed = 0; // as short as runs of a level that noise changes
  const more = changes - (levels.number - 1); // a sample among others makes two, a place two or fewer
  return more <= allowed ? (UNSEEN + more / 2) / n : null;
}

function entropyOf(effect, cause, share) {
  const [value, error] = effect.entropy;
  const reach = Z95 * error;
  // of many values that occur equally often the rows may be copies
  const copies = cause.tied && !cause.nominal && cause.levels.number >= 2 * Math.sqrt(cause.n) && isEven(cause);
  const low = copies ? 0 : Math.max(0, value - Math.hypot(reach, binaryEntropy(share)));
  return { mi: value, low, high: value + reach, copies };
}

function isEven(v) {
  return v.levels.counts.every((count) => count === v.levels.counts[0]);
}

/** Entropy of whether a sample is an exception, which the cause does not tell, nats. */
function binaryEntropy(share) {
  const p = Math.min(share, 0.5);
  return -p * Math.log(p) - (1 - p) * Math.log1p(-p);
}

/** Share of the pairs of independent samples that differ. */
export function differing(levels) {
  return 1 - levels.counts.reduce((sum, count) => sum + (count / levels.n) ** 2, 0);
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
