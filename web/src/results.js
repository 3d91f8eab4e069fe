// What is made of all pairs: order of the columns, adjusted p-values, the long table as CSV.

/** Normalised mutual information, 0 to 1: sqrt(1 - exp(-2 mi)). */
export function correlation(mi) {
  return Math.sqrt(-Math.expm1(-2 * Math.max(mi, 0)));
}

/** p-values adjusted for the number of pairs (Benjamini & Hochberg 1995); null stays null and is no test. */
export function adjusted(pValues) {
  const tested = pValues.map((_, i) => i).filter((i) => pValues[i] !== null);
  tested.sort((a, b) => pValues[b] - pValues[a]);
  const found = new Array(pValues.length).fill(null);
  let least = 1;
  tested.forEach((i, place) => {
    const rank = tested.length - place;
    least = Math.min(least, (pValues[i] * tested.length) / rank);
    found[i] = least;
  });
  return found;
}

/**
 * An order of d variables in which those that depend on each other stand side by side, by average linkage (Sokal &
 * Michener 1958), as `infonet.plotting.cluster_order`.
 * @param {number} d variables
 * @param {(i: number, j: number) => number} similarity of two of them, 0 where there is none
 */
export function clusterOrder(d, similarity) {
  const given = Array.from({ length: d }, (_, i) =>
    Float64Array.from({ length: d }, (_, j) => (i === j ? 0 : similarity(i, j))),
  );
  if (d < 3) return given.map((_, i) => i);
  const means = given.map((row) => row.slice());
  const members = given.map((_, i) => [i]);
  const sizes = new Float64Array(d).fill(1);
  const alive = new Set(members.keys());
  while (alive.size > 1) {
    let [first, second, best] = [-1, -1, -Infinity];
    for (const i of alive)
      for (const j of alive) if (i < j && means[i][j] > best) [first, second, best] = [i, j, means[i][j]];
    members[first] = joined(members[first], members[second], given);
    for (const k of alive) {
      const mean = (sizes[first] * means[first][k] + sizes[second] * means[second][k]) / (sizes[first] + sizes[second]);
      means[first][k] = means[k][first] = mean;
    }
    sizes[first] += sizes[second];
    alive.delete(second);
  }
  return members[alive.values().next().value];
}

/** Two ordered clusters, put together where their ends are most similar. */
function joined(left, right, given) {
  const ways = [left, left.toReversed()].flatMap((p) => [right, right.toReversed()].map((q) => [p, q]));
  const touch = ([p, q]) => given[p[p.length - 1]][q[0]];
  return ways.reduce((best, way) => (touch(way) > touch(best) ? way : best)).flat();
}

/** All pairs as `infonet matrix --format long` writes them: one row a pair, in nats. */
export function longTable(names, pairs) {
  const p = adjusted(pairs.map((pair) => pair.p));
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const number = (value) => (value === null ? "" : String(Number(value.toPrecision(9))));
  const rows = pairs.map(({ i, j, mi, low, high, n, p: own }, k) =>
    [
      quoted(names[i]),
      quoted(names[j]),
      ...[mi, low, high, n, own, p[k]].map(number),
      mi === null ? "" : number(correlation(mi)),
    ].join(","),
  );
  return ["x,y,mi,low,high,n,p_value,p_adjusted,correlation", ...rows, ""].join("\n");
}
