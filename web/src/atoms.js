// One value that is frequent in two continuous columns at once, as where both sensors failed:
// runtime/infonet/pairs/atoms.py.

import { logPValues } from "./significance.js";
import { RankedVariable } from "./structure.js";

const LEAST = 5; // samples with the value at least,
const TIMES = 5; // and times as many as with any other one
const RARE = 0.1; // share of them at most: of more, the network sees enough
const EVIDENT = Math.log(1e-3); // log p of the table, from which its information is counted

/** Flags of the samples that have the one value of a number that is rather frequent, or null. */
function atom(v) {
  if (!v.tied || v.nominal || v.levels.number < 3) return null;
  const { most, frequent, counts, codes } = v.levels;
  const second = counts.reduce((largest, count, level) => (level === frequent ? largest : Math.max(largest, count)), 0);
  if (most < Math.max(LEAST, TIMES * second) || most > RARE * v.n) return null;
  return Uint8Array.from(codes, (code) => (code === frequent ? 1 : 0));
}

/** Whether a sample is one of some, as a variable. */
export function ofFlags(flags, like) {
  const share = flags.reduce((count, flag) => count + flag, 0) / flags.length;
  const ranks = Float32Array.from(flags, (flag) => (flag ? 1 - share / 2 : (1 - share) / 2));
  return new RankedVariable(ranks, true, false, like.seed);
}

/**
 * Logarithm of Fisher's p-value of whether two variables have their frequent values, or null. Whether there is one
 * depends on each variable by itself.
 */
export function logPOfAtoms(x, y) {
  const [first, second] = [atom(x), atom(y)];
  return first && second ? logPValues(ofFlags(first, x), ofFlags(second, y))[0] : null;
}

/** Flags of the samples of each variable without its frequent value, where both have that at once, or nulls. */
export function besideCommonAtom(x, y) {
  const logP = logPOfAtoms(x, y);
  if (logP === null || logP > EVIDENT) return [null, null];
  return [atom(x), atom(y)].map((flags) => flags.map((flag) => 1 - flag));
}
