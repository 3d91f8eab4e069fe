// The page: a file comes in, its pairs are estimated by the workers, and what they find is drawn.

import exampleUrl from "../../runtime/infonet/data/seattle-weather.csv?url";
import { PairList } from "./pair_list.js";
import { Pool, Stopped } from "./pool.js";
import { Views } from "./views.js";
import { longTable } from "./results.js";

const $ = (id) => document.getElementById(id);
const MOST_COLUMNS = 2000; // 2 million pairs: more do not fit the memory of a page
const REDRAWN = 400; // milliseconds between drawings while work goes on
const pool = new Pool();
let run = null; // what is shown: {name, table, pairs, found, started, before}

const views = new Views(pool, (i, j) => list.pick(i, j));
const list = new PairList((pair) => views.show(pair));

$("version").textContent = __VERSION__;

/** Read a file and estimate its pairs. */
async function open(file) {
  const own = (run = { name: file.name, table: null, pairs: [], found: new Map() });
  pool.stop();
  say(null);
  $("drop").classList.add("small-drop");
  $("answers").hidden = $("save").hidden = $("again").hidden = $("notes").hidden = true;
  $("status").hidden = $("stop").hidden = $("working").hidden = false;
  $("table-name").textContent = file.name;
  $("table-size").textContent = "";
  progress(null, "reading the file and loading the network…");
  try {
    const table = await pool.read(file);
    if (run !== own) return;
    own.table = table;
    const d = table.columns.length;
    $("table-size").textContent =
      `${table.rows.toLocaleString("en")} rows, ${d} columns, ${((d * (d - 1)) / 2).toLocaleString("en")} pairs`;
    showNotes(table.notes);
    if (d > MOST_COLUMNS)
      throw new Error(`the file has ${d} columns, the page takes ${MOST_COLUMNS} at most: use the package`);
    for (let i = 0; i < d; i++) for (let j = i + 1; j < d; j++) own.pairs.push([i, j]);
    views.open(table.columns.map(({ name }) => name));
    list.open(table.columns.map(({ name }) => name));
    $("answers").hidden = false;
    await estimate(own);
  } catch (error) {
    finish(own, error);
  }
}

/** Estimate the pairs that are not done. */
async function estimate(own) {
  $("stop").hidden = $("working").hidden = false;
  $("again").hidden = true;
  const key = ([i, j]) => i * own.table.columns.length + j;
  const left = own.pairs.filter((pair) => !own.found.has(key(pair)));
  const started = performance.now();
  const before = own.found.size;
  let drawn = -Infinity;
  try {
    progress(own);
    await pool.estimate(left, (answers) => {
      if (run !== own) return;
      for (const answer of answers) own.found.set(key([answer.i, answer.j]), answer);
      progress(own, remaining(own, before, started));
      if (performance.now() - drawn < REDRAWN) return;
      drawn = performance.now();
      update(own, false);
    });
    finish(own, null);
  } catch (error) {
    finish(own, error);
  }
}

function remaining(own, before, started) {
  const done = own.found.size;
  const seconds = (performance.now() - started) / 1000;
  const left = ((own.pairs.length - done) * seconds) / (done - before);
  const time = left < 90 ? `${Math.ceil(left)} s` : `${Math.ceil(left / 60)} min`;
  return `${done.toLocaleString("en")} of ${own.pairs.length.toLocaleString("en")} pairs, about ${time} left`;
}

function progress(own, text = "") {
  if (own) $("progress").value = own.found.size / own.pairs.length;
  else $("progress").removeAttribute("value");
  $("progress-text").textContent = text;
}

/** All pairs are done, or work was stopped, or something is wrong. */
function finish(own, error) {
  if (run !== own) return;
  const stopped = error instanceof Stopped;
  if (error && !stopped) {
    pool.stop();
    say(error.message);
  }
  $("stop").hidden = $("working").hidden = true;
  $("save").hidden = !own.found.size;
  $("again").hidden = !(stopped && own.table);
  if (stopped && own.table) {
    $("table-size").textContent =
      `stopped after ${own.found.size.toLocaleString("en")} of ${own.pairs.length.toLocaleString("en")} pairs`;
  }
  if (own.table && own.found.size) update(own, true);
}

function update(own, isEnd) {
  views.update(own.found, isEnd);
  list.update([...own.found.values()], isEnd);
}

function say(problem) {
  $("problem").hidden = problem === null;
  $("problem").textContent = problem ?? "";
}

function showNotes(notes) {
  $("notes").hidden = !notes.length;
  $("notes").querySelector("summary").textContent =
    `What was done to the columns: ${notes.length} ${notes.length === 1 ? "remark" : "remarks"}`;
  $("notes")
    .querySelector("ul")
    .replaceChildren(...notes.map((note) => Object.assign(document.createElement("li"), { textContent: `${note}.` })));
}

/** The long table, as a file. */
function save() {
  const found = [...run.found.values()].sort((a, b) => a.i - b.i || a.j - b.j);
  const text = longTable(
    run.table.columns.map(({ name }) => name),
    found,
  );
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `${run.name.replace(/(\.csv|\.tsv|\.txt)?(\.gz)?$/i, "")}.mi.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

$("file").addEventListener("change", ({ target }) => {
  if (target.files.length) open(target.files[0]);
  target.value = "";
});
$("example").addEventListener("click", async () => {
  const response = await fetch(exampleUrl);
  open(new File([await response.blob()], "seattle-weather.csv"));
});
$("stop").addEventListener("click", () => pool.stop());
$("again").addEventListener("click", () => estimate(run));
$("save").addEventListener("click", save);
for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
addEventListener("dragleave", (event) => event.relatedTarget ?? $("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) open(file);
});
if ("serviceWorker" in navigator && !import.meta.env.DEV) navigator.serviceWorker.register("./offline.js");
