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
I = range(ROWS)  # noqa: E741, the rows


def table(head: str, rows: Any, end: str = "\n") -> str:
    """A header and rows, with these ends of lines."""
    return end.join([head, *rows, ""])


FILES: dict[str, str | bytes] = {
    "plain": table("a,b", (f"{i},{i * i % 7}" for i in I)),
    "windows": table("a,b", (f"{i},{i * i % 7}" for i in I), "\r\n"),
    "old_mac": table("a,b", (f"{i},{i * i % 7}" for i in I), "\r"),
    "no_end": table("a,b", (f"{i},{i % 5}" for i in I)).rstrip(),
    "byte_order_mark": "\ufeff" + table("a,b", (f"{i},{i % 5}" for i in I)),
    "utf16": table("ä,b", (f"{i},{i % 5}" for i in I)).encode("utf-16"),
    "no_header": table("1,2", (f"{i},{i % 5}" for i in I)),
    "semicolons": table("a;b;c", (f"{i},5;{i % 5};{i % 3}" for i in I)),
    "tabs": table("a\tb", (f"{i}\t{i % 5}" for i in I)),
    "bars": table("a|b", (f"{i}|{i % 5}" for i in I)),
    "blanks": table("a   b", (f"{i}  {i % 5}" for i in I)),
    "excel": table("sep=;", ["a;b", *(f"{i};{i % 5}" for i in I)]),
    "comments": table("# made by hand", ["# a b", "a,b", *(f"{i},{i % 5}" for i in I)]),
    "header_in_comment": table("# a, b", (f"{i},{i % 5}" for i in I)),
    "row_names": table("a,b", (f"r{i},{i},{i % 5}" for i in I)),
    "quoted": table('"a, b","c ""d"""', (f'"{i}","x{i % 3}, or ""so"""' for i in I)),
    "lines_in_cells": table("a,b", (f'{i},"x{i % 3}\nsecond"' for i in I)),
    "gaps": table("a,b,c", (f"{'' if i % 4 else i},NA,{'null' if i == 3 else i % 6}" for i in I)),
    "marks": table("a,b", (f"{'?' if i == 5 else i},{'-' if i == 7 else i / 3}" for i in I)),
    "marks_in_text": table("a,b", (f"{'?' if i % 3 else 'yes'},{i}" for i in I)),
    "truth": table("a,b", (f"{i % 2 == 0},{'TRUE' if i % 3 else 'false'}" for i in I)),
    "decimal_commas": table("a;b", (f"{i},{i % 10}5;{i}" for i in I)),
    "thousands": table("a;b", (f"{i + 1}.{i:03d},5;{i + 1}.{i * 7 % 1000:03d}" for i in I)),
    "groups": table("a\tb", (f"{i + 1},{i:03d}.25\t{i}" for i in I)),
    "either": table("a\tb\tc", (f"{i + 1},{i:03d}\t{i}\t{'' if i else 7}" for i in I)),
    "either_no_mark": table("a\tb", (f"{f'{i + 1},{i:03d}' if i % 2 else i}\t{i}" for i in I)),
    "units": table("a;b;c", (f"${i}.5;{i} kg;{i % 9} %" for i in I)),
    "two_units": table("a;b", (f"{i} {'kg' if i % 2 else 'lb'};{i}" for i in I)),
    "signs": table("a;b", (f"({i}.5);\u2212{i * 3 % 11}" for i in I)),
    "dates": table("a,b", (f"2020-{i % 12 + 1:02d}-{i % 28 + 1:02d},{i}" for i in I)),
    "dates_slashes": table("a,b", (f"2020/{i % 12 + 1:02d}/{i % 28 + 1:02d},{i}" for i in I)),
    "dates_dots": table("a,b", (f"{i % 28 + 1}.{i % 12 + 1}.2020,{i}" for i in I)),
    "no_date": table("a,b", (f"2021-02-{i % 30 + 1:02d},{i}" for i in I)),
    "quarters": table("a,b", (f"{2000 + i % 5}-Q{i % 4 + 1},{i}" for i in I)),
    "weeks": table("a,b", (f"{2000 + i % 5}-W{i + 1:02d},{i}" for i in I)),
    "no_week": table("a,b", (f"2021-W{i + 30:02d},{i}" for i in I)),
    "moments": table(
        "a,b", (f"2020-01-{i % 28 + 1:02d}T{i % 24:02d}:07:{i:02d}.25Z,{i}" for i in I)
    ),
    "offsets": table("a,b", (f"2020-01-01 {i % 24:02d}:00 +0{i % 9}:30,{i}" for i in I)),
    "nanoseconds": table("a,b", (f"2020-01-01T00:00:00.0000000{i:02d},{i}" for i in I)),
    "far_years": table(
        "a,b", (f"{'+' if i % 2 else '-'}{i * 997 + 4000:06d}-03-04,{i}" for i in I)
    ),
    "clocks": table("a,b", (f"{i % 12 + 1}:{i:02d} {'am' if i % 2 else 'PM'},{i}" for i in I)),
    "durations": table("a,b", (f"{i} days {i % 24:02d}:00:01.5,{i}" for i in I)),
    "periods": table("a,b", (f"P{i}DT{i % 7}H{i}M,{i}" for i in I)),
    "long_numbers": table("a,b", (f"{10**17 + i * 37 % 11},{i}" for i in I)),
    "long_decimals": table("a,b", (f"0.1{'0' * 18}{i * 7 % 10},{i}" for i in I)),
    "underscores": table("a,b", (f"2020_{i % 5:02d},{i}" for i in I)),
    "infinite": table(
        "a,b", (f"{'inf' if i == 3 else '-Infinity' if i == 4 else i},{i}" for i in I)
    ),
    "exponents": table("a,b", (f"{i}e{i % 5},{'+' if i % 2 else '-'}.{i}E-3" for i in I)),
    "labels": table("a,b,c", (f"k{i % 4},k{i * i % 3},{'x' if i % 2 else 'ö'}" for i in I)),
    "text": table("a,b,c", (f"comment number {i},{i},{i % 3}" for i in I)),
    "mixed_few": table("a,b", (f"{'x' if i == 3 else i % 5},{i}" for i in I)),
    "mixed_many": table("a,b,c", (f"{'x' if i == 3 else i},{i},{i}" for i in I)),
    "zipcodes": table("a,b", (f"0{i % 4}123,{i}" for i in I)),
    "spaces": table("a , b", (f"  {i} ,  {i % 5} " for i in I)),
    "blank_lines": table("a,b", ("" if i % 5 == 2 else f"{i},{i % 5}" for i in I)),
    "constant": table("a,b", (f"7,{i}" for i in I)),
    "no_names": table(",b,", (f"{i},{i % 5},{i % 2}" for i in I)),
    "ragged": table("a,b", (f"{i},{i}" if i < 20 else f"{i}" for i in I)),
    "same_names": table("a,a", (f"{i},{i}" for i in I)),
    "one_column": table("a", (f"{i}" for i in I)),
    "no_rows": "a,b\n",
    "latin1": table("a,b", (f"{i},\xe9" for i in I)).encode("latin-1"),
    "zero_bytes": table("a,b,c", (f"{i},x\0,{i}" for i in I)),
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
