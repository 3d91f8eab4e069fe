// Units of what is shown, and numbers as text.

import { correlation } from "./results.js";

const SCALES = { nats: (mi) => mi, bits: (mi) => mi / Math.LN2, normalised: correlation };

/** A value in nats in the unit "nats", "bits" or "normalised"; null stays null. */
export function inUnit(mi, unit) {
  return mi === null ? null : SCALES[unit](mi);
}

export function unitName(unit) {
  return unit === "normalised" ? "" : ` ${unit}`;
}

export function shown(value) {
  if (value < 0.0005) return "0";
  return value.toFixed(value >= 9.995 ? 1 : value >= 0.0995 ? 2 : 3);
}

/** A p-value as text; `bound` says that it is at most that. */
export function shownP(p, bound = false) {
  if (p === null) return "–";
  const text = p >= 0.001 ? p.toFixed(p >= 0.1 ? 2 : 3) : p.toExponential(0).replace("e-", "e−");
  return bound ? `≤ ${text}` : text;
}
