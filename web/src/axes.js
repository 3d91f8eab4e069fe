// The axes of the picture of a pair: where samples lie, which cells there are and what they are called.

import { Cells, Levels } from "./levels.js";

const MOST_LEVELS = 30; // that are shown as they are
const BINS = 16; // of a number, where cells are counted
const SHARE = 0.5; // of a sample, in cells that are counted
const QUARTERS = [0, 0.25, 0.5, 0.75, 1];

/**
 * {name, places, edges, counted, ticks}: places of the samples in 0 to 1, ties spread; edges of the cells; whether
 * these are the levels; [place, text] of the levels, or of some values.
 * @param {RankedVariable} v the variable, of the rows that are used
 * @param {Float32Array} places its ranks, ties broken
 * @param {object} column that it comes from, with the values of these rows; see `readTable`
 * @param {number|null} cells that divide the axis evenly; null for those that are counted
 */
export function axisOf(v, places, column, cells) {
  const values = column.values.slice().sort();
  const { name } = column;
  const shown = v.tied && v.levels.number <= MOST_LEVELS;
  const even = (count) => Float64Array.from({ length: count + 1 }, (_, k) => k / count);
  const ends = shown ? Float64Array.of(0, ...runningSum(v.levels.counts).map((sum) => sum / v.n)) : null;
  const distinct = shown ? [...new Set(values)] : null;
  const ticks = [];
  if (column.ordinal) {
    // its values have no names
  } else if (distinct?.length === v.levels.number) {
    distinct.forEach((value, k) => ticks.push([(ends[k] + ends[k + 1]) / 2, textOf(value, column)]));
  } else if (!column.levels) {
    for (const share of QUARTERS) {
      const text = textOf(values[Math.round(share * (values.length - 1))], column);
      if (text !== ticks.at(-1)?.[1]) ticks.push([share, text]);
    }
  }
  return { name, places, edges: cells ? even(cells) : (ends ?? even(BINS)), counted: !cells && shown, ticks };
}

function textOf(value, { levels, clock }) {
  if (levels) return levels[value];
  if (clock) return clockText(value, clock);
  const digits = Math.floor(Math.log10(Math.abs(value) || 1)) + 1; // before the decimal point
  return String(Number(value.toPrecision(Math.min(Math.max(digits, 3), 15))));
}

/** A moment as a date and, where it has one, the time of the day; a span as hours and minutes. */
function clockText(ticks, { perSecond, isMoment }) {
  const seconds = ticks / perSecond;
  if (!isMoment)
    return `${Math.trunc(seconds / 3600)}:${String(Math.abs(Math.trunc(seconds / 60)) % 60).padStart(2, "0")}`;
  const text = new Date(seconds * 1000).toISOString().replace("T", " ");
  return seconds % 86_400 ? text.slice(0, -8) : text.slice(0, -14);
}

function runningSum(counts) {
  let sum = 0;
  return Array.from(counts, (count) => (sum += count));
}

/** Log ratio of the samples in each cell to those expected under independence, each with half a sample more: a cell
 * without samples where few are expected says little. */
export function countedRatio(x, y, axes) {
  const [u, v] = [x, y].map((variable, k) => {
    if (axes[k].counted) return variable.levels;
    return Levels.ofCodes(axes[k].places.map((place) => Math.min(Math.floor(place * BINS), BINS - 1)));
  });
  const width = axes[1].edges.length - 1;
  const counts = new Float32Array((axes[0].edges.length - 1) * width);
  const cells = new Cells(u, v);
  cells.counts.forEach((count, c) => (counts[cells.first[c] * width + cells.second[c]] = count));
  return counts.map((count, k) => {
    const expected = (u.counts[Math.floor(k / width)] * v.counts[k % width]) / x.n;
    return Math.log((count + SHARE) / (expected + SHARE));
  });
}
