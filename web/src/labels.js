// Mutual information of a number and a label, a variable of few levels: runtime/infonet/pairs/labels.py.
//
// The number's ranks are cut into equal bins, and bins and levels are counted. Labels that change faster than such bins
// can show get the nearest-neighbour estimate of Ross (2014) instead.

import { entropy, fromTable, interval, poissonBias, thinBias } from "./counted.js";
import { Random } from "./random.js";
import { inOrderOf, twiceRanks } from "./ranking.js";

const LEVELS = 10; // levels of a label at most,
const PER_LEVEL = 25; // with so many samples a level on average,
const MANY_PER_LEVEL = 1000; // and any number of levels with so many samples each
const WIDTH = 1.4; // bins = WIDTH sqrt(n / levels)
const RARE = 3; // samples a bin of each level but the most frequent, on average, at least
const FINER = [2, 4, 8, 16];
const CELLS = 8; // for each sample at most, in finer tables
const WITHIN = 2.0; // times what bins of half the width tell more, that labels tell within bins
const CHANCE = 3.0; // standard errors of it that are left out
const THIN = 5.0; // samples in a cell of these on average, from which they are believed a little,
const FILLED = 12.0; // and wholly
const MOST_THIN = 0.2; // of their cells, that hold no more than THIN samples
const GAIN = 1.0; // nats of predicted likelihood that narrower bins must add, over all samples
const PSEUDOCOUNT = 0.5; // of each level in each bin (Krichevsky & Trofimov 1981)
const AROUND = 2; // bins on either side, whose labels are about as frequent
const NEIGHBOURS = 3;
const UNCORRECTED = 0.2; // of the Miller-Madow correction, that may be wrong: it widens the interval

/** The next odd number: odd numbers of bins have no edge on an untied rank. */
const odd = (value) => Math.round(value) | 1;

/**
 * Estimate and 90 % interval, nats.
 * @param {Float32Array} ranks mid-ranks of the number
 * @param {Float32Array} untied the same after ties were broken
 * @param {Levels} label of at least 2 levels
 */
export function numberAndLabel(ranks, untied, label) {
  const n = ranks.length;
  const levels = label.number;
  const full = odd(WIDTH * Math.sqrt(n / levels));
  const rare = label.minor / (levels - 1); // rare levels that are thin in every bin look dependent
  const bins = Math.min(full, Math.max(3, odd(rare / RARE)));
  const twice = twiceRanks(ranks);
  const counts = cut(twice, label, bins);
  let best = predicted(counts, levels) + GAIN;
  let chosen = counts;
  const finest = Math.min(Math.floor(n / 2) - 1, Math.floor((CELLS * n) / levels));
  for (const factor of FINER) {
    if (bins * factor > finest) continue;
    const finer = cut(twice, label, (bins * factor) | 1);
    const likelihood = predicted(finer, levels);
    if (likelihood > best) [best, chosen] = [likelihood, finer];
  }
  if (chosen !== counts) return neighbours(untied, label, fromTable(chosen, levels).mi);
  let apart = 0;
  if (bins < full) apart = (fromTable(cut(twice, label, full), levels).mi - fromTable(chosen, levels).mi) / 2;
  // what a few samples of a rare label say is uncertain by as much as they can say
  apart = Math.hypot(apart, (0.9 * entropy(label)[0]) / label.minor ** 0.75);
  const { missed, trusted } = within(chosen, cut(twice, label, (2 * bins) | 1), levels);
  const used = chosen.reduce((sum, count) => sum + (count > 0), 0);
  const thin = thinBias(biasOf(chosen, levels), used, n, fromTable(chosen, levels).mi, entropy(label)[0]);
  const { mi, low, high } = fromTable(chosen, levels, UNCORRECTED, Math.hypot(apart, missed), thin);
  const more = trusted * missed;
  return { mi: mi + more, low: low + more, high: high + more };
}

/**
 * What labels that change at sharp edges tell within bins, nats, which within bins of half the width is half as much;
 * what finer bins tell more by chance is left out. And how far it is trusted: not of few samples a cell.
 */
function within(counts, finer, levels) {
  const more = fromTable(finer, levels).mi - fromTable(counts, levels).mi;
  const n = counts.reduce((sum, count) => sum + count, 0);
  const cells = (table) => table.reduce((sum, count) => sum + (count > 0), 0);
  const freedom = (table) => {
    let bins = 0;
    for (let i = 0; i < table.length; i += levels) bins += table.subarray(i, i + levels).some((count) => count > 0);
    return cells(table) - bins;
  };
  const chance = (CHANCE * Math.sqrt(Math.max(freedom(finer) - freedom(counts), 1) / 2)) / n;
  const used = finer.filter((count) => count > 0);
  const thin = used.reduce((sum, count) => sum + (count <= THIN), 0) / used.length;
  const believed = Math.min(Math.max((n / used.length - THIN) / (FILLED - THIN), 0), 1);
  const trusted = believed * Math.max(0, 1 - thin / MOST_THIN);
  return { missed: more > chance ? WITHIN * (more - chance ** 2 / more) : 0, trusted };
}

/** Bias of all cells, whose means are those of neighbouring bins; see `thinBias`. */
function biasOf(counts, levels) {
  const bins = counts.length / levels;
  let bias = 0;
  for (let j = 0; j < levels; j++) {
    for (let i = 0; i < bins; i++) {
      let around = 0;
      for (let k = i - AROUND; k <= i + AROUND; k++) {
        around += counts[Math.min(Math.max(k, 0), bins - 1) * levels + j];
      }
      bias += poissonBias(around / (2 * AROUND + 1));
    }
  }
  return bias;
}

/**
 * Ross's estimate and 90 % interval, nats.
 * @param {Float32Array} given ranks of a number without ties
 * @param {Levels} label any number of levels; those of one sample tell nothing and are left out
 * @param {number|null} counted an estimate of another bias to compare with, nats
 */
export function neighbours(given, label, counted = null) {
  const n = given.length;
  const several = [];
  label.codes.forEach((code, i) => label.counts[code] > 1 && several.push(i));
  if (!several.length) return { mi: 0, low: 0, high: Math.log(n) };
  let ranks = given;
  if (several.length < n) {
    const order = Array.from(several.keys()).sort((a, b) => given[several[a]] - given[several[b]] || a - b);
    ranks = new Float32Array(several.length);
    order.forEach((sample, place) => (ranks[sample] = (place + 0.5) / several.length));
    label = label.take(several);
    if (label.number === 1) return { mi: 0, low: 0, high: Math.log(n) };
  }
  const placed = place(twiceRanks(ranks), label);
  let { mi, variance } = ross(placed, NEIGHBOURS);
  const biased = ross(placed, 2 * NEIGHBOURS).mi; // how far estimates of unlike bias are apart says how sure any can be
  // Of few samples a level, neighbours reach far into it; measured on groups of 5 to 100 normal samples.
  const excess = (Math.min(mi, 1) * NEIGHBOURS) / (3 * (ranks.length / label.number + 6));
  mi -= excess;
  variance += (biased - mi) ** 2 / 2 + excess ** 2;
  if (counted !== null) variance += (counted - mi) ** 2 / 4;
  return interval(mi, variance);
}

/** Levels up to which a variable of n samples is a label to be counted; the other has more. */
export function mostLevels(n) {
  return Math.max(2, Math.min(LEVELS, Math.floor(n / PER_LEVEL)), Math.floor(n / MANY_PER_LEVEL));
}

/** Counts of bins and levels, those of a bin one after the other. */
function cut(twice, label, bins) {
  const counts = new Int32Array(bins * label.number);
  const n = twice.length;
  for (let i = 0; i < n; i++) counts[Math.floor((twice[i] * bins) / (2 * n)) * label.number + label.codes[i]]++;
  return counts;
}

/** Log likelihood of all labels, each predicted from the others in its bin. */
function predicted(counts, levels) {
  let sum = 0;
  for (let begin = 0; begin < counts.length; begin += levels) {
    let others = -1;
    for (let i = begin; i < begin + levels; i++) others += counts[i];
    for (let i = begin; i < begin + levels; i++) {
      const k = counts[i];
      if (k) sum += k * Math.log((k - 1 + PSEUDOCOUNT) / (others + PSEUDOCOUNT * levels));
    }
  }
  return sum;
}

/** Samples on a line, by label and then in order: positions of all, and of each the place within its label. */
function place(twice, label) {
  const n = twice.length;
  const everyone = spaced(n);
  const next = new Int32Array(label.number + 1);
  for (const code of label.codes) next[code + 1]++;
  for (let i = 1; i < next.length; i++) next[i] += next[i - 1];
  const start = next.slice();
  const order = inOrderOf(twice);
  const [places, before, after] = [new Float64Array(n), new Int32Array(n), new Int32Array(n)];
  for (const sample of order) {
    const code = label.codes[sample];
    const at = next[code]++;
    places[at] = everyone[(twice[sample] - 1) >> 1];
    before[at] = at - start[code];
    after[at] = label.counts[code] - 1 - before[at];
  }
  return { everyone, places, before, after };
}

/**
 * Ross's estimate by `count` neighbours, and its variance. How far the last of the neighbours of the same label is
 * tells how many samples of any label are as near.
 */
function ross({ everyone, places, before, after }, count) {
  const n = places.length;
  const psi = new Float64Array(n + 1); // the digamma function of whole numbers, but for a constant that cancels
  for (let i = 2; i <= n; i++) psi[i] = psi[i - 1] + 1 / (i - 1);
  const terms = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const size = before[i] + after[i] + 1;
    const k = Math.min(count, size - 1);
    if (k <= 0) continue; // a level of one sample tells nothing
    let reach = everyone[n - 1] + 1;
    // the k nearest are neighbours in order: of k + 1 windows the one that reaches least far
    for (let left = 0; left <= k; left++) {
      const right = k - left;
      if (left > before[i] || right > after[i]) continue;
      reach = Math.min(reach, Math.max(places[i] - places[i - left], places[i + right] - places[i]));
    }
    const inside = Math.max(reach - 1, 0); // those strictly nearer and the sample itself
    const near = firstAbove(everyone, places[i] + inside) - firstAbove(everyone, places[i] - inside - 1);
    terms[i] = psi[n] + psi[k] - psi[size] - psi[near];
  }
  const mi = terms.reduce((sum, term) => sum + term, 0) / n;
  const variance = terms.reduce((sum, term) => sum + (term - mi) ** 2, 0) / n;
  return { mi, variance: variance / n };
}

/** The place of the first of increasing whole numbers that is larger than `value`. */
function firstAbove(values, value) {
  let low = 0;
  for (let high = values.length; low < high;) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Increasing whole numbers, spaced as n uniform ones are, the same from both ends: distances of ranks would be equal. */
function spaced(n) {
  const random = new Random([0]);
  const half = Array.from({ length: n >> 1 }, () => 1 + Math.floor(random.exponential() * 2 ** 20));
  const gaps = [0, ...half, ...half.slice(0, n - 1 - (n >> 1)).reverse()];
  const found = new Float64Array(n);
  for (let i = 1; i < n; i++) found[i] = found[i - 1] + gaps[i];
  return found;
}
