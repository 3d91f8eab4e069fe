/** 0 below 0, 1 above 1, and without a corner in between. */
export function smoothStep(t) {
  const inside = Math.min(Math.max(t, 0), 1);
  return inside * inside * (3 - 2 * inside);
}
