// Which of the network's estimates are refined, and what becomes of them: runtime/infonet/pairs/refine.py, with the
// estimates of many samples (cells.py) and of sharp dependence (sharp.py); crowded.js has those below the grid.

import { extra, SHARE } from "./crowded.js";
import { cellInformation } from "./halving.js";
import { neighbourEstimate } from "./neighbours.js";
import { between } from "./steps.js";

const LARGE = 20_000; // samples from which cells are counted
const SHARP = [3.5, 4.25]; // nats from which dependence is too sharp for the grid, and the network's estimate left out
const OPEN = [0.08, 0.16]; // nats that cells of 16 to 31 samples told, where they are too coarse
const ENOUGH = 2_000; // samples, below which the network's experience is worth more
const DIVISIONS = 400_000; // samples, over all the divisions that the mean is taken of
// Widths of the network's interval times the root of n, and samples, from which other estimates are asked whether the
// network took clusters for a sharp dependence; shares of its estimate that these are lower by, where it moves to them.
const [WIDE, ENOUGH_FOR_CLUSTERS] = [8, 2_500];
const [BELOW, FAR_BELOW] = [[0.03, 0.08], [0.06, 0.12]]; // prettier-ignore
const LEAST = 1e-6; // nats, of which a share can be taken
const MUCH = 0.5; // of the width of an interval, by which its upper end moves, to be told

/**
 * Better estimates than the network's, where its grid is at its limit: {mi, low, high, crowded}, the last whether the
 * upper end was moved by much because samples crowd below the grid.
 * @param {{mi: number, low: number, high: number}} given as the network gives it
 * @param {Float32Array} x mid-ranks without many ties
 * @param {Float32Array} y mid-ranks without many ties
 */
export function refined(given, x, y) {
  const n = x.length;
  let found = n >= LARGE ? byCells(given.mi, x, y) : { ...given, open: 0 };
  const strong = between(found.mi, SHARP);
  const coarse = between(found.open, OPEN);
  const share = Math.max(strong, coarse);
  const wide = (given.high - given.low) * Math.sqrt(n) > WIDE && n >= ENOUGH_FOR_CLUSTERS && n < LARGE;
  const asked = share > 0 && n >= ENOUGH;
  const other = wide || asked ? beyondTheGrid(x, y) : null;
  if (wide) {
    const below = 1 - other.mi / Math.max(found.mi, LEAST);
    found.low += between(below, BELOW) * (Math.min(found.low, other.low) - found.low);
    found.mi += between(below, FAR_BELOW) * (other.mi - found.mi);
  }
  if (asked) {
    // Cells that are too coarse may still be nearer to the truth: both intervals hold.
    const both = coarse * (1 - strong);
    other.low += both * (Math.min(found.low, other.low) - other.low);
    other.high += both * (Math.max(found.high, other.high) - other.high);
    const mixed = (name) => (1 - share) * found[name] + share * other[name];
    found = { mi: mixed("mi"), low: mixed("low"), high: mixed("high") };
  }
  const { mi, low, high } = found;
  const more = extra(given.high - given.low, high, x, y);
  return {
    mi: Math.fround(mi + SHARE * more),
    low: Math.fround(low),
    high: Math.fround(high + more),
    crowded: more > MUCH * (high - low),
  };
}

// What smaller cells would tell, in multiples of what those of 16 to 31 samples told: it falls by a ratio from each
// class to the next, `RATIO` usually, which is known the worse the less there is to tell.
const OF_CELLS = { smallest: 3, times: [1.257, 5.826, 2.844] };
const RATIO = 0.68;
const PRIOR = 3.0;
const MOST = 3.0;
const NOISE = 0.4; // times n**-0.5, of the counts
const UNSURE = 0.05; // of what cells of 16 to 31 samples told, which the extrapolation may be off
const FAR = 2.0; // errors of the counts, from which the network is wrong rather than they
const [STRONG, WEAK, EXTRAPOLATES, LEFT, WIDTH] = [1.3, 0.1, 0.45, 5e-4, 1.8]; // of the interval

/** Of many samples: the network's estimate where counts agree with it within their noise, theirs where they do not. */
function byCells(mi, x, y) {
  const n = x.length;
  const told = cellInformation(x, y, 8, Math.max(1, Math.min(4, Math.floor(DIVISIONS / n))));
  const counted = extrapolated(told, n, OF_CELLS);
  const open = Math.max(0, told[OF_CELLS.smallest + 1]);
  const error = Math.hypot(NOISE / Math.sqrt(n), UNSURE * open);
  const apart = mi - counted;
  const found = Math.max(0, counted + apart / (1 + (apart / (FAR * error)) ** 4));
  const spread = Math.sqrt((STRONG * -Math.expm1(-2 * found) + WEAK) / n);
  const reach = WIDTH * Math.hypot(spread, EXTRAPOLATES * open, LEFT);
  return { mi: found, low: Math.max(0, found - reach), high: found + reach, open };
}

/** Mutual information in nats, with what cells that are yet smaller would tell. */
function extrapolated(told, n, { smallest, times }) {
  const prior = PRIOR / Math.sqrt(n);
  const [last, before, first] = [0, 1, 2].map((i) => Math.max(0, told[smallest + i]));
  const ratio = (smaller, larger) => (smaller + RATIO * prior) / (larger + prior) - RATIO;
  const beyond = times[0] + times[1] * ratio(last, before) + times[2] * ratio(before, first);
  const all = told.subarray(smallest).reduce((sum, value) => sum + value, 0);
  return all + Math.min(Math.max(beyond, 0), MOST) * told[smallest + 1];
}

const OF_SHARP = { smallest: 2, times: [1.052, 4.5, 4.0] };
const MOST_SAMPLES = 50_000; // with neighbours: of more, counts alone are near the truth
const SHARP_WIDTH = 1.6449; // standard errors, of 1 / sqrt n each
const APART = 0.5; // share of what the two differ by,
const SCALE = 0.01; // and of the estimate
const EXTRAPOLATED = 0.5; // share of what cells of 8 to 15 samples told
const [HALF_OPEN, WHOLLY_OPEN] = [0.5, 0.9]; // of log 2, that halving cells of 8 to 15 samples tells

/** Of sharp dependence: the mean of counts in cells and of nearest neighbours on normal scores. */
function beyondTheGrid(x, y) {
  const n = x.length;
  const told = cellInformation(x, y, 4, Math.max(1, Math.min(4, Math.floor(DIVISIONS / n))));
  const counted = extrapolated(told, n, OF_SHARP);
  const near = n <= MOST_SAMPLES ? neighbourEstimate(x, y) : counted;
  const mi = Math.max(0, (counted + near) / 2);
  const last = Math.max(0, told[OF_SHARP.smallest + 1]);
  const reach = Math.hypot(SHARP_WIDTH / Math.sqrt(n), APART * (counted - near)) + SCALE * mi + EXTRAPOLATED * last;
  const beyond = Math.min(Math.max((last / Math.LN2 - HALF_OPEN) / (WHOLLY_OPEN - HALF_OPEN), 0), 1);
  const high = (1 - beyond) * (mi + reach) + beyond * Math.max(mi, Math.log(n));
  return { mi, low: Math.max(0, mi - reach), high };
}
