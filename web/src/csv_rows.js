// Rows of text of a CSV file, and cells as numbers: runtime/infonet/inputs/csv_rows.py.
//
// The layout is found from the first lines: comments, the delimiter, the header.

const BLANKS = " "; // runs of blanks and tabs
const DELIMITERS = ["\t", ";", "|", ","];
const LOOKED_AT = 20; // lines to find the delimiter by
const MOST_LINES = 2000; // of comment, and blank ones, before these
const COMMENTS = ["#", "%", "//"];
const SEP = /^"?sep=([^\w\s"]|\t)"?$/i; // of Excel
const NUMBERS = /^[+-]?[\d.]+(?:[eE][+-]?\d+)?(?:\s+[+-]?[\d.]+(?:[eE][+-]?\d+)?)+$/;
const GROUPS = /^[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d*)?$/;
const NUMBER = /^[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?$/;
const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NAMED_FLOAT = /^([+-]?)(?:(inf|infinity)|nan)$/i;
const MOST_BYTES = 400e6; // a text of JavaScript holds little more
const MISSING = new Set(["", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "nat"]);

/** What is wrong with a file or a column, for people. */
export class InputError extends Error {}

/** Whether a cell says that there is no value. */
export function isMissing(cell) {
  const text = cell.trim();
  return text.length < 5 && MISSING.has(text.toLowerCase());
}

/** The number that a cell spells, NaN for a missing one, null for other text. */
export function parseNumber(cell) {
  const text = cell.trim();
  if (FLOAT.test(text)) return Number(text);
  const named = NAMED_FLOAT.exec(text);
  if (named) return named[2] ? (named[1] === "-" ? -Infinity : Infinity) : NaN;
  return isMissing(text) ? NaN : null;
}

/** The text of a file: UTF-8, or UTF-16 as Excel writes it; compressed with gzip or not. */
export async function readText(file) {
  if (file.size > MOST_BYTES)
    throw new InputError("the file has more than 400 MB, which a page cannot hold: use the package");
  let bytes = new Uint8Array(await file.arrayBuffer());
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    }
  } catch {
    throw new InputError("the file is compressed and damaged: compress it again");
  }
  if (bytes.length > MOST_BYTES) throw new InputError("the file unpacks to more than 400 MB: use the package");
  const marks = `${bytes[0]},${bytes[1]}`;
  const code = marks === "255,254" ? "utf-16le" : marks === "254,255" ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(code, { fatal: true }).decode(bytes);
  } catch {
    throw new InputError("the file is not UTF-8 text: save it as CSV in UTF-8");
  }
}

/**
 * The table in a text: {names, rows, notes}; rows have as many cells as there are names.
 * @throws {InputError} no rows, rows of unequal length, a name twice
 */
export function parseCsv(text) {
  if (text.includes("\0")) throw new InputError("the file holds zero bytes, allowed is text in UTF-8: write it again");
  const lines = text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  const layout = findLayout(lines);
  const rows = [];
  for (const row of split(lines.slice(layout.skip), layout.delimiter)) {
    if (row.some((cell) => cell.trim())) rows.push(row);
  }
  if (!rows.length) throw new InputError("the file is empty: give one with a header and rows of numbers");
  const notes = [];
  if (layout.comments) notes.push(`lines of comment are left out: ${layout.comments}`);
  if (layout.delimiter === BLANKS) notes.push("columns are taken as separated by blanks");
  let head = rows[0];
  let header = true;
  if (layout.header) {
    head = layout.header;
  } else {
    if (rows.length > 1 && hasRowNames([head, rows[1]])) {
      head = ["", ...head];
      notes.push("rows are taken to begin with a name, for which the header has none");
    }
    header = head.some((cell) => parseNumber(cell) === null || !cell.trim()) || head.every(isMissing);
    if (!header) notes.push("the first row holds numbers and is taken for data: columns are called 0, 1, …");
  }
  const cells = layout.header ? rows[0].length : head.length;
  const names = header ? head.map((cell, i) => cell.trim() || `column ${i}`) : head.map((_, i) => String(i));
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length) throw new InputError(`the file names columns twice (${twice.slice(0, 8).join(", ")}): rename them`);
  const kept = [];
  for (const row of header && !layout.header ? rows.slice(1) : rows) {
    if (row.length === cells) kept.push(row);
    else if (!(layout.mark && row[0].trimStart().startsWith(layout.mark))) {
      throw new InputError(
        `a row has ${row.length} cells and the first row ${cells}: give every row as many; this one begins with ` +
          `“${row[0].slice(0, 40)}”`,
      );
    }
  }
  if (!kept.length) throw new InputError("the file has a header and no rows: give one with rows of numbers");
  return { names, rows: kept, notes };
}

/** Cells of lines. Cells in quotes may go on in the next line. */
function* split(lines, delimiter) {
  if (delimiter === BLANKS) {
    for (const line of lines)
      yield Array.from(line.matchAll(/"((?:[^"]|"")*)"|(\S+)/g), (found) => found[1] || found[2] || "");
    return;
  }
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    if (!line.includes('"')) {
      yield withoutEnd(line)
        .split(delimiter)
        .map((cell) => cell.replace(/^ +/, ""));
      at++;
      continue;
    }
    const row = [];
    let cell = "";
    let state = "start"; // of a cell: start, plain, quoted, closed
    let open = line;
    for (let i = 0; ; i++) {
      if (i === open.length) {
        if (state !== "quoted" || at + 1 >= lines.length) break;
        open = lines[++at];
        i = -1;
        continue;
      }
      const mark = open[i];
      if (state === "quoted") {
        if (mark === '"' && open[i + 1] === '"') {
          cell += '"';
          i++;
        } else if (mark === '"') state = "closed";
        else cell += mark;
      } else if (mark === delimiter) {
        row.push(cell);
        cell = "";
        state = "start";
      } else if (mark === "\r" || mark === "\n") break;
      else if (state === "start" && mark === '"') state = "quoted";
      else if (!(state === "start" && mark === " ")) {
        cell += mark;
        state = "plain";
      }
    }
    row.push(cell);
    yield row;
    at++;
  }
}

function withoutEnd(line) {
  return line.replace(/[\r\n]+$/, "");
}

function rowsOf(lines, delimiter) {
  return Array.from(split(lines, delimiter)).filter((row) => row.length && !(row.length === 1 && row[0] === ""));
}

/** {delimiter, skip, comments, mark, header}: between cells, lines to skip, and the names if they are in a comment. */
function findLayout(all) {
  const [lines, comments] = [[], []];
  let [mark, said, skip] = ["", "", 0];
  for (const [number, line] of all.slice(0, MOST_LINES).entries()) {
    const text = line.trim();
    if (!text) continue;
    const sep = !lines.length && !comments.length && !said && SEP.exec(line.replace(/^[\r\n ]+|[\r\n ]+$/g, ""));
    const begins = (mark ? [mark] : COMMENTS).find((start) => text.startsWith(start));
    if (sep) said = sep[1];
    else if (!lines.length && begins) {
      mark = begins;
      comments.push(line);
    } else {
      skip = lines.length ? skip : number;
      if (lines.push(line) === LOOKED_AT) break;
    }
  }
  // names that begin like a comment, and no rows
  if (!lines.length) return { delimiter: said || findDelimiter(comments.slice(0, 1)), skip: 0, comments: 0, mark: "" };
  const delimiter = said || findDelimiter(lines);
  if (!comments.length) return { delimiter, skip: said ? skip : 0, comments: 0, mark: "" };
  const header = headerOf(comments[comments.length - 1].trim(), mark, lines, delimiter);
  return { delimiter, skip, comments: comments.length - (header ? 1 : 0), mark, header };
}

/** The names in the last line of comment, if it has as many cells as the rows of numbers. */
function headerOf(line, mark, lines, delimiter) {
  const body = line.slice(mark.length);
  const rows = rowsOf(lines, delimiter);
  const names = rowsOf([body.trim()], delimiter)[0] ?? [];
  if (names.length !== rows[0].length || (names.length === 1 && body.trim().includes(" "))) return null;
  const numbers = rows.map((row) => row.some(isNumber));
  if (!numbers[0] && numbers.slice(1).some(Boolean)) return null; // that row is the header
  return /^\s/.test(body) ? names : rowsOf([line], delimiter)[0];
}

/** Whether all rows but the first, which is a header, have one more cell, that is not empty. */
function hasRowNames(rows) {
  const longer = rows.length > 1 && rows.slice(1).every((row) => row.length === rows[0].length + 1);
  if (!longer || rows[0].some(isNumber)) return false;
  return rows.slice(1).some((row) => row[row.length - 1].trim()); // a delimiter at the end of rows is none
}

/** The first of tab, semicolon, bar, comma and blanks that splits the first rows into equally many cells. */
function findDelimiter(lines) {
  for (const delimiter of DELIMITERS) {
    const rows = rowsOf(lines, delimiter);
    if (!rows.some((row) => row.length > 1)) continue;
    if (rows.every((row) => row.length === rows[0].length) || hasRowNames(rows)) {
      const runs = rows.some((row) => row.some((cell) => NUMBERS.test(cell.trim()) && !GROUPS.test(cell.trim())));
      return delimiter === "\t" && runs && fitsBlanks(lines) ? BLANKS : delimiter;
    }
  }
  if (fitsBlanks(lines)) return BLANKS;
  const count = (delimiter) => (lines[0] ?? "").split(delimiter).length;
  return DELIMITERS.reduceRight((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best), ",");
}

/** Whether blanks split lines into equally many cells, with a number in each row of values. */
function fitsBlanks(lines) {
  const rows = Array.from(split(lines, BLANKS));
  if (!rows.some((row) => row.length > 1)) return false;
  if (rows.some((row) => row.length !== rows[0].length) && !hasRowNames(rows)) return false;
  // one column of numbers with blanks between thousands
  if (lines.length > 1 && lines.slice(1).every((line) => GROUPS.test(line.trim()))) return false;
  return (rows.length > 1 ? rows.slice(1) : rows).every((row) => row.some(isNumber));
}

function isNumber(cell) {
  return NUMBER.test(cell.trim());
}
