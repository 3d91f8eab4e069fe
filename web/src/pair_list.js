// The list of pairs, strongest first, with intervals and p-values.

import { methodName } from "./methods.js";
import { adjusted } from "./results.js";
import { inUnit, shown, shownP } from "./units.js";

const $ = (id) => document.getElementById(id);
const AT_FIRST = 15; // pairs that are listed,
const MORE = 100; // and with each click

export class PairList {
  #names = [];
  #pairs = [];
  #length = AT_FIRST;
  #picked = null;
  #onPick;

  /** @param {(pair: object) => void} onPick of the pair that is chosen */
  constructor(onPick) {
    this.#onPick = onPick;
    $("find").addEventListener("input", () => this.#draw());
    $("unit").addEventListener("change", () => this.#draw());
    $("more").addEventListener("click", () => {
      this.#length += MORE;
      this.#draw();
    });
  }

  open(names) {
    this.#names = names;
    this.#pairs = [];
    this.#length = AT_FIRST;
    this.#picked = null;
    $("find").value = "";
    this.#draw();
  }

  /** Show these pairs; at the end of work the strongest one is chosen if none was. */
  update(pairs, isEnd) {
    const p = adjusted(pairs.map((pair) => pair.p));
    this.#pairs = pairs.map((pair, k) => ({ ...pair, adjusted: isEnd ? p[k] : null }));
    this.#pairs.sort((a, b) => (b.mi ?? -1) - (a.mi ?? -1) || a.i - b.i || a.j - b.j);
    if (isEnd && !this.#picked && this.#pairs.length) this.#choose(this.#pairs[0]);
    this.#draw();
  }

  /** Choose the pair of columns i and j. */
  pick(i, j) {
    const found = this.#pairs.find((pair) => (pair.i === i && pair.j === j) || (pair.i === j && pair.j === i));
    if (found) this.#choose(found);
    this.#draw();
  }

  #choose(pair) {
    this.#picked = pair;
    this.#onPick(pair);
  }

  #draw() {
    const unit = $("unit").value;
    const part = $("find").value.trim().toLowerCase();
    const title = (pair) => `${this.#names[pair.i]} – ${this.#names[pair.j]}`;
    const found = this.#pairs.filter((pair) => title(pair).toLowerCase().includes(part));
    const top = found.reduce((most, pair) => Math.max(most, inUnit(pair.high, unit) ?? 0), 1e-3);
    $("mi-head").textContent = unit === "normalised" ? "MI (0 to 1)" : `MI (${unit})`;
    const rows = found.slice(0, this.#length).map((pair) => this.#row(pair, title(pair), unit, top));
    $("pairs").tBodies[0].replaceChildren(...rows);
    $("more").hidden = found.length <= this.#length;
    $("more").textContent = `Show more of ${found.length.toLocaleString("en")} pairs`;
  }

  #row(pair, title, unit, top) {
    const row = document.createElement("tr");
    row.setAttribute("aria-selected", this.#picked?.i === pair.i && this.#picked?.j === pair.j);
    row.addEventListener("click", () => this.pick(pair.i, pair.j));
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: title, title });
    cell(row, "").append(button);
    const mi = inUnit(pair.mi, unit);
    cell(row, mi === null ? "–" : shown(mi), "number");
    const interval = cell(row, "");
    if (mi !== null) interval.append(bar(inUnit(pair.low, unit), mi, inUnit(pair.high, unit), top));
    cell(row, shownP(pair.p, pair.bound), "number");
    cell(row, shownP(pair.adjusted), "number");
    cell(row, pair.n.toLocaleString("en"), "number");
    cell(row, pair.needs ? `needs the package: ${pair.needs}` : mi === null ? pair.notes[0] : methodName(pair.method));
    return row;
  }
}

function cell(row, text, kind = "") {
  return Object.assign(row.appendChild(document.createElement("td")), { textContent: text, className: kind });
}

/** An interval as a bar, with its ends as numbers. */
function bar(low, mi, high, top) {
  const frame = document.createElement("span");
  frame.className = "interval";
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 120 14");
  picture.setAttribute("aria-hidden", "true");
  const part = (kind, x, width, y, height) => {
    const box = picture.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    for (const [name, value] of Object.entries({ class: kind, x, width, y, height })) box.setAttribute(name, value);
  };
  const at = (value) => (118 * value) / top;
  part("track", 0, 120, 5, 4);
  part("reach", at(low), Math.max(at(high) - at(low), 1), 3, 8);
  part("middle", at(mi), 2, 1, 12);
  frame.append(picture, `${shown(low)} to ${shown(high)}`);
  return frame;
}
