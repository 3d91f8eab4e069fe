// How a pair with a tied variable is estimated: the rules of runtime/infonet/pairs/discrete.py, in the order in which
// they are asked (a table of them stands there). `ask(x, y)` is the network's answer for ranks without ties, a promise.
// What is found is {mi, low, high, method, unsure, statistic}: nats, how it was made, whether there are too few samples
// for the number of levels, and the network's test statistic, ties broken, if it was asked (else NaN).

import { besideCommonAtom, ofFlags } from "./atoms.js";
import { dense, Z95 } from "./counted.js";
import { mostLevels, neighbours, numberAndLabel } from "./labels.js";
import { Cells, Levels } from "./levels.js";
import { sparse } from "./shared.js";
import { LEAST, determined, isDiscrete, mayBeCodes, repeatedLevels, repeats, untiedPair } from "./structure.js";

const PER_CELL = 4; // samples for each cell that occurs, on average, from which cells are counted
const CERTAIN = 20; // and from which counts are right whatever the order of the levels
const STEPS = 12; // levels of a number at most that are counted as they are
const FEW = 30; // labels at most that categories share
const PER_LEVEL = 2; // samples for each level, on average, that have neighbours of their own
const PLENTY = 25; // from which it can be told whether the order of the levels means something
const COARSE = 16; // levels of steps that the network sees,
const STRONG = 0.3; // and nats from which it matters
const THIN = 10; // samples in thin levels at least that count
const ALONE = 0.2; // of the cells that occur, those of a single sample at most, to be counted
const FREQUENT = 0.8; // share of one value from which it is set apart from the others,
const OFTEN = 0.3; // beside a label, for which bins of all ranks would leave few to the others,
const SOME = 0.1; // and beside categories, of which few samples lie among those of the value by chance
const TIMES = 5; // samples of it for each of any other value at least, if it makes less than FREQUENT
const SCATTERED = 0.5; // of which at least so many differ from each other, of all
const TERMS = 1.6; // times the errors of terms are added up, of which several may be below by chance
const BINS = 16; // of a number, in which samples of a code agree or not
const FAR = 0.01; // nats by which one estimate must at least exceed another one to take its place

const found = ({ mi, low, high }, method) => ({ mi, low, high, method, unsure: false, statistic: NaN });

/** Estimate a pair; exchanging the variables changes nothing but the order of ties. */
export async function estimate(x, y, ask) {
  if (x.constant || y.constant) return found({ mi: 0, low: 0, high: 0 }, "constant");
  if (!(x.tied || y.tied)) return ask(x.ranks, y.ranks);
  return bounded(await choose(x, y, ask), x, y);
}

async function choose(x, y, ask) {
  const cells = x.tied && y.tied ? new Cells(x.levels, y.levels) : null;
  const whole = determined(x, y, cells);
  if (whole !== null) return { ...found(whole, "counted"), unsure: whole.copies };
  const counted = cells && ofCounts(cells);
  if (counted) return counted;
  const label = labelOf(x, y);
  const parts = await inParts(x, y, ask, label ? OFTEN : FREQUENT);
  if (parts) return parts;
  if (label) return withLabel(label, label === x ? y : x, cells);
  if (x.nominal || y.nominal) return categories(x, y, cells);
  const answer = eitherAsCodes({ ...(await ask(...untiedPair(x, y))), method: "untied" }, x, y);
  return cells ? asLattice(answer, x, y, cells) : answer;
}

/** Cells that hold samples enough to be counted. */
function ofCounts(cells) {
  if (!countable(cells)) return null;
  const [few, many] = [cells.x.number, cells.y.number].sort((a, b) => a - b);
  const nominal = cells.x.nominal || cells.y.nominal;
  const isThin = (nominal || few === 2) && thin(cells) >= THIN; // others do better than counts there
  const certain = cells.x.n >= CERTAIN * cells.number && !isThin;
  if (many <= STEPS || certain) return found(dense(cells), "counted");
  // Numbers of many values have an order that the network knows, and bins of a label.
  const jagged = nominal || (cells.isJagged() && cells.turned().isJagged());
  return jagged ? sharedBesideCounts(cells) : null;
}

/**
 * Cells that are shared by categories, or their counts where these say clearly more: the shares of a level may be of no
 * kind that `sparse` knows. The interval goes down to that of the counts, and up to what they say.
 */
function sharedBesideCounts(cells) {
  const counted = found(dense(cells), "counted");
  const answer = more(found(sparse(cells), "shared"), counted);
  return { ...answer, low: Math.min(answer.low, counted.low), high: Math.max(answer.high, counted.mi) };
}

/** Whether cells hold samples enough: many that are alone say that more were not seen. */
function countable(cells) {
  const { n } = cells.x;
  const [few, many] = [cells.x.number, cells.y.number].sort((a, b) => a - b);
  if (n >= PER_CELL * cells.number && cells.alone <= ALONE * cells.number) return true;
  const full = n >= PER_CELL * few * many && many <= STEPS;
  return full && repeatedLevels(cells.x) && repeatedLevels(cells.y);
}

/**
 * Samples of levels that have few samples for each of their cells, as a rare label among many categories: of these cells
 * more were not seen, however many samples others hold.
 */
function thin(cells) {
  const samples = [
    [cells.x.counts, cells.first],
    [cells.y.counts, cells.second],
  ].map(([counts, ofLevel]) => {
    const occur = new Float64Array(counts.length);
    for (const level of ofLevel) occur[level] += 1;
    return counts.reduce((sum, count, level) => sum + (count < PER_CELL * occur[level] ? count : 0), 0);
  });
  return Math.max(...samples);
}

/** The label of a pair: the variable of few levels, for the number of samples. */
function labelOf(x, y) {
  const most = mostLevels(x.n);
  const labels = [];
  for (const [v, other] of [
    [x, y],
    [y, x],
  ]) {
    if (!v.tied || v.levels.number > most || other.nominal) continue;
    if (v.levels.number === 2 || repeats(v)) labels.push(v); // few amounts of rain, each of its own, are no levels
  }
  // the same one of two labels, whichever comes first
  const order = (a, b) =>
    a.levels.number - b.levels.number ||
    a.entropy[0] - b.entropy[0] ||
    (a.fingerprint < b.fingerprint ? -1 : Number(a.fingerprint > b.fingerprint));
  return labels.sort(order)[0] ?? null;
}

/** A label, and anything else that has an order; or a code that has none, after all. */
function withLabel(label, number, cells) {
  const answer = found(numberAndLabel(number.ranks, number.untied, label.levels), "label");
  if (!cells || number.levels.number <= STEPS || !mayBeCodes(number)) return answer;
  return from(number, cells).isJagged() ? more(answer, found(sparse(cells), "shared")) : answer;
}

/** The cells with the levels of `v` first. */
function from(v, cells) {
  return v.levels === cells.x ? cells : cells.turned();
}

/** Two numbers with ties, as codes that have no order, where that finds more. */
function asLattice(answer, x, y, cells) {
  if (!(repeats(x) && repeats(y)) || Math.min(cells.x.number, cells.y.number) <= COARSE) return answer;
  if (!(cells.isJagged() && cells.turned().isJagged())) return answer;
  const codes = found(sparse(cells), "shared");
  if (mayBeCodes(x) && mayBeCodes(y)) answer = more(answer, { ...codes, unsure: 2 * cells.alone > x.n });
  const unsure = answer.unsure || answer.method === "untied";
  return { ...answer, high: Math.max(answer.high, codes.high), unsure };
}

/** Another estimate where it is clearly larger. */
function more(answer, other) {
  const larger = other.low > answer.mi && other.mi > answer.mi + FAR;
  return larger ? { ...other, statistic: answer.statistic } : answer;
}

/** What either variable tells if its order means nothing; the same for them exchanged. */
function eitherAsCodes(answer, x, y) {
  const told = [
    [x, y],
    [y, x],
  ]
    .filter(([codes]) => codes.tied && repeats(codes) && x.n >= PER_LEVEL * codes.levels.number)
    .map(([codes, number]) => asCodes(answer, codes, number))
    .filter((one) => one !== null);
  const inItsPlace = told.filter((one) => one.replaces).map((one) => one.other);
  inItsPlace.sort((a, b) => b.mi - a.mi || a.low - b.low);
  const chosen = inItsPlace[0] ?? answer;
  return { ...chosen, high: Math.max(chosen.high, ...told.map((one) => one.other.high)) };
}

/**
 * What a tied variable tells if its order means nothing, and whether that is the estimate; or else it may be the truth,
 * as the interval is to say. null where neither.
 */
function asCodes(answer, codes, number) {
  const levels = codes.levels.number;
  const { n } = codes;
  const coarse = levels <= COARSE && n >= 4 * PER_LEVEL * levels;
  const few = n < PLENTY * levels; // too few to tell whether the order means something
  let replaces = coarse && answer.mi > STRONG;
  if (!coarse && mayBeCodes(codes)) {
    const bins = Levels.ofCodes(Int32Array.from(number.untied, (rank) => Math.floor(Math.fround(rank * BINS))));
    replaces = new Cells(codes.levels, bins).isJagged();
  }
  if (!(replaces || few)) return null;
  const other = byNeighbours(codes.levels, number);
  // Steps so coarse look weaker to the network than they are, never stronger.
  const far = other.mi - answer.mi > FAR || (!coarse && answer.mi - other.mi > FAR);
  replaces = replaces && far;
  return replaces || few ? { other: { ...other, statistic: answer.statistic }, replaces } : null;
}

/** Categories without an order, and a number, or few labels, or other categories. */
function categories(x, y, cells) {
  const [named, number] = x.nominal ? [x, y] : [y, x];
  const steps = number.nominal || (number.tied && number.levels.number <= FEW);
  if (cells && steps && isDiscrete(number)) {
    return { ...found(sparse(cells), "shared"), unsure: 2 * cells.alone > x.n };
  }
  const answer = byNeighbours(named.levels, number);
  if (cells && isDiscrete(number)) {
    const codes = found(sparse(cells), "shared"); // a code that has no order, perhaps
    if (!mayBeCodes(number)) return { ...answer, high: Math.max(answer.high, codes.high), unsure: true };
    if (from(number, cells).isJagged()) return codes;
  }
  // anything up to the entropy may be
  if (2 * named.levels.alone > x.n) return { ...answer, low: 0, high: named.entropy[0], unsure: true };
  return answer;
}

/**
 * Categories, by the nearest neighbours of their samples in a number. Samples of a value that is frequent have no order,
 * so it is set apart, by the chain rule: whether a sample has it, and what the others tell.
 */
function byNeighbours(named, number) {
  const flags = rest(number, SOME);
  const rows = flags ? rowsOf(flags) : [];
  if (rows.length < LEAST) return found(neighbours(number.untied, named), "neighbours");
  const whether = new Cells(named, Levels.ofCodes(flags));
  const first = ofCounts(whether) ?? found(sparse(whether), "shared");
  const others = found(neighbours(number.take(rows).untied, named.take(rows)), "neighbours");
  return sum(number.n, [
    [number.n, first],
    [rows.length, others],
  ]);
}

/** The places of flags. */
function rowsOf(flags) {
  const rows = [];
  flags.forEach((flag, i) => flag && rows.push(i));
  return rows;
}

/**
 * By the chain rule, where a share of a number at least is one value: rain is 0 or an amount. With L the variable that says
 * whether X has its frequent value, and M that of Y,
 * I(X; Y) = I(L; M) + I(L; Y | M) + I(X; M | L) + I(X; Y | L, M).
 */
async function inParts(x, y, ask, share) {
  let [restX, restY] = [rest(x, share), rest(y, share)];
  if (!restX && !restY) [restX, restY] = besideCommonAtom(x, y);
  if (!restX && !restY) return null;
  if (!restX || !restY) {
    const [kept, mixed, other] = restX ? [restX, x, y] : [restY, y, x];
    const whether = ofFlags(kept, mixed);
    return sum(x.n, [[x.n, await estimate(whether, other, ask)], await within(kept, x, y, ask)]);
  }
  const [first, second] = [ofFlags(restX, x), ofFlags(restY, y)];
  const both = Uint8Array.from(restX, (kept, i) => kept & restY[i]);
  return sum(x.n, [
    [x.n, await estimate(first, second, ask)],
    await within(restY, first, y, ask),
    await within(restX, x, second, ask),
    await within(both, x, y, ask),
  ]);
}

/** Flags of the samples without the value that such a share has, if there is one and the others are a number. */
function rest(v, share) {
  if (!v.tied || v.nominal || v.constant) return null;
  const { levels } = v;
  const { frequent, most, counts } = levels;
  const second = counts.reduce((largest, count, level) => (level === frequent ? largest : Math.max(largest, count)), 0);
  const often = most >= share * v.n && (most >= FREQUENT * v.n || most >= TIMES * second);
  if (!often || levels.number - 1 < Math.max(2, Math.min(STEPS, SCATTERED * levels.minor))) return null;
  return Uint8Array.from(levels.codes, (code) => (code !== frequent ? 1 : 0));
}

/** How many samples are flagged, and the estimate for them. */
async function within(flags, x, y, ask) {
  const rows = rowsOf(flags);
  const count = rows.length;
  if (count < LEAST) {
    // nothing is known of these but that they hold log(count) at most
    return [count, { ...found({ mi: 0, low: 0, high: Math.log(Math.max(count, 1)) }, "network"), unsure: true }];
  }
  return [count, await estimate(x.take(rows), y.take(rows), ask)];
}

function sum(n, terms) {
  let [mi, above, below] = [0, 0, 0];
  for (const [count, term] of terms) {
    const share = count / n;
    mi += share * term.mi;
    above += (share * (term.high - term.mi)) ** 2; // errors of the terms are independent, for all that is known;
    below += share * (term.mi - term.low); // but those of terms that may be 0 are all upwards
  }
  // A term in doubt that is a small share of the samples leaves the whole as it is.
  const unsure = terms.some(([count, term]) => term.unsure && (count / n) * (term.high - term.low) > FAR);
  const ends = { mi, low: Math.max(0, mi - TERMS * below), high: mi + Math.sqrt(above) };
  return { ...found(ends, "parts"), unsure };
}

/** No more than the entropy of either variable, as far as that is known. */
function bounded(answer, x, y) {
  for (const v of [x, y]) {
    if (!v.tied) continue;
    const [entropy, error] = v.entropy;
    const mi = Math.min(answer.mi, entropy);
    const low = Math.min(answer.low, Math.max(0, entropy - Z95 * error), mi);
    answer = { ...answer, mi, low, high: Math.min(answer.high, entropy + Z95 * error) };
  }
  return answer;
}
