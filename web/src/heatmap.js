// The matrix as a heat map on a canvas: colours, names, numbers where there is room, hatches where there is no
// estimate.

import { css, inkOn, scale, styled } from "./colours.js";

const NUMBERED = 15; // columns up to which cells show numbers
const LEAST_NAMED = 10; // pixels of a cell from which every column is named
const FONT = "system-ui, sans-serif";
const LONGEST = 18; // letters of a name

const shortened = (name) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);

export class HeatMap {
  /**
   * @param {HTMLCanvasElement} canvas where it is drawn
   * @param {(i: number, j: number, event: MouseEvent|null) => void} onHover of a cell; of -1, -1 for none
   * @param {(i: number, j: number) => void} onPick of a cell
   */
  constructor(canvas, onHover, onPick) {
    this.canvas = canvas;
    this.view = null;
    canvas.addEventListener("mousemove", (event) => onHover(...this.#at(event), event));
    canvas.addEventListener("mouseleave", () => onHover(-1, -1, null));
    canvas.addEventListener("click", (event) => {
      const [i, j] = this.#at(event);
      if (i >= 0 && i !== j) onPick(i, j);
    });
  }

  /**
   * Draw.
   * @param {object} view names; order of the columns; cell(i, j) with {value, text, needs}, or null of a pair that is
   *   not done; top, the value of the strongest colour; picked [i, j] or null
   */
  draw(view) {
    this.view = view;
    const { names, order, picked } = view;
    const d = order.length;
    const pen = this.canvas.getContext("2d");
    pen.font = `12px ${FONT}`;
    const longest = Math.ceil(Math.max(...names.map((name) => pen.measureText(shortened(name)).width))) + 10;
    const room = this.canvas.parentElement.clientWidth;
    if (!room) return; // while another file is read, nothing is shown
    const side = Math.max(2, Math.min(80, (room - longest - longest * 0.75) / d));
    this.side = side >= 8 ? Math.floor(side) : side;
    this.left = longest;
    this.top = Math.ceil(longest * 0.75) + 6;
    const [width, height] = [room, this.top + this.side * d + 2];
    const dots = devicePixelRatio || 1;
    this.canvas.width = width * dots;
    this.canvas.height = height * dots;
    this.canvas.style.height = `${height}px`;
    pen.scale(dots, dots);
    this.#cells(pen);
    this.#names(pen);
    if (picked) {
      pen.strokeStyle = styled("--accent");
      pen.lineWidth = 2.5;
      for (const [a, b] of [picked, [picked[1], picked[0]]]) {
        const [row, column] = [order.indexOf(a), order.indexOf(b)];
        pen.strokeRect(this.left + column * this.side, this.top + row * this.side, this.side, this.side);
      }
    }
  }

  #cells(pen) {
    const { order, cell, top } = this.view;
    const colour = scale("strength");
    const { side } = this;
    const gap = side >= 8 ? 1 : 0;
    const hatch = hatches(pen);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.font = `${side >= 44 ? 12 : 10}px ${FONT}`;
    const numbered = order.length <= NUMBERED && side >= 30;
    order.forEach((i, row) => {
      order.forEach((j, column) => {
        if (i === j) return;
        const found = cell(i, j);
        const [x, y] = [this.left + column * side, this.top + row * side];
        const known = found && found.value !== null;
        const fill = known ? colour(shareOf(found.value, top)) : null;
        pen.fillStyle = !found ? styled("--waiting") : known ? css(fill) : hatch;
        pen.fillRect(x, y, side - gap, side - gap);
        if (numbered && known) {
          pen.fillStyle = inkOn(fill);
          pen.fillText(found.text, x + side / 2, y + side / 2);
        }
      });
    });
  }

  #names(pen) {
    const { names, order } = this.view;
    const step = Math.ceil(LEAST_NAMED / this.side);
    pen.fillStyle = styled("--ink");
    pen.font = `${this.side < 14 ? 10 : 12}px ${FONT}`;
    pen.textBaseline = "middle";
    order.forEach((i, place) => {
      if ((place - Math.floor((step - 1) / 2)) % step) return;
      const at = (place + 0.5) * this.side;
      pen.textAlign = "right";
      pen.fillText(shortened(names[i]), this.left - 6, this.top + at);
      pen.save();
      pen.translate(this.left + at, this.top - 6);
      pen.rotate(-Math.PI / 4);
      pen.textAlign = "left";
      pen.fillText(shortened(names[i]), 0, 0);
      pen.restore();
    });
  }

  /** The columns of the cell under the mouse. */
  #at(event) {
    if (!this.view) return [-1, -1];
    const { order } = this.view;
    const column = Math.floor((event.offsetX - this.left) / this.side);
    const row = Math.floor((event.offsetY - this.top) / this.side);
    return row in order && column in order ? [order[row], order[column]] : [-1, -1];
  }
}

/** How strong the colour of a value is: its root, so that one strong pair does not hide the others. */
export function shareOf(value, top) {
  return Math.sqrt(value / top);
}

/** A pattern for cells without an estimate. */
function hatches(pen) {
  const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 });
  const brush = tile.getContext("2d");
  brush.fillStyle = styled("--waiting");
  brush.fillRect(0, 0, 6, 6);
  brush.strokeStyle = styled("--faint");
  brush.beginPath();
  for (const at of [-6, 0, 6]) {
    brush.moveTo(at, 6);
    brush.lineTo(at + 6, 0);
  }
  brush.stroke();
  return pen.createPattern(tile, "repeat");
}
