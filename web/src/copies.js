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
const PROOF = 20; // cells more, of which chance leaves each a multiple of a number in one case of two
const FULL = 0.8; // of all pairs of levels that occur, from which a design may have made their counts
const CERTAIN = 15; // nats of likelihood, from which thin cells that are missing are no accident
const DEPENDENT = 0.01; // p-value of the different rows below which they show a dependence
export const MOST = 0.5; // of an entropy, from which an estimate is nearly that of a function

/**
 * One row of each kind where whole rows repeat that perhaps should not, else null: {rows, certain, eachOther, often,
 * evenly}. `evenly`: all rows were written about equally often, and `rows` holds one copy of each.
 * One variable at least is a number of many values, each of which occurs with one value of the other.
 */
export function repeatedRows(x, y) {
  if (!(x.tied && y.tied)) return null;
  const written = writtenAgain(x, y);
  if (written !== null) return written;
  const { n } = x;
  const few = Math.max(LEAST, 2 * Math.sqrt(n));
  const numbers = [x, y].filter((v) => !v.nominal && v.levels.number >= few);
  if (!numbers.length) return oneByOne(x, y);
  const cells = new Cells(x.levels, y.levels);
  const sizes = numbers.map((v) => v.levels.number);
  const [again, least, most] = [n - cells.number, Math.min(...sizes), Math.max(...sizes)];
  // rows of one kind are no copies of others, but a value that is frequent in both variables
  const largest = cells.counts.reduce((a, b) => Math.max(a, b), 0);
  if (largest - 1 > ATOM * again || isMonotone(cells)) return null;
  const eachOther = numbers.length === 2 && least >= REPEATED * cells.number;
  const often = n > TIMES * most;
  const found = (certain) => ({ rows: cells.firstRows(), certain, eachOther, often, evenly: false });
  if (again >= REPEATED * (n - most) && numbers.some((v) => isEven(v.levels))) {
    if (!often || (numbers.length === 2 && least === cells.number)) return found(true);
  }
  if ([x, y].some((v) => v.nominal && v.levels.number >= REPEATED * cells.number)) return null;
  const onePartner = numbers.some((v) => hasOnePartner(v === x ? cells : cells.turned()));
  return onePartner ? found(false) : null;
}

/**
 * One of the copies of each row where all rows were written about equally often, else null. Rows that were all written
 * k times leave only multiples of k in the cells, which chance does in half the cases at most.
 */
function writtenAgain(x, y) {
  if ([x, y].some((v) => v.levels.counts.some((count) => count < 2))) return null;
  const cells = new Cells(x.levels, y.levels);
  const { counts } = cells;
  // Where a design made the levels of a variable equally frequent, the last one is not free.
  const designed = [x, y].reduce((sum, { levels }) => sum + (isEqual(levels.counts) ? levels.number - 1 : 0), 0);
  const full = counts.length > FULL * x.levels.number * y.levels.number;
  if (counts.some((count) => count < 2) || (isEqual(counts) && (designed || full))) return null;
  let times = counts.length - 1 - designed >= PROOF ? counts.reduce(divisor) : 1;
  if (times === 1 && !full) times = timesOfThin(cells);
  if (times === 1) return null;
  const once = counts.map((count) => Math.max(1, Math.floor(count / times + 0.5)));
  return { rows: cells.firstRows(once), certain: true, eachOther: false, often: false, evenly: true };
}

/** The greatest common divisor. */
function divisor(a, b) {
  return b ? divisor(b, a % b) : a;
}

/**
 * How often rows were written on average, where some of them once more than others; 1 where the cells do not show that
 * they were. By the inequality of Cauchy and Schwarz, many cells of k samples have others beside them.
 */
function timesOfThin({ counts, x, y }) {
  const least = counts.reduce((a, b) => Math.min(a, b));
  if (least > TIMES || counts.length * REPEATED < Math.max(x.number, y.number)) return 1;
  const held = (k) => counts.reduce((sum, count) => sum + (count === k), 0);
  const [before, at, next, beyond] = [-1, 0, 1, 2].map((step) => held(least + step));
  const far = Math.max(surprise(before, at, next, least), surprise(at, next, beyond, least + 1));
  if (far < CERTAIN) return 1;
  const single = counts.filter((count) => count < 2 * least); // a single row, and its copies
  return single.reduce((a, b) => a + b) / single.length;
}

/** How far numbers of cells of k - 1, k and k + 1 samples are from obeying the inequality, in nats of likelihood. */
function surprise(below, at, above, k) {
  const share = k / (k + 1);
  const constant = share * at ** 2 - below * above;
  if (constant <= 0) return 0;
  const linear = 4 * share * at + below + above;
  const m = (2 * constant) / (linear + Math.sqrt(linear ** 2 - 4 * (4 * share - 1) * constant));
  const away = (seen, expected) => expected - seen + (seen ? seen * Math.log(seen / expected) : 0);
  return away(below, below + m) + away(at, at - 2 * m) + away(above, above + m);
}

/**
 * Rows of two numbers, where each of not so many values goes with one of the other number, all equally often: these may
 * be copies, or codes that a design repeats. Else null.
 */
function oneByOne(x, y) {
  const { number } = x.levels;
  if (x.nominal || y.nominal || number !== y.levels.number || number < LEAST) return null;
  if (!(isEqual(x.levels.counts) && isEqual(y.levels.counts))) return null;
  const cells = new Cells(x.levels, y.levels);
  if (cells.number > number || isMonotone(cells)) return null;
  return { rows: cells.firstRows(), certain: false, eachOther: true, often: true, evenly: false };
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
  if (times > TIMES) return isEqual(levels.counts);
  return levels.most <= Math.max(10, 4 * times);
}

/** Whether all values occur equally often. */
function isEqual(counts) {
  return counts.every((count) => count === counts[0]);
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
