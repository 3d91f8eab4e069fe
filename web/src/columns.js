// Columns of a CSV file as numbers, NaN where missing: runtime/infonet/inputs/csv.py, convert.py and meanings.py.
//
// A column is numbers; or true and false; or numbers as people write them; or dates and times; or categories, which
// become codes, the most frequent as 0. Free text is left out and said so.

import { Amounts, longNumbers } from "./amounts.js";
import { InputError, isMissing, parseCsv, parseNumber } from "./csv_rows.js";
import { times } from "./times.js";

const MOST_LEVELS = 65_536; // more categories than these are text, whatever the number of rows
const FEW_LEVELS = 20; // so many may be numbers and words mixed
const LOOKED_AT = 200; // rows of all columns, for the decimal mark of the file
const SHOWN = 3; // marks in a remark
// Among numbers and times these are no values; among other text they may be.
const MARKS = new Set(
  (
    "? - -- --- \u2013 \u2014 . .. ... \u2026 * n.a. n.a (null) #na #null! #value! #div/0! #ref! #name? #num! " +
    "1.#qnan -1.#qnan 1.#ind -1.#ind"
  ).split(" "),
);
const DOTTED = /^[+-]?[1-9]\d{0,2}\.\d{3}$/; // 1.234 may be 1234
const AMOUNT = /^[+-]?[\d.,]*\d[\d.,]*$/;
const proof = (d) => new RegExp(`^[+-]?(?:(?:0|\\d{4,})?${d}\\d+|\\d+${d}(?:\\d{1,2}|\\d{4,}))$`);
const PROOFS = { ".": proof("\\."), ",": proof(",") };
// Kinds of remarks, in the order in which they are said.
const SENTENCES = {
  "left out": "left out",
  long: "numbers of more digits than float64 holds are taken by their order",
  comma: "decimal commas are read as decimal points",
  thousands: "separators of thousands are left out",
  dots: "dots are read as decimal points, though they may separate thousands",
  unit: "units beside numbers are left out",
  truth: "true and false are taken as 1 and 0",
  time: "dates and times are taken as numbers",
  missing: "texts that are no numbers or times are taken as missing",
  coded: "categories without an order are taken as codes, the most frequent as 0",
  mixed: "text among numbers makes them categories",
  mark: "a text that may say that a value is missing is taken as a category",
};

/**
 * The columns of a CSV file that can be used.
 * @param {string} text content of the file
 * @returns {{rows: number, columns: object[], notes: string[]}} of each column {name, values, nominal,
 *   levels, clock, ordinal}: float64 [rows], NaN where missing; whether they are codes of categories, and the names of
 *   these by code (else null); how times are read (else null); whether they are only in the order of the cells
 * @throws {InputError} no table, or fewer than two columns that can be used
 */
export function readTable(text) {
  const { names, rows, notes } = parseCsv(text);
  const cells = names.map((_, i) => rows.map((row) => row[i].trim()));
  const read = cells.map((column) => new TextColumn(column));
  const marks = decimalMarks(cells.map((column) => column.slice(0, LOOKED_AT)));
  for (const column of read) if (column.amounts?.decimal && !column.numbers) marks.add(column.amounts.decimal);
  const decimal = marks.size === 1 ? [...marks][0] : "";
  const [columns, remarks] = [[], []];
  names.forEach((name, i) => {
    try {
      const found = read[i].finish(decimal);
      remarks.push(...found.remarks.map((remark) => [name, ...remark]));
      const is = (...kinds) => found.remarks.some((remark) => kinds.includes(remark[0]));
      const { values, levels = null, clock = null } = found;
      columns.push({ name, values, nominal: is("coded"), levels, clock, ordinal: is("time", "long") && !clock });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      remarks.push([name, "left out", error.message]);
    }
  });
  if (columns.length < 2) {
    throw new InputError(
      `the file has ${columns.length} column(s) that can be used, two are needed` +
        remarks.map(([name, kind, detail]) => (kind === "left out" ? `; left out: ${name} (${detail})` : "")).join(""),
    );
  }
  return { rows: rows.length, columns, notes: [...notes, ...sentences(remarks)] };
}

/** One sentence for each kind of remark, naming the columns. */
function sentences(remarks) {
  return Object.entries(SENTENCES).flatMap(([kind, text]) => {
    const found = remarks.filter((remark) => remark[1] === kind);
    if (!found.length) return [];
    return [`${text}: ${found.map(([name, , detail]) => (detail ? `${name} (${detail})` : name)).join(", ")}`];
  });
}

/** Marks that are proven by a column of numbers to stand before decimals. */
function decimalMarks(columns) {
  const found = new Set();
  for (const cells of columns) {
    const proven = Object.keys(PROOFS).filter((mark) => cells.some((cell) => PROOFS[mark].test(cell)));
    if (proven.length && cells.every((cell) => AMOUNT.test(cell) || isMissing(cell))) {
      for (const mark of proven) found.add(mark);
    }
  }
  return found;
}

const isMark = (cell) => MARKS.has(cell.toLowerCase());

class TextColumn {
  constructor(cells) {
    this.cells = cells;
    const floats = cells.map(parseNumber);
    this.numbers = floats.includes(null) ? null : Float64Array.from(floats);
    const other = this.numbers ? null : cells.filter((cell) => !isMissing(cell) && !isMark(cell));
    this.present = other;
    this.amounts = other?.length ? Amounts.of(other) : null;
  }

  /** {values, remarks}, by the decimal mark of the file ("" where nothing tells). */
  finish(decimal) {
    if (this.cells.some((cell) => /[^\x00-\x7f]/.test(cell) && /(?![0-9])\p{Nd}/u.test(cell))) {
      throw new InputError("digits of another script: needs the package");
    }
    if (this.numbers) return this.#plain(decimal);
    if (this.present.length) {
      const found = this.#meaning(decimal);
      if (found) return this.#withGaps(found);
    }
    return this.#names();
  }

  #plain(decimal) {
    const example = this.#dotted();
    if (example && decimal === ",") {
      // dots of this file stand between thousands
      const present = this.cells.filter((cell) => !isMissing(cell));
      this.present = present;
      const amounts = Amounts.of(present);
      if (amounts) return this.#withGaps(amounts.finish(decimal));
    }
    const values = longNumbers(this.cells, this.numbers);
    const remarks = values === this.numbers ? [] : [["long", "as positions in their order"]];
    const undotted = this.cells.some((cell) => !cell.includes(".") && !isMissing(cell));
    if (example && undotted && !decimal) remarks.push(["dots", `such as ${example}`]);
    return { values, remarks };
  }

  /** A number whose dot may separate thousands, unless another one shows that it does not. */
  #dotted() {
    let example = "";
    for (const cell of this.cells) {
      if (cell.includes(".")) {
        if (!DOTTED.test(cell)) return "";
        example = cell;
      } else if (!isMissing(cell) && cell.replace(/^[+-]+/, "").length >= 4) return "";
    }
    return example;
  }

  /** What the texts mean beside names: numbers, truth values, amounts, times; null if nothing. */
  #meaning(decimal) {
    const texts = this.present;
    const floats = texts.map(parseNumber);
    const plain = !floats.includes(null);
    if (plain && !(this.amounts && decimal === ",")) {
      const values = Float64Array.from(floats);
      const exact = longNumbers(texts, values);
      return { values: exact, remarks: exact === values ? [] : [["long", "as positions in their order"]] };
    }
    if (texts.every((text) => /^(true|false)$/i.test(text))) {
      return {
        values: Float64Array.from(texts, (text) => (text.toLowerCase() === "true" ? 1 : 0)),
        remarks: [["truth", ""]],
      };
    }
    if (this.amounts) return this.amounts.finish(decimal);
    const found = times(texts);
    return found && { ...found, remarks: [["time", ""]] };
  }

  /** Values of the cells that are present in the places of all, with a remark on texts that are taken as missing. */
  #withGaps({ values, remarks, clock = null }) {
    const marks = new Map();
    let next = 0;
    const all = Float64Array.from(this.cells, (cell) => {
      if (!isMissing(cell) && !isMark(cell)) return values[next++];
      if (isMark(cell)) marks.set(cell, (marks.get(cell) ?? 0) + 1);
      return NaN;
    });
    if (!marks.size) return { values: all, remarks, clock };
    const shown = [...marks].sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
    const text =
      shown.map(([mark, count]) => `“${mark}” in ${count} rows`).join(", ") + (marks.size > SHOWN ? ", …" : "");
    return { values: all, remarks: [...remarks, ["missing", text]], clock };
  }

  /** Codes of names that mean nothing else and have no order. */
  #names() {
    const counts = new Map();
    for (const cell of this.cells) if (!isMissing(cell)) counts.set(cell, (counts.get(cell) ?? 0) + 1);
    const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const names = [...counts.keys()];
    const words = names.filter((name) => parseNumber(name) === null && !isMark(name));
    const mixed = words.length && words.length < names.length / 2 ? words[0] : "";
    if (mixed && names.length > FEW_LEVELS && names.length <= MOST_LEVELS) {
      throw new InputError(`numbers mixed with text such as “${mixed.slice(0, 40)}”`);
    }
    if (names.length > Math.max(2, Math.min(rows / 2, MOST_LEVELS))) {
      throw new InputError(`text with ${names.length} different values in ${rows} rows`);
    }
    names.sort((a, b) => counts.get(b) - counts.get(a) || byCodePoints(a, b));
    const codes = new Map(names.map((name, i) => [name, i]));
    const remarks = [["coded", `${names.length} categories`]];
    if (mixed) remarks.push(["mixed", `such as “${mixed.slice(0, 40)}”`]);
    const mark = names.find(isMark);
    if (mark !== undefined) remarks.push(["mark", `“${mark}”`]);
    return { values: Float64Array.from(this.cells, (cell) => codes.get(cell) ?? NaN), levels: names, remarks };
  }
}

/** The order of Python's texts, which JavaScript's differs from beyond 16 bits. */
function byCodePoints(a, b) {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i].codePointAt(0) - right[i].codePointAt(0);
  }
  return left.length - right.length;
}
