// Density that piles up below the network's grid, and by how much upper ends move there:
// runtime/infonet/pairs/crowded.py.

import { cellInformation, oriented, spread } from "./halving.js";
import { twiceRanks } from "./ranking.js";
import { between } from "./steps.js";

const FEWEST = 1_000; // samples, of which fewer say too little of what is below the grid
const [WIDE, WHOLLY_WIDE] = [5, 6]; // widths of the network's interval, times the root of n
const FINEST = 512; // cells a side
const MANY = 2_500; // samples, from which cells of 256 a side hold enough pairs of them
const SURE = 1; // standard errors, by which cells are more crowded than by chance
const CROWDED = [0.03, 0.09]; // powers of 2, by which pairs are too often in one quarter of a cell
const ALIKE = [0.5, 0.7]; // that power for small cells, as a share of that for large ones
const LINES = [0.25, 0.35]; // nats told by the smallest cells: of more they hold a curve, not a power law
const DIVISIONS = 20_000; // samples, over all the divisions that the mean is taken of
const CLASS = 2; // of the smallest cells that are halved, which have 4 to 7 samples
const [PRIOR, RATIO] = [0.15, 0.67]; // times n**-0.5, of what two classes tell, and their usual ratio
const MOST = 0.945; // ratio of what one class tells to the next
const HIGH = 1.5; // the rest may be so many times what the series says
export const SHARE = 0.15; // of what the upper end moves by: by so much the estimate does

/**
 * By how many nats the upper end of an interval is to be moved, mostly 0.
 * @param {number} width of the network's own interval
 * @param {number} high upper end, which may be that of better estimates
 * @param {Float32Array} x mid-ranks without many ties
 * @param {Float32Array} y mid-ranks without many ties
 */
export function extra(width, high, x, y) {
  const n = x.length;
  const wide = width * Math.sqrt(n);
  if (n < FEWEST || wide <= WIDE) return 0;
  const [crowded, power] = signs(x, y);
  let sign = crowded * between(wide, [WIDE, WHOLLY_WIDE]);
  if (sign <= 0) return 0;
  const told = cellInformation(x, y, 2 ** CLASS, Math.max(1, Math.min(4, Math.floor(DIVISIONS / n))));
  const [last, ...larger] = [0, 1, 2, 3].map((i) => Math.max(0, told[CLASS + i]));
  sign *= 1 - between(Math.max(last, larger[0]), LINES);
  if (sign <= 0) return 0;
  const prior = PRIOR / Math.sqrt(n);
  let ratio = Math.sqrt((last + larger[0] + RATIO * prior) / (larger[1] + larger[2] + prior));
  // Of an edge where density is the distance to the power of `edge` - 1.
  const edge = Math.max((1 - power) / 2, 0);
  ratio = Math.min(ratio, 2 ** (-edge / (1 + edge)), MOST);
  const rest = (HIGH * last * ratio) / (1 - ratio);
  const all = told.subarray(CLASS).reduce((sum, value) => sum + value, 0);
  return sign * Math.max(0, all + rest - high);
}

/**
 * From 0 to 1, whether samples crowd below the grid as they do above it; and by which power of 2 pairs in one small cell
 * share a quarter of it more often than by chance.
 */
function signs(x, y) {
  const n = x.length;
  const pairs = pairsByCells(x, y);
  const [fine, coarse] = n >= MANY ? [[128, 256], [32, 64]] : [[64, 128], [32]]; // prettier-ignore
  // Of two samples in one cell, that both are in the same quarter; ranks are spread evenly, so along one axis less than
  // a half.
  const chance = (side) => Math.max((n / (2 * side) - 1) / (n / side - 1), 0.1) ** 2;
  const compare = (sides) => {
    const expected = sides.reduce((sum, side) => sum + pairs.get(side) * chance(side), 1);
    const found = sides.reduce((sum, side) => sum + pairs.get(2 * side), 1);
    return [Math.max(0, Math.log2(found / expected)), expected];
  };
  const [power, expected] = compare(fine);
  if (power <= CROWDED[0]) return [0, power];
  const [large] = compare(coarse);
  const error = SURE / (Math.LN2 * Math.sqrt(expected));
  return [between(power - error, CROWDED) * between(power / (large + 0.02), ALIKE), power];
}

/** How many pairs of samples lie in one cell, by the number of cells a side. */
function pairsByCells(x, y) {
  const n = x.length;
  const [first, second] = oriented(twiceRanks(x), twiceRanks(y));
  const place = (twice) => spread(Math.floor(twice * (FINEST / (2 * n))));
  // A cell of twice the width is a code without its last two bits.
  const codes = Uint32Array.from(first, (twice, i) => (place(twice) << 1) | place(second[i])).sort();
  const found = new Map();
  for (let side = FINEST, bits = 0; side >= 32; side /= 2, bits += 2) {
    let [pairs, begin] = [0, 0];
    for (let i = 1; i <= n; i++) {
      if (i < n && codes[i] >> bits === codes[begin] >> bits) continue;
      pairs += ((i - begin) * (i - begin - 1)) / 2;
      begin = i;
    }
    found.set(side, pairs);
  }
  return found;
}
