// Tables of log p(x, y) / (p(x) p(y)) with the margins that they are documented to have: runtime/infonet/pairs/pmi.py.
//
// The network knows them up to a function of x and one of y. Rows and columns of the exponential are scaled until their
// means are 1 (Sinkhorn & Knopp 1967), over where the values of a variable with ties lie.

const CLOSE = 2e-3; // change of a scale in a round at which it ends
const ROUNDS = 20;
const RANGE = 600; // nats below the largest value

/**
 * The table of a pair, [T * T], x along the first axis.
 * @param {Float32Array} table as the network gives it
 * @param {number} size T
 * @param {RankedVariable} x the first variable
 * @param {RankedVariable} y the second variable
 */
export function normalised(table, size, x, y) {
  const [mx, my] = [x, y].map((v) => (v.tied ? marginal(v.ranks, size) : null));
  const even = { weights: new Float64Array(size).fill(1 / size) };
  const [p, q] = [(mx ?? even).weights, (my ?? even).weights];
  const top = table.reduce((a, b) => Math.max(a, b), -Infinity);
  const cells = Float64Array.from(table, (value) => Math.exp(Math.max(value - top, -RANGE)));
  const along = (weights) => inverse(size, (i, j) => cells[i * size + j], weights);
  const across = (weights) => inverse(size, (i, j) => cells[j * size + i], weights);
  const times = (a, b) => a.map((value, i) => value * b[i]);
  let [f, g] = [new Float64Array(size).fill(1), new Float64Array(size).fill(1)];
  let [fBetween, gBetween] = [f, g];
  // Rows and columns are scaled at once: neither order would treat x and y alike.
  for (let round = 0; round < ROUNDS; round++) {
    [fBetween, gBetween] = [along(times(q, g)), across(times(p, f))];
    const [fNext, gNext] = [along(times(q, gBetween)), across(times(p, fBetween))];
    const moved = Math.max(change(f, fNext), change(g, gNext));
    [f, g] = [fNext, gNext];
    if (moved < CLOSE) break;
  }
  const [ofRows, ofColumns] = [
    f.map((value, i) => (Math.log(value) + Math.log(fBetween[i])) / 2),
    g.map((value, j) => (Math.log(value) + Math.log(gBetween[j])) / 2),
  ];
  const found = Float64Array.from(table, (value, k) => value + ofRows[Math.floor(k / size)] + ofColumns[k % size]);
  const even2 = centred(found, size, p, q);
  return Float32Array.from(mx || my ? read(even2, size, mx, my) : even2);
}

function inverse(size, cell, weights) {
  return Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += cell(i, j) * weights[j];
    return 1 / sum;
  });
}

function change(before, after) {
  return before.reduce((most, value, i) => Math.max(most, Math.abs(value / after[i] - 1)), 0);
}

/** Less the log of the mean of its exponential by the weights. */
function centred(table, size, p, q) {
  let top = -Infinity;
  table.forEach((value, k) => {
    if (p[Math.floor(k / size)] > 0 && q[k % size] > 0) top = Math.max(top, value);
  });
  let mean = 0;
  table.forEach((value, k) => {
    const weight = p[Math.floor(k / size)] * q[k % size];
    if (weight > 0) mean += weight * Math.exp(value - top);
  });
  return table.map((value) => value - top - Math.log(mean));
}

/**
 * Where the samples of a tied variable lie along an axis: the share of them at each of its values, and the place,
 * perhaps between two, that holds what is said of each.
 */
function marginal(ranks, size) {
  const places = Float64Array.from(ranks, (rank) => Math.min(Math.max((rank - 0.5 / size) * size, 0), size - 1));
  const weights = new Float64Array(size);
  for (const place of places) {
    const low = Math.min(Math.floor(place), size - 2);
    weights[low] += 1 - (place - low);
    weights[low + 1] += place - low;
  }
  const sorted = places.slice().sort();
  const n = places.length;
  const owners = Float64Array.from({ length: size }, (_, k) => sorted[Math.floor((k + 0.5) * (n / size))]);
  const source = owners.map((owner, k) => {
    // A level between two cells is both. One too rare to own a cell keeps the one that it lies in.
    const wide = owner === owners[k - 1] || owner === owners[k + 1];
    return weights[k] === 0 || (wide && Math.abs(owner - k) < 1) ? owner : k;
  });
  return { weights: weights.map((weight) => weight / n), source };
}

/** The table at places of its axes, bilinearly. */
function read(table, size, mx, my) {
  const places = [mx, my].map((m) => m?.source ?? Float64Array.from({ length: size }, (_, k) => k));
  return Float64Array.from({ length: size * size }, (_, k) => {
    const [a, b] = [places[0][Math.floor(k / size)], places[1][k % size]];
    const [i, j] = [Math.floor(a), Math.floor(b)];
    const [s, t] = [a - i, b - j];
    const at = (row, column) => table[Math.min(row, size - 1) * size + Math.min(column, size - 1)];
    const near = at(i, j) * (1 - s) * (1 - t) + at(i + 1, j + 1) * s * t;
    return near + at(i, j + 1) * (1 - s) * t + at(i + 1, j) * s * (1 - t);
  });
}
