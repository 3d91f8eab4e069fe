// The random numbers of NumPy: `numpy.random.default_rng(key)`, for the draws that the estimator makes.
//
// The package breaks ties and simulates rare tables with NumPy's generator, seeded by the data. With the same numbers
// the page gives the same answers. The generator is PCG64 (O'Neill 2014, XSL-RR 128/64), seeded as NumPy does by
// SeedSequence; test/random.test.js compares every function with NumPy.

const TWO_32 = 2 ** 32;
// The multiplier of the generator, in words of 32 bits, the lowest first.
const [M0, M1, M2, M3] = [0x9fccf645, 0x4385df64, 0x1fc65da4, 0x2360ed05];

/** The upper 32 bits of the product of two words, whose lower ones are `Math.imul`'s. */
function upper(a, b) {
  const low = a & 0xffff;
  const high = a >>> 16;
  const down = b & 0xffff;
  const up = b >>> 16;
  const middle = high * down + ((low * down) >>> 16);
  return high * up + Math.floor(middle / 65536) + Math.floor((low * up + (middle % 65536)) / 65536);
}

/** The words of 32 bits, lowest first, that a whole number (BigInt or number, from 0) is seeded with. */
function words(value) {
  let rest = BigInt(value);
  const found = [];
  do {
    found.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return found;
}

/** Eight words of 32 bits from any number of them: NumPy's SeedSequence with a pool of four. */
function seedWords(entropy) {
  let hash = 0x43b0d7e5;
  const mixed = (value) => {
    value = (value ^ hash) >>> 0;
    hash = Math.imul(hash, 0x931e8875) >>> 0;
    value = Math.imul(value, hash) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const joined = (x, y) => {
    const value = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => mixed(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = joined(pool[to], mixed(pool[from]));
  }
  for (let from = 4; from < entropy.length; from++) {
    for (let to = 0; to < 4; to++) pool[to] = joined(pool[to], mixed(entropy[from]));
  }
  let state = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, i) => {
    let value = (pool[i % 4] ^ state) >>> 0;
    state = Math.imul(state, 0x58f38ded) >>> 0;
    value = Math.imul(value, state) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
}

export class Random {
  /** @param {(number|bigint)[]} key whole numbers from 0, as in `default_rng([...])` */
  constructor(key) {
    const w = seedWords(key.flatMap(words)); // NumPy reads them as four numbers of 64 bits, the upper half first
    const start = [w[2], w[3], w[0], w[1]];
    const odd = [w[6], w[7], w[4], w[5]].map((word, i, all) => ((word << 1) | (i ? all[i - 1] >>> 31 : 1)) >>> 0);
    this.added = Uint32Array.from(odd); // in each step
    this.state = new Uint32Array(4); // words of 32 bits, the lowest first
    this.drawn = new Uint32Array(2); // the lower and the upper half of 64 bits
    this.halfKept = false; // whether the upper half is still to be given,
    this.kept = 0; // which other draws leave alone
    this.#step();
    let sum = 0;
    for (let i = 0; i < 4; i++) {
      sum = Math.floor(sum / TWO_32) + this.state[i] + start[i];
      this.state[i] = sum;
    }
    this.#step();
  }

  /** The next state: this one times the multiplier, plus what is added, a word after the other. */
  #step() {
    const { state, added } = this;
    const s0 = state[0];
    const s1 = state[1];
    const s2 = state[2];
    const s3 = state[3];
    let sum = added[0] + (Math.imul(s0, M0) >>> 0);
    state[0] = sum;
    sum = Math.floor(sum / TWO_32) + added[1] + upper(s0, M0) + (Math.imul(s0, M1) >>> 0) + (Math.imul(s1, M0) >>> 0);
    state[1] = sum;
    sum = Math.floor(sum / TWO_32) + added[2] + upper(s0, M1) + upper(s1, M0);
    sum += (Math.imul(s0, M2) >>> 0) + (Math.imul(s1, M1) >>> 0) + (Math.imul(s2, M0) >>> 0);
    state[2] = sum;
    sum = Math.floor(sum / TWO_32) + added[3] + upper(s0, M2) + upper(s1, M1) + upper(s2, M0);
    state[3] = sum + Math.imul(s0, M3) + Math.imul(s1, M2) + Math.imul(s2, M1) + Math.imul(s3, M0);
  }

  /** Draw 64 bits: both halves of the state, mixed and turned by its upper bits. */
  #draw() {
    this.#step();
    const { state, drawn } = this;
    const turn = state[3] >>> 26;
    const swap = turn >= 32 ? 1 : 0;
    const low = state[swap] ^ state[2 + swap];
    const high = state[1 - swap] ^ state[3 - swap];
    const by = turn & 31;
    drawn[0] = by ? (low >>> by) | (high << (32 - by)) : low;
    drawn[1] = by ? (high >>> by) | (low << (32 - by)) : high;
  }

  /** 32 bits: the lower half of a draw, then its upper half. */
  #word() {
    this.halfKept = !this.halfKept;
    if (!this.halfKept) return this.kept;
    this.#draw();
    this.kept = this.drawn[1];
    return this.drawn[0];
  }

  /** The upper 53 bits of a draw, a whole number. */
  #long() {
    this.#draw();
    return this.drawn[1] * 2 ** 21 + (this.drawn[0] >>> 11);
  }

  /** Uniform in [0, 1). */
  random() {
    return this.#long() / 2 ** 53;
  }

  /** A whole number from 0 to `most` < 2^32 (Lemire 2019). */
  below(most) {
    if (most === 0) return 0;
    const size = most + 1;
    for (;;) {
      const word = this.#word();
      const product = word * size;
      const rest = Math.imul(word, size) >>> 0; // its lower 32 bits
      if (rest >= size || rest >= (TWO_32 - size) % size) return Math.round((product - rest) / TWO_32);
    }
  }

  /** The same by leaving out draws that are too large, as NumPy shuffles. */
  #masked(most) {
    if (most === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(most);
    for (;;) {
      const value = (this.#word() & mask) >>> 0;
      if (value <= most) return value;
    }
  }

  /** Shuffle `count` values of an array from `start` on, in place. */
  shuffle(values, start = 0, count = values.length) {
    for (let i = count - 1; i > 0; i--) {
      const j = this.#masked(i);
      const kept = values[start + i];
      values[start + i] = values[start + j];
      values[start + j] = kept;
    }
    return values;
  }

  /** A random order of 0 to n - 1. */
  permutation(n) {
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    return this.shuffle(order);
  }

  /** Exponential with mean 1, by the ziggurat method (Marsaglia & Tsang 2000) of 256 layers. */
  exponential() {
    for (;;) {
      const place = this.#long();
      const layer = (this.drawn[0] >>> 3) & 0xff;
      const x = place * ZIGGURAT.width[layer];
      if (place < ZIGGURAT.inside[layer]) return x;
      if (layer === 0) return ZIGGURAT_END - Math.log1p(-this.random());
      const { height } = ZIGGURAT;
      if ((height[layer - 1] - height[layer]) * this.random() + height[layer] < Math.exp(-x)) return x;
    }
  }

  /** How many of `sample` things drawn from `good` and `bad` ones are good. */
  hypergeometric(good, bad, sample) {
    if (sample >= 10 && sample <= good + bad - 10) return this.#ratioOfUniforms(good, bad, sample);
    return sample > 0 ? this.#oneByOne(good, bad, sample) : 0;
  }

  #oneByOne(good, bad, sample) {
    let all = good + bad;
    const rest = sample > Math.floor(all / 2);
    let left = rest ? all - sample : sample;
    let remaining = good;
    while (left > 0 && remaining > 0 && all > remaining) {
      all--;
      if (this.#masked(all) < remaining) remaining--;
      left--;
    }
    if (all === remaining) remaining -= left;
    return rest ? remaining : good - remaining;
  }

  /** Algorithm HRUA of Stadlober (1989). */
  #ratioOfUniforms(good, bad, sample) {
    const all = good + bad;
    const drawn = Math.min(sample, all - sample);
    const few = Math.min(good, bad);
    const many = Math.max(good, bad);
    const p = few / all;
    const q = many / all;
    const middle = drawn * p + 0.5;
    const spread = Math.sqrt(((all - drawn) * drawn * p * q) / (all - 1) + 0.5);
    const width = 1.7155277699214135 * spread + 0.8989161620588988;
    const top = Math.floor(((drawn + 1) * (few + 1)) / (all + 2));
    const log = (k) =>
      logFactorial(k) + logFactorial(few - k) + logFactorial(drawn - k) + logFactorial(many - drawn + k);
    const peak = log(top);
    const end = Math.min(Math.min(drawn, few) + 1, Math.floor(middle + 16 * spread));
    let k;
    for (;;) {
      const u = this.random();
      const v = this.random();
      const x = middle + (width * (v - 0.5)) / u;
      if (x < 0 || x >= end) continue;
      k = Math.floor(x);
      const gain = peak - log(k);
      if (u * (4 - u) - 3 <= gain) break;
      if (u * (u - gain) >= 1) continue;
      if (2 * Math.log(u) <= gain) break;
    }
    if (good > bad) k = drawn - k;
    return drawn < sample ? good - k : k;
  }
}

const logs = [0];

/** log k!, of whole numbers. */
function logFactorial(k) {
  while (logs.length <= k) logs.push(logs[logs.length - 1] + Math.log(logs.length));
  return logs[k];
}

const ZIGGURAT_END = 7.69711747013104972;
const ZIGGURAT = layers();

/** Of layers of equal area under exp(-x): their widths, how far they are inside, and their heights. */
function layers() {
  const area = 0.0039496598225815571993;
  const scale = 2 ** 53;
  const [inside, width, height] = [new Array(256), new Array(256), new Array(256)];
  let x = ZIGGURAT_END;
  const base = area / Math.exp(-x);
  [inside[0], inside[1]] = [Math.floor((x / base) * scale), 0];
  [width[0], width[255]] = [base / scale, x / scale];
  [height[0], height[255]] = [1, Math.exp(-x)];
  for (let i = 254; i >= 1; i--) {
    const next = -Math.log(area / x + Math.exp(-x));
    inside[i + 1] = Math.floor((next / x) * scale);
    width[i] = next / scale;
    height[i] = Math.exp(-next);
    x = next;
  }
  return { inside, width, height };
}
