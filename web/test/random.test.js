// The random numbers are NumPy's; `draws.json` is made by tests/web/numpy_draws.py.

import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../src/random.js";
import { answers } from "./answers.js";

for (const want of answers("draws.json")) {
  test(`all draws from the key ${want.key} are those of NumPy`, () => {
    const random = new Random(want.key.map(BigInt));
    const times = (count, draw) => Array.from({ length: count }, draw);
    assert.deepEqual(
      times(5, () => random.random()),
      want.uniform,
    );
    assert.deepEqual(Array.from(random.permutation(1000)), want.permutation);
    assert.deepEqual(
      times(9, () => random.shuffle([0, 1, 2, 3, 4, 5, 6])),
      want.permuted,
    );
    assert.deepEqual(
      times(21, () => random.below(999)),
      want.integers,
    );
    assert.deepEqual(
      times(3, () => random.below(0)),
      want.one,
    );
    for (const [good, bad, sample, found] of want.hypergeometric) {
      assert.equal(random.hypergeometric(good, bad, sample), found);
    }
    for (const found of want.exponential) {
      assert.ok(Math.abs(random.exponential() - found) <= 1e-14 * (1 + found)); // a table's last bit may differ
    }
    assert.equal(random.random(), want.last);
  });
}
