// Mutual information by counts in ever smaller cells: the kernel cell_information (kernels/cpu/halving.hpp).

import { twiceRanks } from "./ranking.js";

const SIZES = 64; // classes of cells by their number of samples
const PARTS = [
  [4, 5],
  [5, 4],
  [6, 7],
  [7, 6],
];
const MOST_PARTS = 7;
const TABLED = 512;
const MOST_BITS = 13;

/**
 * What ever smaller cells of ranks tell of the dependence of two columns, nats by class of sizes: what halving cells of
 * 2^j to 2^(j + 1) - 1 samples told, less what it tells of independent columns on average.
 * @param {Float32Array} x mid-ranks
 * @param {Float32Array} y mid-ranks
 * @param {number} fewest samples of a cell from which it is halved
 * @param {number} divisions 1 to 4, ways to divide that the mean is taken of
 */
export function cellInformation(x, y, fewest, divisions) {
  const n = x.length;
  const [first, second] = oriented(twiceRanks(x), twiceRanks(y));
  let bits = 1;
  while (bits < MOST_BITS && MOST_PARTS * 2 ** (bits + 1) <= n) bits++;
  const information = new Float64Array(SIZES);
  for (const parts of PARTS.slice(0, divisions)) {
    divide(first, second, bits, parts, fewest, information);
    divide(second, first, bits, parts, fewest, information);
  }
  return information.map((value) => value / (2 * divisions * n));
}

/** Twice the ranks, reversed where that makes a moment positive: reversing a column changes nothing. */
export function oriented(first, second) {
  const n = first.length;
  let [ofFirst, ofSecond] = [0, 0];
  for (let i = 0; i < n; i++) {
    const [a, b] = [first[i] - n, second[i] - n];
    ofFirst += a * (b * b);
    ofSecond += b * (a * a);
  }
  const turned = (column, moment) => (moment < 0 ? column.map((value) => 2 * n - value) : column);
  return [turned(first, ofFirst), turned(second, ofSecond)];
}

/** Into parts, then by halves, the first column first. */
function divide(first, second, bits, parts, fewest, information) {
  const n = first.length;
  const within = 2 ** bits - 1;
  const scale = parts.map((count) => (count * 2 ** bits) / (2 * n));
  const codes = new Uint32Array(n); // the part, then the bits of both places in turn
  for (let i = 0; i < n; i++) {
    const a = Math.min(Math.floor(first[i] * scale[0]), parts[0] * 2 ** bits - 1);
    const b = Math.min(Math.floor(second[i] * scale[1]), parts[1] * 2 ** bits - 1);
    const part = (a >> bits) * parts[1] + (b >> bits);
    codes[i] = part * 2 ** (2 * bits) + ((spread(a & within) << 1) | spread(b & within));
  }
  codes.sort();
  const count = parts[0] * parts[1];
  const cells = [];
  let told = 0;
  for (let part = 0, begin = 0; part < count; part++) {
    const end = firstFrom(codes, (part + 1) * 2 ** (2 * bits), begin, n);
    const held = end - begin;
    if (held) told += held * (Math.log(held) - Math.log(n) + Math.log(count));
    told -= 0.5 * (1 - (held * parts[0]) / n) * (1 - (held * parts[1]) / n);
    cells.push([begin, end]);
    begin = end;
  }
  information[Math.floor(Math.log2(n))] += told;
  for (const [begin, end] of cells) halve(begin, end, 0);

  function halve(begin, end, level) {
    const m = end - begin;
    if (m < fewest || level >= 2 * bits) return;
    const bit = 2 ** (2 * bits - 1 - level);
    const middle = firstFrom(codes, Math.floor(codes[begin] / (2 * bit)) * 2 * bit + bit, begin, end);
    const [lower, upper] = [middle - begin, end - middle];
    const inColumn = (n / parts[level % 2]) * 2 ** -Math.floor(level / 2);
    const half = Math.log(m) - Math.LN2;
    let found = lower ? lower * (Math.log(lower) - half) : 0;
    if (upper) found += upper * (Math.log(upper) - half);
    information[31 - Math.clz32(m)] += found - byChance(m) * (1 - Math.min(m / inColumn, 1));
    halve(begin, middle, level + 1);
    halve(middle, end, level + 1);
  }
}

/** Its bits with a 0 between any two. */
export function spread(value) {
  value = (value | (value << 8)) & 0x00ff00ff;
  value = (value | (value << 4)) & 0x0f0f0f0f;
  value = (value | (value << 2)) & 0x33333333;
  return (value | (value << 1)) & 0x55555555;
}

/** The place of the first of sorted codes, from `low` to `high`, that is at least `value`. */
function firstFrom(codes, value, low, high) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (codes[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

let tabled = null;

/** Mean of what halving tells where each of m samples falls into either half by chance. */
function byChance(m) {
  if (m > TABLED) return 0.5 + 0.25 / m;
  tabled ??= Array.from({ length: TABLED + 1 }, (_, size) => {
    let chance = 2 ** -size;
    let told = 0;
    for (let c = 1; c <= size; c++) {
      chance *= (size - c + 1) / c;
      told += chance * c * Math.log(c);
    }
    return size ? 2 * told - size * (Math.log(size) - Math.LN2) : 0;
  });
  return tabled[m];
}
