// Files are read as the package reads them; `csv/` is made by tests/web/csv_files.py.

import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";
import zlib from "node:zlib";
import { readTable } from "../src/columns.js";
import { InputError, readText } from "../src/csv_rows.js";
import { rankColumn } from "../src/ranking.js";
import { answerPath, answers } from "./answers.js";

async function read(bytes) {
  return readTable(await readText(new Blob([bytes])));
}

/** Twice the average ranks of finite values, null of others. */
function ranks(values) {
  const rows = Array.from(values.keys()).filter((row) => Number.isFinite(values[row]));
  const found = new Array(values.length).fill(null);
  if (!rows.length) return found;
  const { ranks: own } = rankColumn(Float64Array.from(rows, (row) => values[row]));
  rows.forEach((row, k) => (found[row] = Math.round(own[k] * 2 * rows.length) + 1));
  return found;
}

for (const [name, want] of Object.entries(answers("csv", "read.json"))) {
  test(`${name}.csv is read as the package reads it`, async () => {
    const bytes = fs.readFileSync(answerPath("csv", `${name}.csv`));
    if (want.error) {
      await assert.rejects(read(bytes), InputError, want.error);
      return;
    }
    const table = await read(bytes);
    assert.deepEqual(
      table.columns.map((column) => column.name),
      want.names,
    );
    assert.deepEqual(
      table.columns.map((column) => column.nominal),
      want.nominal,
    );
    assert.deepEqual(
      table.columns.map((column) => ranks(column.values)),
      want.ranks,
    );
    const said = table.notes.find((note) => note.startsWith("left out: ")) ?? "";
    assert.equal(Boolean(said), want.left_out.length > 0);
    for (const column of want.left_out) assert.ok(said.includes(column));
  });
}

test("a file that is compressed with gzip is read as the file itself", async () => {
  const bytes = fs.readFileSync(answerPath("csv", "plain.csv"));
  assert.deepEqual(await read(zlib.gzipSync(bytes)), await read(bytes));
});

test("a compressed file that is cut off is refused", async () => {
  const bytes = zlib.gzipSync(fs.readFileSync(answerPath("csv", "plain.csv")));
  await assert.rejects(read(bytes.subarray(0, 40)), InputError);
});
