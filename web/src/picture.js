// The picture of a pair: how much more common pairs of values are than under independence, and the samples.

import { css, scale, styled } from "./colours.js";

const POINTS = 3000; // samples that are drawn at most
const FONT = "12px system-ui, sans-serif";
const BELOW = 46; // pixels for the names of values

/**
 * Draw.
 * @param {HTMLCanvasElement} canvas where it is drawn
 * @param {object} picture axes and ratio; see `Engine.picture`
 * @param {boolean} withSamples whether samples are drawn, too
 */
export function drawPicture(canvas, { axes, ratio }, withSamples) {
  const pen = canvas.getContext("2d");
  pen.font = FONT;
  const [x, y] = axes;
  const room = canvas.parentElement.clientWidth;
  if (!room) return; // while another file is read, nothing is shown
  const widest = Math.max(24, ...y.ticks.map(([, text]) => pen.measureText(shortened(text)).width));
  const left = Math.ceil(widest) + 32;
  const side = Math.max(160, Math.min(room - left - 14, 440));
  const [width, height] = [left + side + 14, side + BELOW + 12];
  const dots = devicePixelRatio || 1;
  canvas.width = width * dots;
  canvas.height = height * dots;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  pen.scale(dots, dots);
  pen.translate(left, 6);
  drawCells(pen, side, x, y, ratio);
  if (withSamples) drawSamples(pen, side, x, y);
  pen.strokeStyle = styled("--faint");
  pen.lineWidth = 1;
  pen.strokeRect(-0.5, -0.5, side + 1, side + 1);
  drawNames(pen, side, x, y, left);
}

const shortened = (text) => (text.length > 14 ? `${text.slice(0, 13)}…` : text);

function drawCells(pen, side, x, y, ratio) {
  const colour = scale("ratio");
  // the scale is that of what is more common: log ratios of rare pairs go to minus infinity
  const limit = Math.max(
    0.05,
    ratio.reduce((a, b) => Math.max(a, b), 0),
  );
  const width = y.edges.length - 1;
  for (let i = 0; i + 1 < x.edges.length; i++) {
    for (let j = 0; j < width; j++) {
      pen.fillStyle = css(colour(0.5 + ratio[i * width + j] / (2 * limit)));
      const [from, to] = [x.edges[i] * side, x.edges[i + 1] * side];
      const [top, bottom] = [(1 - y.edges[j + 1]) * side, (1 - y.edges[j]) * side];
      // rounded outwards: no seams between cells
      pen.fillRect(
        Math.floor(from),
        Math.floor(top),
        Math.ceil(to) - Math.floor(from),
        Math.ceil(bottom) - Math.floor(top),
      );
    }
  }
}

function drawSamples(pen, side, x, y) {
  const n = x.places.length;
  const step = Math.max(1, n / POINTS);
  const radius = n > 800 ? 1.1 : n > 200 ? 1.7 : 2.4;
  pen.fillStyle = styled("--sample");
  for (let k = 0; k < n; k += step) {
    const at = Math.floor(k);
    pen.beginPath();
    pen.arc(x.places[at] * side, (1 - y.places[at]) * side, radius, 0, 2 * Math.PI);
    pen.fill();
  }
}

function drawNames(pen, side, x, y, left) {
  pen.font = FONT;
  pen.fillStyle = styled("--soft");
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  let last = Infinity;
  for (const [place, text] of y.ticks) {
    const at = Math.min(Math.max((1 - place) * side, 6), side - 6);
    if (last - at < 13) continue; // no room
    pen.fillText(shortened(text), -6, at);
    last = at;
  }
  pen.textBaseline = "top";
  let end = -Infinity;
  for (const [place, text] of x.ticks) {
    const short = shortened(text);
    const half = pen.measureText(short).width / 2;
    const at = Math.min(Math.max(place * side, half), side - half + 8);
    if (at - half < end + 8) continue;
    pen.textAlign = "center";
    pen.fillText(short, at, side + 6);
    end = at + half;
  }
  pen.fillStyle = styled("--ink");
  pen.textAlign = "center";
  pen.fillText(x.name, side / 2, side + 26, side);
  pen.save();
  pen.translate(12 - left, side / 2);
  pen.rotate(-Math.PI / 2);
  pen.textBaseline = "middle";
  pen.fillText(y.name, 0, 0, side);
  pen.restore();
}
