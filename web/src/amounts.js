// Numbers as people write them, with decimal commas, separators of thousands, currencies or per cent, and numbers of
// more digits than float64 holds: runtime/infonet/inputs/numbers.py.

import { InputError, parseNumber } from "./csv_rows.js";

const EXACT = 2 ** 53;
const DIGITS = 15; // decimal digits that float64 always tells apart
const DIGITS_OUT = 17; // digits that a float is ever written with, unless zeros are added
const WHOLE = /^[+-]?\d{16,400}$/;
const REAL = /^([+-]?)(?:(\d{1,400})(?:\.(\d{0,400}))?|\.(\d{1,400}))$/;

/**
 * `floats`, which the texts `cells` spell; where float64 loses digits, positions in their order, which is all that
 * mutual information depends on.
 */
export function longNumbers(cells, floats) {
  if (cells.every((cell) => cell.length <= DIGITS)) return floats;
  const texts = cells.map((cell) => cell.trim());
  const inexact = texts.some((text, i) => {
    return (
      Math.abs(floats[i]) >= EXACT &&
      Number.isFinite(floats[i]) &&
      WHOLE.test(text) &&
      BigInt(text.replace("+", "")) !== BigInt(floats[i])
    );
  });
  if (!inexact) {
    const longest = texts.map((_, i) => i).filter((i) => cells[i].length > DIGITS_OUT);
    const different = new Set(longest.map((i) => texts[i]));
    if (different.size <= new Set(longest.map((i) => floats[i])).size) return floats;
    const real = [...different].filter((text) => REAL.test(text));
    const places = scale(real);
    const exact = new Set(real.map((text) => exactly(text, places)));
    if (exact.size <= new Set(real.map(Number)).size) return floats;
  }
  const finite = texts.filter((_, i) => Number.isFinite(floats[i]));
  if (!finite.every((text) => REAL.test(text))) {
    throw new InputError("numbers of more digits than float64 holds beside exponents: needs the package");
  }
  const places = scale(finite);
  const values = texts.map((text, i) => (Number.isFinite(floats[i]) ? exactly(text, places) : floats[i]));
  return inOrder(values);
}

/** Decimal places that all texts fit. */
function scale(texts) {
  return texts.reduce((most, text) => Math.max(most, (REAL.exec(text)[3] ?? REAL.exec(text)[4] ?? "").length), 0);
}

/** The number that a text spells, times 10^places, exactly. */
function exactly(text, places) {
  const [, sign, whole, decimals, only] = REAL.exec(text);
  const value = BigInt((whole ?? "") + (decimals ?? only ?? "").padEnd(places, "0"));
  return sign === "-" ? -value : value;
}

/** Whole numbers (BigInt; what is not finite stays) as float64: themselves, or their positions in their order. */
export function inOrder(values) {
  const whole = values.filter((value) => typeof value === "bigint");
  const small = whole.every((value) => -9007199254740992n <= value && value <= 9007199254740992n);
  if (small) return Float64Array.from(values, Number);
  const sorted = [...new Set(whole)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const place = new Map(sorted.map((value, i) => [value, i]));
  return Float64Array.from(values, (value) => (typeof value === "bigint" ? place.get(value) : value));
}

const B = " \\u00a0\\u2009\\u202f"; // blanks; the last three are kept together with what they separate
const SIGNS = "US\\$|A\\$|C\\$|R\\$|HK\\$|NZ\\$|S\\$|[$€£¥₹₩₽₺₴₫₪₱₦฿¢]|zł|Kč|kr\\.?|Fr\\.?|Rp|%|‰";
const CODES = "USD|EUR|GBP|JPY|CNY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR|KRW|BRL|MXN|ZAR|RUB|TRY";
const UNIT = `(?:${SIGNS}|${CODES})`;
const LETTERS = "a-zA-Z\\u00b0\\u00b5\\u03bc";
const REST = `[${LETTERS}\\u00b2\\u00b3/^]`; // kg, km/h, m2; one letter only after a blank: 12a may be a name
const WORD = `(?:(?<=[${B}])[${LETTERS}]|[${LETTERS}]${REST})${REST}{0,10}\\d?`;
const AMOUNT = new RegExp(
  `^(?<open>\\()?(?<sign>[-+\\u2212])?[${B}]*(?<before>${UNIT})?[${B}]*(?<sign2>[-+\\u2212])?` +
    `(?<core>[\\d.,][\\d.,'\\u2019${B}]*(?:[eE][+-]?\\d{1,3})?)(?<after>${UNIT}|${WORD})?(?<close>\\))?$`,
);
// By the decimal mark: a number without groups, or with groups of three digits.
const marked = (d, g) =>
  new RegExp(
    `^(?:\\d+(?:${d}\\d*)?(?:[eE][+-]?\\d+)?|${d}\\d+(?:[eE][+-]?\\d+)?` +
      `|[1-9]\\d{0,2}(?:(?<group>${g}|['\\u2019]|[${B}])\\d{3})(?:\\k<group>\\d{3})*(?:${d}\\d*)?)$`,
  );
const MARKS = { ".": marked("\\.", ","), ",": marked(",", "\\.") };
const EITHER = /^[1-9]\d{0,2}[.,]\d{3}$/; // 1.234 and 1,234
const DOLLARS = ["$", "US$", "£", "USD", "GBP"]; // of countries that put a point before decimals

/** Texts that all are numbers of one unit, with one decimal mark; null if they are something else. */
export class Amounts {
  static of(texts) {
    const cores = [];
    let unit = null;
    for (const text of texts) {
      const found = AMOUNT.exec(text)?.groups;
      if (!found || (found.before && found.after) || (found.open === undefined) !== (found.close === undefined))
        return null;
      const signs = [found.sign, found.sign2, found.open].filter(Boolean);
      const own = found.before ?? found.after ?? "";
      if (signs.length > 1 || (unit !== null && own !== unit)) return null;
      unit = own;
      const core = found.core.replace(new RegExp(`[${B}]+$`), "");
      cores.push([core, signs.length && signs[0] !== "+" ? "-" : ""]);
    }
    const amounts = new Amounts();
    Object.assign(amounts, { unit, parts: {}, grouped: {}, either: false, noMark: false, proof: false, example: "" });
    for (const mark of [".", ","]) amounts.#read(mark, cores);
    if (!Object.keys(amounts.parts).length) return null;
    for (const [core] of cores) {
      if (!/[.,]/.test(core)) amounts.noMark = true;
      else if (EITHER.test(core)) {
        amounts.either = true;
        amounts.example ||= core;
      } else amounts.proof = true;
    }
    return amounts;
  }

  #read(mark, cores) {
    const texts = [];
    for (const [core, sign] of cores) {
      const found = MARKS[mark].exec(core);
      if (!found) return;
      let plain = core;
      if (found.groups.group) {
        this.grouped[mark] = true;
        plain = core.replace(new RegExp(`['\\u2019${B}]`, "g"), "").replaceAll(mark === "." ? "," : ".", "");
      }
      texts.push(sign + plain.replace(mark, "."));
    }
    this.parts[mark] = texts;
  }

  /** The mark that is proven to stand before decimals: "." or ","; "" if neither is. */
  get decimal() {
    const read = Object.keys(this.parts);
    return this.proof && read.length === 1 ? read[0] : "";
  }

  /**
   * Numbers, by the decimal mark of the file ("" where nothing tells), and remarks: {values, remarks}.
   * @throws {InputError} a mark that may separate decimals or thousands
   */
  finish(decimal) {
    const mark = this.#mark(decimal);
    const texts = this.parts[mark];
    const values = longNumbers(texts, Float64Array.from(texts, parseNumber));
    const remarks = [];
    const onlyGroups = this.grouped[mark] && values.every(Number.isInteger);
    if (mark === "," && (this.either || this.proof) && !onlyGroups) remarks.push(["comma", ""]);
    if (this.grouped[mark]) remarks.push(["thousands", ""]);
    if (this.unit) remarks.push(["unit", this.unit]);
    return { values, remarks };
  }

  #mark(decimal) {
    const read = Object.keys(this.parts);
    if (read.length === 1) return read[0];
    if (!this.either) return "."; // whole numbers
    if (decimal) return decimal;
    if (DOLLARS.includes(this.unit)) return ".";
    if (this.noMark || this.unit) {
      const name = this.example.includes(",") ? "commas" : "dots";
      throw new InputError(
        `numbers with ${name} that may be decimal ${name} or separators of thousands, such as “${this.example}”`,
      );
    }
    return this.example.includes(",") ? "," : "."; // among its like the order is the same
  }
}
