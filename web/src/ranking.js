// Columns of samples, ranked for the network: runtime/infonet/pairs/ranking.py and the kernel rank_columns.

import { blake2b } from "@noble/hashes/blake2.js";
import { Random } from "./random.js";

const FEW_TIES = 0.02; // nats of entropy lost to ties up to which a column counts as continuous

/**
 * Average ranks of values without NaN.
 * @param {Float64Array|Float32Array} values [n]
 * @returns {{ranks: Float32Array, entropy: number, tied: boolean}} mid-ranks in (0, 1); entropy of the values in nats
 *   (Miller & Madow), infinite without ties; whether more than a few are equal
 */
export function rankColumn(values) {
  const n = values.length;
  const sorted = values.slice().sort();
  const levels = new values.constructor(n);
  const ends = new Int32Array(n);
  let count = 0;
  for (let i = 0; i < n; i++) {
    if (i === 0 || sorted[i] !== sorted[i - 1]) levels[count++] = sorted[i];
    ends[count - 1] = i + 1;
  }
  const ranks = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let low = 0;
    for (let high = count - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (levels[middle] < values[i]) low = middle + 1;
      else high = middle;
    }
    ranks[i] = ((low ? ends[low - 1] : 0) + ends[low]) / (2 * n);
  }
  const entropy = count === n && n > 1 ? Infinity : entropyOf(ends.subarray(0, count), n);
  const withoutTies = Math.log(n) + (n - 1) / (2 * n); // the same estimate of the entropy
  return { ranks, entropy, tied: entropy < withoutTies - FEW_TIES };
}

function entropyOf(ends, n) {
  if (ends.length === 1) return 0;
  let logs = 0;
  for (let i = 0; i < ends.length; i++) {
    const size = ends[i] - (i ? ends[i - 1] : 0);
    logs += size * Math.log(size);
  }
  return Math.log(n) - logs / n + (ends.length - 1) / (2 * n);
}

/** A whole number of 64 bits (BigInt) for ranks. */
export function fingerprint(ranks) {
  const bytes = new Uint8Array(ranks.buffer, ranks.byteOffset, ranks.byteLength);
  const digest = blake2b(bytes, { dkLen: 8 });
  return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0, true);
}

/** Twice the mid-ranks times n: whole numbers. */
export function twiceRanks(ranks) {
  const scale = 2 * ranks.length;
  const found = new Int32Array(ranks.length);
  for (let i = 0; i < found.length; i++) found[i] = Math.round(ranks[i] * scale);
  return found;
}

/** The samples in the order of twice their ranks, equal ones as they come, or in the order `given`. */
export function inOrderOf(twice, given = null) {
  const n = twice.length;
  const next = new Int32Array(2 * n + 2); // where the next sample of each value goes
  for (let i = 0; i < n; i++) next[twice[i] + 1]++;
  for (let i = 1; i < next.length; i++) next[i] += next[i - 1];
  const found = new Int32Array(n);
  for (let k = 0; k < n; k++) {
    const sample = given ? given[k] : k;
    found[next[twice[sample]]++] = sample;
  }
  return found;
}

/**
 * Mid-ranks of a tied column after its ties were broken at random.
 * @param {Float32Array} ranks mid-ranks in (0, 1), [n]
 * @param {(number|bigint)[]} key the seed of the order
 */
export function inRandomOrder(ranks, key) {
  const n = ranks.length;
  const order = inOrderOf(twiceRanks(ranks), new Random(key).permutation(n));
  const found = new Float32Array(n);
  for (let place = 0; place < n; place++) found[order[place]] = (place + 0.5) / n;
  return found;
}
