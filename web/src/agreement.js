// Whether a label agrees among neighbours on a number, a test that sees what changes too fast for the others:
// runtime/infonet/pairs/agreement.py.

import { traceVariance } from "./significance.js";
import { logGammaTail } from "./special.js";

const NEAR = 3; // neighbours on either side
const BESIDE_EACH_OTHER = 4; // samples of one label expected so, beside those of the most frequent one

/** log p of a label or categories and a number; null where they are something else, or where few samples share a level. */
export function logPOfAgreement(x, y) {
  const labels = [
    [x, y],
    [y, x],
  ].filter(([v, other]) => v.tied && !other.nominal);
  if (!labels.length) return null;
  labels.sort(([a], [b]) => a.levels.number - b.levels.number || (a.fingerprint < b.fingerprint ? -1 : 1));
  const [[label, number]] = labels;
  return agreement(number.untied, label.levels);
}

/** One-sided: neighbours agree more often than those of a random order do. */
function agreement(ranks, { n, codes, counts }) {
  const sum = (term) => counts.reduce((all, count) => all + term(count, count / n), 0);
  const largest = counts.reduce((a, b) => Math.max(a, b), 0);
  const beside = sum((count, share) => count * share) - (largest * largest) / n;
  if (beside < BESIDE_EACH_OTHER || n <= 2 * NEAR + 1) return null;
  const order = Int32Array.from(ranks.keys()).sort((a, b) => ranks[a] - ranks[b] || a - b);
  let agree = 0;
  for (let i = 0; i < n; i++) {
    for (let step = 1; step <= NEAR; step++) agree += codes[order[i]] === codes[order[(i + step) % n]];
  }
  // Pairs of neighbours, the last one beside the first, and pairs of one label: the trace of each matrix less its means,
  // that of its square, and the squares of its diagonal.
  const ring = 2 * NEAR;
  const near = [-ring, ring * n - ring ** 2, ring ** 2 / n];
  const square = sum((_, share) => share ** 2);
  const alike = [
    n * (1 - square),
    n ** 2 * (square - 2 * sum((_, share) => share ** 3) + square ** 2),
    sum((count, share) => count * (1 - 2 * share + square) ** 2),
  ];
  const mean = (near[0] * alike[0]) / (n - 1);
  const z = (2 * agree - ring * n * square - mean) / Math.sqrt(traceVariance(n, near, alike));
  const shape = 4 * beside; // pairs of rare labels are as Poisson counts, and have their skewness
  return logGammaTail(Math.max(shape + z * Math.sqrt(shape), 0), shape);
}
