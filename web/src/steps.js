/** 0 below `low`, 1 above `high`, and without a corner in between. */
export function between(value, [low, high]) {
  const inside = Math.min(Math.max((value - low) / (high - low), 0), 1);
  return inside * inside * (3 - 2 * inside);
}
