"""`infonet matrix`: options, files and what is printed."""

from __future__ import annotations

import csv
import io
import json

import infonet
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.matrix.frames import adjust


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((200, 1)) + rng.standard_normal((200, 4)) * [0.3, 0.6, 1, 3]
    return pd.DataFrame(data, columns=["a", "b, c", "d", "e"])


@pytest.fixture
def file(table, tmp_path):
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, ["matrix", *[str(a) for a in arguments]])

    return invoke


def test_targets(run, file, table):
    found = json.loads(run(file, "--targets", '"b, c",d', "--json").stdout)
    assert found["names"] == ["a", "b, c", "d", "e"]
    assert found["columns"] == ["b, c", "d"]
    assert found["mi"][1][0] is None
    assert found["mi"][3][1] == infonet.mutual_information(table["e"], table["d"])
    found = json.loads(run(file, "--columns", "e,a", "--targets", "d", "--json").stdout)
    assert (found["names"], found["columns"]) == (["e", "a"], ["d"])
    printed = run(file, "--targets", "a").stdout.splitlines()
    assert len(printed) == 10
    assert printed[0].split() == ["a"]
    assert printed[1].split() == ["a", "-"]


def test_long_table_on_standard_output(run, file, table):
    result = run(file, "--format", "long", "--adjust", "bonferroni", "--bits")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == 6
    expected = infonet.pairwise(table)
    for row in rows:
        entry = expected[row["x"], row["y"]]
        assert float(row["mi"]) == pytest.approx(entry.bits, rel=1e-6)
        assert float(row["p_value"]) == pytest.approx(entry.p_value, rel=1e-6)
        assert float(row["p_adjusted"]) == pytest.approx(min(1, 6 * entry.p_value), rel=1e-6)
    found = json.loads(run(file, "--format", "long", "--json").stdout)
    p = np.array(found["p_value"])
    np.testing.assert_allclose(found["p_adjusted"], adjust(p, "fdr_bh"))
    assert found["x"][0] == "a"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("o.parquet", [], "wrote 6 pairs to"),
        ("o.csv", ["--format", "long"], "wrote 6 pairs to"),
        ("o.csv", [], "wrote 4 x 4 matrix to"),
        ("o.npy", ["--tile", "2", "--memory", "200MB"], "wrote 4 x 4 matrix to"),
    ],
)
def test_files(run, file, table, tmp_path, name, options, said):
    result = run(file, "-o", tmp_path / name, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert said in result.stderr
    direct = tmp_path / f"direct-{name}"
    layout = "matrix" if "matrix" in said and name == "o.csv" else None
    infonet.Estimator().pairwise(table, output=direct, layout=layout)
    assert (tmp_path / name).read_bytes() == direct.read_bytes()
    bits = run(file, "-o", tmp_path / f"bits-{name}", *options, "--bits")
    assert bits.exit_code == 0
    if name == "o.npy":
        expected = np.load(direct) / np.log(2)
        np.testing.assert_allclose(np.load(tmp_path / f"bits-{name}"), expected)


def test_top(run, file, tmp_path):
    assert run(file, "--top", 2).stdout.count(" nats") == 2
    saved = run(file, "--top", 1, "-o", tmp_path / "o.npy")
    assert saved.stdout.startswith("Strongest pairs:\n  a - b, c")
    assert saved.stdout.count(" nats") == 1


def test_strongest_pairs_have_intervals_and_p_values(run, file, table):
    strongest = infonet.pairwise(table).strongest(3)
    lines = run(file, "--top", 3).stdout.splitlines()[-3:]
    for line, pair in zip(lines, strongest, strict=True):
        assert line.startswith(f"  {' - '.join(pair.names)}")
        low, high = pair.interval
        assert f"{pair.mi:.3f} nats  (90 % interval {low:.3f} to {high:.3f}, p " in line
        assert line.endswith(f"{pair.p_value:.2g})")
    found = json.loads(run(file, "--top", 2, "--json", "--bits").stdout)["strongest"]
    assert found == [pair.to_dict("bits") for pair in strongest[:2]]


def test_normalized(run, file, table, tmp_path):
    expected = infonet.pairwise(table).correlation
    printed = run(file, "--normalized").stdout.splitlines()
    assert printed[1].split()[-3:] == [f"{value:.3f}" for value in expected[0, 1:]]
    assert f"correlation {np.nanmax(expected):.3f}, 90 % interval" in printed[7]
    found = json.loads(run(file, "--normalized", "--json").stdout)
    np.testing.assert_array_equal(np.array(found["correlation"], float), expected)
    assert "correlation" not in json.loads(run(file, "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(run(file, "--format", "long").stdout)))
    assert float(rows[0]["correlation"]) == pytest.approx(expected[0, 1], rel=1e-6)
    for name in ("m.npy", "m.csv"):
        refused = run(file, "--normalized", "-o", tmp_path / name)
        assert refused.exit_code == 1
        assert "--format long" in refused.stderr
    saved = run(file, "--normalized", "-o", tmp_path / "m.csv", "--format", "long")
    assert saved.exit_code == 0
    assert pd.read_csv(tmp_path / "m.csv")["correlation"][0] == pytest.approx(expected[0, 1])


def test_why_there_are_no_p_values(run, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((1_000_001, 2)))
    said = (
        "no p-values: the null distribution is known for 20 to 1,000,000 rows; "
        "Estimator.estimate(x, y, permutations=999) tests one pair\n"
    )
    long = run(tmp_path / "a.npy", "--format", "long")
    assert long.stderr == said
    assert long.stdout.splitlines()[1].split(",")[6:8] == ["", ""]
    assert json.loads(run(tmp_path / "a.npy", "--json").stdout)["notes"] == [said.strip()]


def test_resume(run, file, table, tmp_path):
    from infonet.matrix.resume import PartialRun

    path = tmp_path / "o.csv"
    infonet.Estimator().pairwise(table, output=path)
    with PartialRun(path) as partial:  # a run of something else that did not get far
        (partial.folder / "manifest.json").write_text("{}")
    refused = run(file, "-o", path, "--format", "long")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: ")
    assert "--no-resume" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert run(file, "-o", path, "--format", "long", "--no-resume").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--targets", "a,a"], "--targets a,a names a column twice"),
        (["--columns", "a", "--targets", "a"], "two are needed"),
        (["--targets", "z"], "column 'z' does not exist"),
        (["--memory", "much"], "memory is 'much'"),
        (["-o", "o.xlsx"], "allowed are .parquet, .csv and .npy"),
        (["-o", "o.parquet", "--format", "matrix"], "with layout 'matrix', allowed are"),
    ],
)
def test_what_is_refused(run, file, options, message):
    result = run(file, *options)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_input_is_not_written_over(run, file, table):
    before = file.read_bytes()
    assert "is the table itself: choose another file" in run(file, "-o", file).stderr
    with pytest.raises(infonet.InputError, match="is the table itself"):
        infonet.pairwise(file, output=str(file))
    assert file.read_bytes() == before


@pytest.mark.parametrize("options", [["--tile", "0"], ["--engine", "dask"], ["--adjust", "x"]])
def test_wrong_usage(run, file, options):
    assert run(file, *options).exit_code == 2
