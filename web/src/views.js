// The matrix and the picture of the chosen pair, with their controls.

import { css, scale } from "./colours.js";
import { HeatMap, shareOf } from "./heatmap.js";
import { methodName } from "./methods.js";
import { drawPicture } from "./picture.js";
import { clusterOrder } from "./results.js";
import { inUnit, shown, shownP, unitName } from "./units.js";

const $ = (id) => document.getElementById(id);
const CLUSTERED = 500; // columns at most

export class Views {
  #pool;
  #map;
  #names = [];
  #found = new Map();
  #isEnd = false;
  #clustered = null;
  #pair = null; // that is chosen
  #picture = null; // of it, once it is made

  /**
   * @param {Pool} pool makes pictures
   * @param {(i: number, j: number) => void} onPick of a cell of the matrix
   */
  constructor(pool, onPick) {
    this.#pool = pool;
    this.#map = new HeatMap($("matrix"), (i, j, event) => this.#hover(i, j, event), onPick);
    for (const id of ["order", "unit"]) $(id).addEventListener("change", () => this.#draw());
    $("samples").addEventListener("change", () => this.#drawPicture());
    addEventListener("resize", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  open(names) {
    this.#names = names;
    this.#found = new Map();
    this.#isEnd = false;
    this.#clustered = this.#pair = this.#picture = null;
    $("picture-title").textContent = "Pair";
    $("pair-line").textContent = "Choose a pair in the matrix or in the list.";
    $("picture-frame").hidden = true;
    $("picture-note").textContent = "";
    $("pair-notes").replaceChildren();
    $("hatched").hidden = true;
  }

  /** Show what was found; columns are clustered at the end of work. */
  update(found, isEnd) {
    this.#found = found;
    this.#isEnd = isEnd;
    this.#clustered = null;
    this.#draw();
  }

  /** Show a pair. */
  async show(pair) {
    this.#pair = pair;
    this.#picture = null;
    this.#draw();
    const [x, y] = [this.#names[pair.i], this.#names[pair.j]];
    $("picture-title").textContent = `${x} and ${y}`;
    $("picture-note").textContent = "";
    const notes = pair.needs ? [`this pair needs the package: ${pair.needs}`] : pair.notes;
    const items = notes.map((note) => Object.assign(document.createElement("li"), { textContent: `${note}.` }));
    $("pair-notes").replaceChildren(...items);
    try {
      const picture = await this.#pool.picture(pair.i, pair.j, pair.mi);
      if (this.#pair !== pair) return;
      this.#picture = picture;
    } catch (error) {
      if (this.#pair === pair) $("picture-note").textContent = `There is no picture: ${error.message}.`;
    }
    this.#drawPicture();
  }

  #cell(i, j) {
    const found = this.#found.get(Math.min(i, j) * this.#names.length + Math.max(i, j));
    if (!found) return null;
    const value = inUnit(found.mi, $("unit").value);
    return { value, text: value === null ? "" : shown(value), found };
  }

  #order() {
    const d = this.#names.length;
    if ($("order").value === "given" || !this.#isEnd || d > CLUSTERED) return this.#names.map((_, i) => i);
    this.#clustered ??= clusterOrder(d, (i, j) => this.#cell(i, j)?.found.mi ?? 0);
    return this.#clustered;
  }

  #draw() {
    if (!this.#names.length) return;
    const unit = $("unit").value;
    let [top, hatched] = [1e-3, false];
    for (const { mi } of this.#found.values()) {
      if (mi === null) hatched = true;
      else top = Math.max(top, inUnit(mi, unit));
    }
    if (unit === "normalised") top = 1;
    const picked = this.#pair && [this.#pair.i, this.#pair.j];
    this.#map.draw({ names: this.#names, order: this.#order(), cell: (i, j) => this.#cell(i, j), top, picked });
    $("legend-high").textContent = `${shown(top)}${unitName(unit)}`;
    $("hatched").hidden = !hatched;
    drawLegend($("legend"));
    this.#drawPicture();
  }

  #drawPicture() {
    const pair = this.#pair;
    const made = this.#picture?.made;
    $("picture-frame").hidden = !made;
    if (!pair) return;
    const unit = $("unit").value;
    const line = $("pair-line");
    if (pair.mi === null) line.textContent = "No estimate.";
    else {
      const [mi, low, high] = [pair.mi, pair.low, pair.high].map((value) => shown(inUnit(value, unit)));
      const value = Object.assign(document.createElement("strong"), { textContent: `${mi}${unitName(unit)}` });
      const p = pair.p === null ? "" : `, p ${pair.bound ? "" : "= "}${shownP(pair.p, pair.bound)}`;
      line.replaceChildren(
        value,
        ` (90 % interval ${low} to ${high}${p}; ${pair.n.toLocaleString("en")} rows; by ${methodName(pair.method)})`,
      );
    }
    if (!made) return;
    drawPicture($("picture"), this.#picture, $("samples").checked);
    const by = made === "network" ? "by the network" : "by counts in cells";
    $("picture-note").textContent =
      `Red: pairs of values that are more common than if the columns were independent; blue: rarer; ${by}. ` +
      "Axes are ranks: each part of an axis holds as many samples as any other of its length, equal values side by side.";
  }

  #hover(i, j, event) {
    const tip = $("tip");
    const cell = i >= 0 && i !== j ? this.#cell(i, j) : null;
    tip.hidden = !cell;
    if (!cell) return;
    const unit = $("unit").value;
    const { mi, low, high, p, bound, notes, needs } = cell.found;
    const title = Object.assign(document.createElement("strong"), {
      textContent: `${this.#names[i]} – ${this.#names[j]}`,
    });
    const numbers = [mi, low, high].map((value) => (value === null ? "" : shown(inUnit(value, unit))));
    const text = needs
      ? `needs the package: ${needs}`
      : mi === null
        ? notes[0]
        : `${numbers[0]}${unitName(unit)} (${numbers[1]} to ${numbers[2]}), p ${bound ? "" : "= "}${shownP(p, bound)}`;
    tip.replaceChildren(title, document.createElement("br"), text);
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8);
    Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
  }
}

function drawLegend(canvas) {
  const pen = canvas.getContext("2d");
  const colour = scale("strength");
  for (let x = 0; x < canvas.width; x++) {
    pen.fillStyle = css(colour(shareOf(x, canvas.width - 1)));
    pen.fillRect(x, 0, 1, canvas.height);
  }
}
