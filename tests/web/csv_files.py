"""Write CSV files as people write them, and what the package reads there, for the page's tests.

Usage: python csv_files.py FOLDER. The folder gets NAME.csv for each file, and read.json with what
the package that is installed reads: names, which columns are labels, those left out, and ranks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from infonet.errors import InputError
from infonet.inputs.open import open_columns

ROWS = 30

# Name | header | what the row with the number i holds, as an f-string.
PATTERNS = r'''
plain | a,b | {i},{i * i % 7}
no_header | 1,2 | {i},{i % 5}
semicolons | a;b;c | {i},5;{i % 5};{i % 3}
tabs | a\tb | {i}\t{i % 5}
bars | a|b | {i}|{i % 5}
blanks | a   b | {i}  {i % 5}
spaces | a , b |   {i} ,  {i % 5}{' '}
header_in_comment | # a, b | {i},{i % 5}
row_names | a,b | r{i},{i},{i % 5}
quoted | "a, b","c ""d""" | "{i}","x{i % 3}, or ""so"""
lines_in_cells | a,b | {i},"x{i % 3}\nsecond"
gaps | a,b,c | {'' if i % 4 else i},NA,{'null' if i == 3 else i % 6}
marks | a,b | {'?' if i == 5 else i},{'-' if i == 7 else i / 3}
marks_in_text | a,b | {'?' if i % 3 else 'yes'},{i}
truth | a,b | {i % 2 == 0},{'TRUE' if i % 3 else 'false'}
decimal_commas | a;b | {i},{i % 10}5;{i}
thousands | a;b | {i + 1}.{i:03d},5;{i + 1}.{i * 7 % 1000:03d}
groups | a\tb | {i + 1},{i:03d}.25\t{i}
either | a\tb\tc | {i + 1},{i:03d}\t{i}\t{'' if i else 7}
either_no_mark | a\tb | {f'{i + 1},{i:03d}' if i % 2 else i}\t{i}
units | a;b;c | ${i}.5;{i} kg;{i % 9} %
two_units | a;b | {i} {'kg' if i % 2 else 'lb'};{i}
signs | a;b | ({i}.5);\u2212{i * 3 % 11}
dates | a,b | 2020-{i % 12 + 1:02d}-{i % 28 + 1:02d},{i}
dates_slashes | a,b | 2020/{i % 12 + 1:02d}/{i % 28 + 1:02d},{i}
dates_dots | a,b | {i % 28 + 1}.{i % 12 + 1}.2020,{i}
no_date | a,b | 2021-02-{i % 30 + 1:02d},{i}
quarters | a,b | {2000 + i % 5}-Q{i % 4 + 1},{i}
weeks | a,b | {2000 + i % 5}-W{i + 1:02d},{i}
no_week | a,b | 2021-W{i + 30:02d},{i}
moments | a,b | 2020-01-{i % 28 + 1:02d}T{i % 24:02d}:07:{i:02d}.25Z,{i}
offsets | a,b | 2020-01-01 {i % 24:02d}:00 +0{i % 9}:30,{i}
nanoseconds | a,b | 2020-01-01T00:00:00.0000000{i:02d},{i}
far_years | a,b | {'+' if i % 2 else '-'}{i * 997 + 4000:06d}-03-04,{i}
clocks | a,b | {i % 12 + 1}:{i:02d} {'am' if i % 2 else 'PM'},{i}
durations | a,b | {i} days {i % 24:02d}:00:01.5,{i}
periods | a,b | P{i}DT{i % 7}H{i}M,{i}
long_numbers | a,b | {10**17 + i * 37 % 11},{i}
long_decimals | a,b | 0.1{'0' * 18}{i * 7 % 10},{i}
underscores | a,b | 2020_{i % 5:02d},{i}
infinite | a,b | {'inf' if i == 3 else '-Infinity' if i == 4 else i},{i}
exponents | a,b | {i}e{i % 5},{'+' if i % 2 else '-'}.{i}E-3
labels | a,b,c | k{i % 4},k{i * i % 3},{'x' if i % 2 else 'ö'}
text | a,b,c | comment number {i},{i},{i % 3}
mixed_few | a,b | {'x' if i == 3 else i % 5},{i}
mixed_many | a,b,c | {'x' if i == 3 else i},{i},{i}
zipcodes | a,b | 0{i % 4}123,{i}
blank_lines | a,b | {'' if i % 5 == 2 else f'{i},{i % 5}'}
constant | a,b | 7,{i}
no_names | ,b, | {i},{i % 5},{i % 2}
ragged | a,b | {f'{i},{i}' if i < 20 else i}
same_names | a,a | {i},{i}
one_column | a | {i}
zero_bytes | a,b,c | {i},x\0,{i}
'''


def fill(pattern: str, i: int) -> str:
    """A pattern of this file with the number of a row in it, of which it holds any expressions."""
    return str(eval(f"f'''{pattern}'''", {"i": i}))


def table(head: str, pattern: str, end: str = "\n") -> str:
    """A header and rows, with these ends of lines."""
    return end.join([fill(head, 0), *(fill(pattern, i) for i in range(ROWS)), ""])


PAIR = table("a,b", "{i},{i % 5}")
SEVENTHS = "{i},{i * i % 7}"
LINES = [line.split(" | ") for line in PATTERNS.strip().split("\n")]
FILES: dict[str, str | bytes] = {
    **{name: table(head, pattern) for name, head, pattern in LINES},
    "windows": table("a,b", SEVENTHS, "\r\n"),
    "old_mac": table("a,b", SEVENTHS, "\r"),
    "no_end": PAIR.rstrip(),
    "byte_order_mark": "\ufeff" + PAIR,
    "utf16": table("ä,b", "{i},{i % 5}").encode("utf-16"),
    "excel": "sep=;\n" + table("a;b", "{i};{i % 5}"),
    "comments": "# made by hand\n# a b\n" + PAIR,
    "latin1": table("a,b", "{i},\xe9").encode("latin-1"),
    "no_rows": "a,b\n",
}


def read(path: Path) -> dict[str, Any]:
    """What the package reads: as `infonet matrix` opens a file."""
    try:
        source = open_columns(str(path), unusable="omit")
    except InputError as error:
        return {"error": str(error)}
    if len(source.names) < 2:
        return {"error": "fewer than two columns"}
    return {
        "names": source.names,
        "nominal": source.nominal,
        "left_out": [name for name, _ in source.left_out],
        "ranks": [ranks(np.asarray(source.load(i))) for i in range(len(source.names))],
    }


def ranks(values: np.ndarray) -> list[int | None]:
    """Twice the average rank of each value, among those that are finite; None of others."""
    whole = values.dtype.kind != "f"
    present = np.ones(values.size, bool) if whole else np.isfinite(values)
    _, place, counts = np.unique(values[present], return_inverse=True, return_counts=True)
    twice = 2 * np.cumsum(counts) - counts + 1
    found: list[int | None] = [None] * values.size
    for row, level in zip(np.flatnonzero(present).tolist(), place.tolist(), strict=True):
        found[row] = int(twice[level])
    return found


def main(folder: Path) -> None:
    """Write all files, and what is read in them."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = {}
    for name, text in FILES.items():
        path = folder / f"{name}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        answers[name] = read(path)
    (folder / "read.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
