// p-values from the distribution of the test statistic under independence: runtime/infonet/model/null.py.

const EXTRAPOLATED = 1e-9; // how far a fitted tail is believed

export class NullDistribution {
  /** @param {object} fields the metadata entry, parsed: n, probabilities, quantiles [s, q], statistic, tail */
  constructor({ n, probabilities, quantiles, statistic = "mi", tail = null }) {
    Object.assign(this, { n, probabilities, quantiles, statistic, tail });
    this.smallest = tail ? EXTRAPOLATED : Number((1 - probabilities[probabilities.length - 1]).toFixed(12));
  }

  /** Whether p-values can be given for n samples. */
  covers(n) {
    return this.n[0] <= n && n <= this.n[this.n.length - 1];
  }

  /** P(statistic at least as large) for independent data of n samples; an upper bound at both ends. */
  pValue(statistic, n) {
    const quantiles = this.#at(n);
    const q = quantiles.length;
    let high = quantiles.findIndex((value) => value >= statistic);
    if (high === 0) return 1;
    if (high < 0) return this.#beyond(statistic - quantiles[q - 1], n);
    const weight = (statistic - quantiles[high - 1]) / (quantiles[high] - quantiles[high - 1]);
    const log = (i) => Math.log1p(-this.probabilities[i]); // tails fall exponentially
    return Math.exp(log(high - 1) * (1 - weight) + log(high) * weight);
  }

  /** Quantiles for n samples; of mutual information n times the estimate is what is interpolated. */
  #at(n) {
    if (this.statistic !== "mi") return this.#between(n, (s) => this.quantiles[s]);
    return this.#between(n, (s) => this.quantiles[s].map((value) => value * this.n[s])).map((value) => value / n);
  }

  #between(n, rows) {
    const size = this.n.length;
    if (size === 1) return rows(0);
    const first = this.n.findIndex((value) => value >= n);
    const high = Math.min(Math.max(first < 0 ? size : first, 1), size - 1);
    const weight = Math.log(n / this.n[high - 1]) / Math.log(this.n[high] / this.n[high - 1]);
    const [low, top] = [rows(high - 1), rows(high)];
    return low.map((value, i) => value + weight * (top[i] - value));
  }

  #beyond(excess, n) {
    if (!this.tail) return this.smallest;
    const { shape, scales } = this.tail;
    const scaled = excess / this.#between(n, (s) => [scales[s]])[0];
    const logShare = shape ? -Math.log1p(shape * scaled) / shape : -scaled;
    return Math.max((1 - this.probabilities[this.probabilities.length - 1]) * Math.exp(logShare), this.smallest);
  }
}
