// Special functions, as in runtime/infonet/pairs/counted.py: of the gamma function and of tails.

const SHIFT = 8; // the asymptotic series are good to 1e-13 from here on

/** Logarithmic derivative of the gamma function, x > 0 (Abramowitz & Stegun 6.3.5 and 6.3.18). */
export function digamma(x) {
  let below = 0;
  for (let i = 0; i < SHIFT; i++) below += 1 / (x + i);
  const z = x + SHIFT;
  const q = 1 / (z * z);
  return Math.log(z) - 0.5 / z - q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q / 240))) - below;
}

/** Logarithm of the gamma function, x > 0 (Abramowitz & Stegun 6.1.41). */
export function logGamma(x) {
  let product = 1;
  for (let i = 0; i < SHIFT; i++) product *= x + i;
  const z = x + SHIFT;
  const q = 1 / (z * z);
  const series = (1 / 12 - q * (1 / 360 - q * (1 / 1260 - q / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}

/** log P(Z >= z) of a standard normal variable, z >= 0: half the tail of a gamma variable of shape 1/2. */
export function logNormalTail(z) {
  if (z < 30) return z > 0 ? logGammaTail(0.5 * z * z, 0.5) - Math.LN2 : -Math.LN2;
  const q = 1 / (z * z); // Abramowitz & Stegun 26.2.12
  return -0.5 * z * z - Math.log(z * Math.sqrt(2 * Math.PI)) + Math.log1p(-q * (1 - 3 * q));
}

/**
 * log P(G >= x) of a gamma variable of this shape and scale 1: the series of the lower incomplete gamma function below
 * shape + 1, the continued fraction of the upper one above.
 */
export function logGammaTail(x, shape) {
  if (x <= 0) return 0;
  const front = shape * Math.log(x) - x - logGamma(shape);
  if (x < shape + 1) {
    let term = 1 / shape;
    let total = term;
    for (let k = shape + 1; Math.abs(term) > Math.abs(total) * 1e-15; k++) {
      term *= x / k;
      total += term;
    }
    return Math.log1p(-Math.min(Math.exp(front) * total, 1 - 1e-16));
  }
  const tiny = 1e-300;
  let b = x + 1 - shape;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let i = 1; i < 100_000; i++) {
    const a = -i * (i - shape);
    b += 2;
    d = 1 / (a * d + b || tiny);
    c = b + a / c || tiny;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  return front + Math.log(fraction);
}
