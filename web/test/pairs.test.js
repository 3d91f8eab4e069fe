// Pairs of random tables of all kinds have the estimates of the package; `tables/` is made by
// tests/web/random_tables.py.

import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";
import { methodName } from "../src/methods.js";
import { adjusted, clusterOrder } from "../src/results.js";
import { answerPath, answers } from "./answers.js";
import { loadNetwork, openTable } from "./load.js";

const NATS = 1e-5;
// The package has the network compiled, the page ONNX Runtime: they round the network's score otherwise, which weighs
// more with more samples.
const OF_SCORE = 1e-2;
const OF_TIES = 1e-6; // tests that do not ask the network
// The network looks at a pair from the side that sums of the histogram say; near the diagonal the last bits of the sums
// decide, and what it says of empty corners differs by some nats.
const SHARP = 2; // nats

const network = await loadNetwork();
const names = fs.readdirSync(answerPath("tables")).filter((name) => name.endsWith(".csv"));

function near(found, wanted, tolerance, what) {
  if (wanted === null) assert.equal(found, null, what);
  else assert.ok(found !== null && Math.abs(found - wanted) <= tolerance, `${what}: ${found} is not ${wanted}`);
}

for (const name of names.map((file) => file.replace(".csv", ""))) {
  const want = answers("tables", `${name}.json`);
  const table = openTable(network, answerPath("tables", `${name}.csv`));

  test(`all pairs of ${name} have the estimates, p-values and notes of the package`, async () => {
    const found = [];
    for (let i = 0; i < table.columns.length; i++) {
      for (let j = i + 1; j < table.columns.length; j++) found.push(await table.engine.estimate(i, j));
    }
    assert.equal(found.length, want.pairs.length);
    found.forEach((pair, k) => {
      const wanted = want.pairs[k];
      const what = wanted.names.join(" and ");
      for (const value of ["mi", "low", "high"]) near(pair[value], wanted[value], NATS, `${value} of ${what}`);
      const nominal = want.nominal[pair.i] || want.nominal[pair.j];
      const asked = !nominal || wanted.notes.some((note) => note.startsWith("rows repeat")); // of rows without ties
      near(pair.p, wanted.p, (asked ? OF_SCORE : OF_TIES) * wanted.p, `p of ${what}`);
      assert.equal(pair.n, wanted.n, what);
      assert.equal(pair.needs, undefined, what);
      assert.deepEqual(pair.notes, wanted.notes, what);
      if (wanted.mi !== null) assert.equal(methodName(pair.method), wanted.method, what);
    });
    const own = adjusted(want.pairs.map((pair) => pair.p));
    own.forEach((p, k) => near(p, want.adjusted[k], 1e-12 * (want.adjusted[k] ?? 1), "adjusted"));
    const d = want.names.length;
    const mi = (i, j) =>
      want.pairs[found.findIndex((pair) => pair.i === Math.min(i, j) && pair.j === Math.max(i, j))].mi ?? 0;
    assert.deepEqual(clusterOrder(d, mi), want.order);
  });

  if (!fs.existsSync(answerPath("tables", `${name}.tables.json`))) continue;
  test(`pictures of the pairs of ${name} are the tables of the package, or counts where it has none`, async () => {
    const tables = answers("tables", `${name}.tables.json`);
    for (let i = 0, k = 0; i < table.columns.length; i++) {
      for (let j = i + 1; j < table.columns.length; j++, k++) {
        const { made, ratio, axes } = await table.engine.picture(i, j, want.pairs[k].mi);
        const what = want.pairs[k].names.join(" and ");
        for (const { edges, places } of axes) {
          assert.equal(places.length, table.rows, what);
          assert.equal(edges.at(-1), 1, what);
        }
        assert.equal(
          ratio.length,
          axes.reduce((cells, { edges }) => cells * (edges.length - 1), 1),
          what,
        );
        const constant = want.pairs[k].method === "constant";
        if (constant)
          assert.ok(
            ratio.every((value) => Math.abs(value) < 1e-6),
            what,
          );
        else assert.equal(made, tables[k] === null ? "counts" : "network", what);
        if (made !== "network") continue;
        if (want.pairs[k].mi < SHARP)
          ratio.forEach((value, at) => near(value, tables[k][at], 2e-4 * (1 + Math.abs(value)), what));
        const apart = ratio.reduce((sum, value, at) => sum + Math.abs(Math.exp(value) - Math.exp(tables[k][at])), 0);
        assert.ok(apart / ratio.length < 0.1, what);
      }
    }
  });
}
