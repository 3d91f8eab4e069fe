"""Text in CSV files that means numbers, and text that does not."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys

import infonet
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.inputs.convert import MOST_LEVELS
from infonet.inputs.open import open_columns

NAN = np.nan


TIMES = 6000  # rows of each cell: some thousand rows are held as text at a time, three of these


@pytest.fixture
def read(tmp_path):
    """What cells, each in thousands of rows one after the other, become, and what is said."""

    def read(cells, delimiter=";"):
        path = tmp_path / "t.csv"
        repeated = [cell for cell in cells for _ in range(TIMES)]
        rows = "".join(f"{cell}{delimiter}{i}\n" for i, cell in enumerate(repeated))
        path.write_text(f"a{delimiter}i\n{rows}", encoding="utf-8")
        source = open_columns(path)
        assert source.load(1).tolist() == list(range(len(repeated)))
        column = source.load(0)
        np.testing.assert_array_equal(column, np.repeat(column[::TIMES], TIMES))
        return column[::TIMES], source.notes

    return read


@pytest.mark.parametrize(
    ("cells", "expected", "note"),
    [
        (["True", "false", " TRUE ", "", "False"], [1, 0, 1, NAN, 0], "true and false"),
        (["1,5", "-2,25", "3", "NA", "1,5e3", ",5"], [1.5, -2.25, 3, NAN, 1500, 0.5], "commas"),
        (["1,234", "12,345", "999,000"], [1.234, 12.345, 999], "decimal commas"),
        (["2020-01-02", "", "2020-01-01"] * 2, [86.4e9, NAN, 0] * 2, "dates and times"),
        (["2020/01/02", "1999/12/31", "2020/01/01"], [0, -7307 * 86.4e9, -86.4e9], "dates"),
        (["2020-01-01T00:00", "2020-01-01 00:00:01.5Z", "2020-01-02"], None, "dates and times"),
        (["u", "v", "v", "NA", "w", "v", "u"], [1, 0, 0, NAN, 2, 0, 1], "without an order"),
        (["1", "2", "x", "1", "2", "1", "x"], [0, 1, 2, 0, 1, 0, 2], "without an order"),
    ],
)
def test_meanings(read, cells, expected, note):
    column, notes = read(cells)
    assert note in notes[0]
    if expected is None:
        np.testing.assert_array_equal(column - column[0], [0, 1_500_000, 86.4e9])
    elif "dates" in notes[0]:
        column = column - column[0] + expected[0]
        np.testing.assert_array_equal(column, expected)
    else:
        np.testing.assert_array_equal(column, expected)


def test_nanoseconds(read):
    column, _ = read(
        ["2020-01-01 00:00:00.000000002", "2020-01-01 00:00:00.000000001", "2020-01-01"]
    )
    np.testing.assert_array_equal(column - column[2], [2, 1, 0])


def test_commas_in_quotes(read):
    column, notes = read(['"1,5"', '"2,5"', '"0,5"'], ",")
    assert column.tolist() == [1.5, 2.5, 0.5]
    assert notes == ("decimal commas are read as decimal points: a",)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1,234", "12", "1,000"], "decimal commas or separators of thousands.*without separators"),
        (
            ["v1.234", "v1.000", "v2.500"],
            "text with 3 different values in 3 rows.*such as 'v1.234'",
        ),
        ([f"id{i}" for i in range(9)], "text with 9 different values in 9 rows"),
        ([*map(str, range(30)), "?", "unknown", "?"], "numbers mixed with text such as 'unknown'"),
        ([*map(str, range(40_000)), "?", "unknown"], "numbers mixed with text such as 'unknown'"),
        (["2020-02-30", "2020-02-28", "2020-02-29"], "text with 3 different"),
        (["2020-01-01", "2020/01/02", "soon"], "text with 3 different"),
    ],
)
def test_no_meaning(tmp_path, cells, message):
    path = tmp_path / "u.csv"
    path.write_text("i;a\n" + "".join(f"{i};{cell}\n" for i, cell in enumerate(cells)))
    with pytest.raises(infonet.InputError, match=f"column 'a' holds .*{message}") as caught:
        open_columns(path)
    assert "\n" not in str(caught.value)
    source = open_columns(path, unusable="omit")
    assert source.names == ("i",)
    assert source.notes[0].startswith("left out: a (")
    assert open_columns(path, ["i"]).notes == ()  # of no concern


def test_free_text_is_not_kept(tmp_path):
    """A column of ever new texts is given up, not collected."""
    path = tmp_path / "t.csv"
    rows = 4 * MOST_LEVELS
    path.write_text("a,b\n" + "".join(f"text {i % (rows // 2)},{i}\n" for i in range(rows)))
    with pytest.raises(infonet.InputError) as caught:
        open_columns(path)
    found = re.search(
        rf"text with more than (\d+) different values in {rows} rows", str(caught.value)
    )
    assert MOST_LEVELS <= int(found[1]) < 1.5 * MOST_LEVELS


def test_agrees_with_pandas(tmp_path):
    rng = np.random.default_rng(0)
    n = 40_000
    frame = pd.DataFrame(
        {
            "x": rng.standard_normal(n),
            "flag": rng.integers(0, 2, n).astype(bool),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**9, n), "ms"),
            "kind": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]),
        }
    )
    frame.loc[rng.integers(0, n, 100), ["x", "kind", "when"]] = None
    frame.to_csv(tmp_path / "comma.csv", sep=";", decimal=",", index=False)
    frame.to_csv(tmp_path / "point.csv.gz", index=False)
    expected = open_columns(frame)
    for name in ("comma.csv", "point.csv.gz"):
        source = open_columns(tmp_path / name)
        assert source.names == expected.names
        for i in range(4):
            ours, theirs = source.load(i), expected.load(i)
            if source.names[i] == "when":  # units differ
                ours, theirs = (np.unique(t, return_inverse=True)[1] for t in (ours, theirs))
            np.testing.assert_array_equal(ours, theirs)
    assert len(open_columns(tmp_path / "comma.csv").notes) == 4


def test_compressed_files(tmp_path):
    text = "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(5000))
    content = gzip.compress(text.encode())
    for name in ("t.csv.gz", "t.tsv.GZ", "t.csv"):  # what it holds decides
        (tmp_path / name).write_bytes(content)
        assert open_columns(tmp_path / name).load(1)[-1] == 4999**2
    for name, part in (
        ("short.csv.gz", content[:-200]),
        ("bad.csv.gz", content[:99] + content[120:]),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(infonet.InputError, match="not a readable CSV file|not UTF-8") as caught:
            open_columns(tmp_path / name)
        assert "\n" not in str(caught.value)
    (tmp_path / "t.gz").write_bytes(content)
    with pytest.raises(infonet.InputError, match=r"ends in \.gz, allowed are CSV"):
        open_columns(tmp_path / "t.gz")


def test_standard_input():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 100)).round(6)
    text = "x;y;id\n" + "".join(f"{a};{b};id{a}\n" for a, b in zip(x, y, strict=True))
    expected = str(infonet.Estimator().estimate(x, y, names=("x", "y")))
    for content in (text.encode(), gzip.compress(text.encode()), text.replace(".", ",").encode()):
        found = CliRunner().invoke(main, ["mi", "-", "--x", "x", "--y", "y"], input=content)
        assert (found.exit_code, found.stdout.strip()) == (0, expected)
    found = CliRunner().invoke(main, ["matrix", "-"], input=text)
    assert found.stderr.startswith("left out: id (text with 100 different values")
    found = CliRunner().invoke(main, ["smi", "-", "--x", "x", "--y", "y,x"], input=text)
    assert found.exit_code == 0
    empty = CliRunner().invoke(main, ["mi", "-", "--x", "x", "--y", "y"], input="")
    assert empty.stderr == (
        "Error: standard input is empty: give a file with a header and rows of numbers\n"
    )


def test_notes_on_the_command_line(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.standard_normal(100)
    kind = np.where(y > 0.3, "high", "low")
    path = tmp_path / "t.csv"
    path.write_text("k,y\n" + "".join(f"{k},{v}\n" for k, v in zip(kind, y, strict=True)))
    note = "categories without an order are taken as codes, the most frequent as 0: k"
    for arguments in (["mi", path, "--x", "k", "--y", "y"], ["matrix", path]):
        found = CliRunner().invoke(main, list(map(str, arguments)))
        assert found.exit_code == 0
        assert found.stderr.splitlines()[0] == f"{note} (2 categories)"
        assert found.stderr.count("taken as codes") == 1
    untouched = CliRunner().invoke(main, ["smi", str(path), "--x", "y", "--y", "y"])
    assert untouched.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["info"], ["demo"], ["mi", "FILE", "--x", "a", "--y", "b", "--json"]]
)
def test_a_full_disk_is_one_line(tmp_path, arguments):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i * i % 97}\n" for i in range(100)))
    with open("/dev/full", "w") as full:  # noqa: PTH123
        found = subprocess.run(
            [
                sys.executable,
                "-m",
                "infonet",
                *[str(path) if a == "FILE" else a for a in arguments],
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 1
    assert found.stderr == "Error: cannot write the output: No space left on device\n"


def test_bytes_that_are_no_text():
    found = CliRunner().invoke(main, ["matrix", "-"], input=bytes(range(128, 256)))
    assert found.stderr == "Error: standard input is not UTF-8 text: save it as UTF-8\n"


def test_minus_zero_is_no_code(estimator):
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, 500))
    texts = [f"{value:.1f}" for value in x]
    assert {"0.0", "-0.0"} <= set(texts)
    found = estimator.estimate(texts, x + e)
    assert found.mi == estimator.estimate([float(text) for text in texts], x + e).mi
