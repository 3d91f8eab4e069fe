// Rows that may be copies of each other, and what is said of a pair that has them: runtime/infonet/pairs/copies.py,
// where a table says which estimate is taken.

import { Cells } from "./levels.js";
import { LEAST, SHOWN, determined, differing } from "./structure.js";

const TIMES = 3; // that a row occurs on average at most, for its repetitions to be no codes
const REPEATED = 0.95; // of the rows equal in one variable that are equal in the other one too
const EXCEPT = 0.1; // of the other values that one would meet by chance, which copies meet at most
const FEW = 0.02; // of the values, with which so many others are too few to tell what they are
const FILLED = 0.5; // of the rows of a kind on average, that other values have: noise has a single one
const ATOM = 0.75; // of the rows beyond the first of their kind, which are of one kind at most
const DEPENDENT = 0.01; // p-value of the different rows below which they show a dependence
export const MOST = 0.5; // of an entropy, from which an estimate is nearly that of a function

/**
 * One row of each kind where whole rows repeat that perhaps should not, else null: {rows, certain, eachOther, often}.
 * One variable at least is a number of many values, each of which occurs with one value of the other.
 */
export function repeatedRows(x, y) {
  if (!(x.tied && y.tied)) return null;
  const { n } = x;
  const few = Math.max(LEAST, 2 * Math.sqrt(n));
  const numbers = [x, y].filter((v) => !v.nominal && v.levels.number >= few);
  if (!numbers.length) return null;
  const cells = new Cells(x.levels, y.levels);
  const sizes = numbers.map((v) => v.levels.number);
  const [again, least, most] = [n - cells.number, Math.min(...sizes), Math.max(...sizes)];
  // rows of one kind are no copies of others, but a value that is frequent in both variables
  const largest = cells.counts.reduce((a, b) => Math.max(a, b), 0);
  if (largest - 1 > ATOM * again || isMonotone(cells)) return null;
  const eachOther = numbers.length === 2 && least >= REPEATED * cells.number;
  const often = n > TIMES * most;
  const found = (certain) => ({ rows: cells.firstRows(), certain, eachOther, often });
  if (again >= REPEATED * (n - most) && numbers.some((v) => isEven(v.levels))) {
    if (!often || (numbers.length === 2 && least === cells.number)) return found(true);
  }
  if ([x, y].some((v) => v.nominal && v.levels.number >= REPEATED * cells.number)) return null;
  const onePartner = numbers.some((v) => hasOnePartner(v === x ? cells : cells.turned()));
  return onePartner ? found(false) : null;
}

/**
 * The answer where rows are copies or codes.
 *
 * @param {object} copies of which the rows are not certainly copies
 * @param {object} once the estimate of the different rows, `p` its p-value (or null)
 * @param {object} whole that of all rows
 * @param {number} entropy the smaller one of the two variables, of the different rows, nats
 */
export function weighed(copies, once, p, whole, entropy) {
  const dependent = p !== null && p < DEPENDENT;
  const asWhole = dependent ? once.mi >= MOST * entropy : copies.often && !copies.eachOther;
  const low = dependent ? Math.min(once.low, whole.low) : 0;
  return { ...(asWhole ? whole : once), low, high: Math.max(once.high, whole.high), unsure: true };
}

/** Whether different rows show that a variable is a function of the other one. */
export function isFunction(x, y) {
  const found = determined(x, y, x.tied && y.tied ? new Cells(x.levels, y.levels) : null);
  return found !== null && !found.copies;
}

/** Whether the values of a number occur about as often as one another, and not often. */
function isEven(levels) {
  const times = levels.n / levels.number;
  if (times > TIMES) return levels.counts.every((count) => count === levels.counts[0]);
  return levels.most <= Math.max(10, 4 * times);
}

/** Whether the cells go up, or down, from each to the next. */
function isMonotone(cells) {
  const goes = (sign) => cells.second.every((level, c) => c === 0 || sign * (level - cells.second[c - 1]) >= 0);
  return goes(1) || goes(-1);
}

/**
 * Whether each value of the first variable occurs with one value of the second, but for a few that different rows
 * share, which then repeat as others do.
 */
function hasOnePartner(cells) {
  const { x, y } = cells;
  if (differing(y) * (x.n - x.number) < SHOWN) return false;
  const others = cells.number - x.number;
  if (!others) return true;
  if (others > EXCEPT * expectedOthers(x, y)) return false;
  const largest = new Float64Array(x.number);
  cells.first.forEach((level, c) => (largest[level] = Math.max(largest[level], cells.counts[c])));
  const beside = x.n - largest.reduce((a, b) => a + b, 0); // samples; many, where a frequent value is no copy
  const filled = others <= FEW * x.number || beside >= (FILLED * others * x.n) / cells.number;
  return filled && beside <= EXCEPT * differing(y) * x.n;
}

/** Values of y beside one that the values of x would meet if they were independent. */
function expectedOthers(x, y) {
  const tally = (counts) => {
    const found = new Map();
    for (const count of counts) found.set(count, (found.get(count) ?? 0) + 1);
    return found;
  };
  const sizes = tally(y.counts);
  let total = 0;
  for (const [count, times] of tally(x.counts)) {
    let met = 0;
    for (const [size, alike] of sizes) met += alike * (1 - (1 - size / y.n) ** count);
    total += times * (met - 1);
  }
  return total;
}
