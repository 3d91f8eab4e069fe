// Mutual information from nearest neighbours on normal scores: estimator 1 of Kraskov, Stögbauer & Grassberger (2004),
// as in runtime/infonet/pairs/neighbours.py and sharp.py.

import { twiceRanks } from "./ranking.js";
import { digamma } from "./special.js";

const NEIGHBOURS = 3;

/** The estimate in nats of two columns of mid-ranks. */
export function neighbourEstimate(xRanks, yRanks) {
  const n = xRanks.length;
  const [x, y] = [scores(xRanks), scores(yRanks)];
  const order = Array.from(x.keys()).sort((a, b) => x[a] - x[b]);
  const [alongX, ofY] = [Float64Array.from(order, (i) => x[i]), Float64Array.from(order, (i) => y[i])];
  const sortedY = y.slice().sort();
  let sum = 0;
  for (let at = 0; at < n; at++) {
    const reach = distance(alongX, ofY, at);
    sum += digamma(nearer(alongX, alongX[at], reach) + 1) + digamma(nearer(sortedY, ofY[at], reach) + 1);
  }
  return digamma(NEIGHBOURS) + digamma(n) - sum / n;
}

/** Distance to the third nearest other point in the maximum norm, searched outwards along x. */
function distance(x, y, at) {
  const best = [Infinity, Infinity, Infinity];
  let [left, right] = [at - 1, at + 1];
  for (;;) {
    const toLeft = left >= 0 ? x[at] - x[left] : Infinity;
    const toRight = right < x.length ? x[right] - x[at] : Infinity;
    const along = Math.min(toLeft, toRight);
    if (along >= best[2]) return best[2]; // no point further out is nearer
    const other = toLeft <= toRight ? left-- : right++;
    const far = Math.max(along, Math.abs(y[at] - y[other]));
    if (far >= best[2]) continue;
    best[2] = far;
    best.sort((a, b) => a - b);
  }
}

/** How many other sorted values lie nearer than `reach` to one of them. */
function nearer(sorted, value, reach) {
  if (!(reach > 0)) return 0;
  const first = (holds) => {
    let low = 0;
    for (let high = sorted.length; low < high;) {
      const middle = (low + high) >> 1;
      if (holds(sorted[middle])) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return first((other) => other - value >= reach) - first((other) => value - other < reach) - 1;
}

/** Normal scores; reversing the column changes their signs and nothing else. */
function scores(ranks) {
  const n = ranks.length;
  return Float64Array.from(twiceRanks(ranks), (twice) => {
    const below = Math.fround(Math.min(twice, 2 * n - twice) / (2 * n));
    const score = normalQuantile(Math.min(Math.max(below, 0.5 / n), 1 - 0.5 / n));
    return twice > n ? -score : score;
  });
}

// Rational approximations of Wichura (1988), algorithm AS 241: numerators and denominators, the constants first.
const CENTRE = [
  [
    3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125, 45921.953931549871457,
    67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
  ],
  [
    1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867, 39307.89580009271061,
    28729.085735721942674, 5226.495278852854561,
  ],
];
const TAIL = [
  [
    1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
    1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
  ],
  [
    1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
    0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9,
  ],
];
const END = [
  [
    6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
    0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
  ],
  [
    1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
    1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
  ],
];

/** The quantile of a standard normal variable at p from 0 to 1/2. */
function normalQuantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  const found = r <= 5 ? ratio(TAIL, r - 1.6) : ratio(END, r - 5);
  return q < 0 ? -found : found;
}

function ratio([above, below], r) {
  const value = (coefficients) => coefficients.reduceRight((sum, coefficient) => sum * r + coefficient, 0);
  return value(above) / value(below);
}
