"""The `infonet` command: output, exit codes, one-line errors."""

from __future__ import annotations

import json
import subprocess
import sys

import infonet
import infonet.cli as commands
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main

RNG = np.random.default_rng(0)
A = RNG.standard_normal(200)
B = A + RNG.standard_normal(200)


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments])

    return invoke


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "t.csv"
    rows = (f"{a},{b},{i},day {i}" for i, (a, b) in enumerate(zip(A, B, strict=True)))
    path.write_text("A,B,i,label\n" + "\n".join(rows))
    return path


def fails(result, message, code=1):
    assert result.exit_code == code
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert message in lines[0]


def install(folder, name, command=None):
    """What pip writes of a package: its name, and a command that it adds to `infonet`.

    Of packages of one name, Python takes the first on its path: this one hides that installed.
    """
    about = folder / f"{name.replace('-', '_')}-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    if command is not None:
        (about / "entry_points.txt").write_text(f"[{commands.GROUP}]\n{command}\n")


def test_mi(run, csv):
    result = run("mi", csv, "--x", "A", "--y", "B")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(infonet.Estimator().estimate(A, B, names=("A", "B")))


def test_mi_json_and_bits(run, csv):
    expected = infonet.estimate(A, B)
    nats = json.loads(run("mi", csv, "--x", "A", "--y", "B", "--json").stdout)
    bits = json.loads(run("mi", csv, "--x", "A", "--y", "B", "--json", "--bits").stdout)
    assert (nats["x"], nats["y"], nats["n"], nats["unit"]) == ("A", "B", 200, "nats")
    assert nats["mi"] == expected.mi
    assert nats["interval"] == list(expected.interval)
    assert bits["mi"] == pytest.approx(expected.mi / np.log(2))


def test_mi_normalized(run, csv):
    expected = infonet.Estimator().estimate(A, B, names=("A", "B"))
    printed = run("mi", csv, "--x", "A", "--y", "B", "--normalized").stdout.strip()
    assert printed == f"{expected}, correlation {expected.correlation:.4f}"
    found = json.loads(run("mi", csv, "--x", "A", "--y", "B", "--json").stdout)
    assert found["correlation"] == expected.correlation


def test_notes_of_every_command_are_said_once(run, tmp_path):
    """On standard error, and in JSON: what was done to columns, then what is said of the answer."""
    path = tmp_path / "t.csv"
    rows = (
        f"{a},{'uvw'[int(b * 7) % 3]},{i % 2}" for i, (a, b) in enumerate(zip(A, B, strict=True))
    )
    path.write_text("A,B,one\n" + "\n".join(rows))
    done = (
        "categories without an order are taken as codes, the most frequent as 0: B (3 categories)"
    )
    groups = ("--x", "A,B", "--y", "one,B", "--projections", "2")
    for arguments in (
        ("mi", path, "--x", "A", "--y", "B"),
        ("smi", path, *groups),
        ("matrix", path),
    ):
        assert run(*arguments).stderr.splitlines() == [done]
        found = run(*arguments, "--json")
        assert found.stderr.splitlines() == [done]
        assert json.loads(found.stdout)["notes"][0] == done
    found = run("smi", path, *groups, "--tolerance", "1e-9", "--max-projections", "64",
                "--projections", "64")  # fmt: skip
    assert found.stderr.count(done) == 1
    assert "above the tolerance" in found.stderr


def test_mi_of_numpy_files(run, tmp_path):
    np.save(tmp_path / "t.npy", np.stack([A, B], axis=1))
    found = json.loads(run("mi", tmp_path / "t.npy", "--x", "0", "--y", 1, "--json").stdout)
    assert found["mi"] == infonet.mutual_information(A, B)


def test_matrix(run, csv, tmp_path):
    result = run("matrix", csv)
    assert result.exit_code == 0
    assert result.stderr == "left out: label (text with 200 different values in 200 rows)\n"
    assert "Strongest pairs:\n  A - B" in result.stdout
    saved = run("matrix", csv, "-o", tmp_path / "m.csv", "--columns", "B,A", "--threads", 1)
    assert saved.exit_code == 0
    assert saved.stdout == ""
    lines = (tmp_path / "m.csv").read_text().splitlines()
    assert lines[0] == ",B,A"
    assert float(lines[1].split(",")[2]) == pytest.approx(infonet.mutual_information(B, A))


def test_matrix_json(run, csv):
    found = json.loads(run("matrix", csv, "--columns", "A,B", "--json").stdout)
    assert found["names"] == ["A", "B"]
    assert found["mi"][0] == [None, infonet.mutual_information(A, B)]


def test_columns_with_commas(run, tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{a},{b}\n" for a, b in zip(A, B, strict=True))
    path.write_text(f'"A, in m",B\n{rows}')
    found = json.loads(run("matrix", path, "--columns", 'B,"A, in m"', "--json").stdout)
    assert found["names"] == ["B", "A, in m"]


def test_wide_matrix_points_to_output(run, tmp_path):
    np.save(tmp_path / "w.npy", RNG.random((50, 13)))
    assert "too wide to print" in run("matrix", tmp_path / "w.npy").stdout


def test_demo(run):
    result = run("demo")
    assert result.exit_code == 0
    assert "1461 days" in result.stdout
    assert "day_of_year" in result.stdout
    assert "Pearson r" in result.stdout


def test_info(run):
    result = run("info")
    assert result.exit_code == 0
    assert "copula" in result.stdout
    fields = json.loads(run("info", "--json").stdout)
    assert fields["infonet.architecture"] == "copula"


def test_doctor(run):
    result = run("doctor")
    assert result.exit_code == 0, result.output
    for word in ("kernels", "ranks correctly", "device cuda", "truth is 0.5108"):
        assert word in result.stdout
    assert json.loads(run("doctor", "--json").stdout)["ok"] is True


@pytest.mark.usefixtures("operators")  # a problem of the compiled library is one of those
def test_doctor_reports_problems(run, monkeypatch, tmp_path):
    for name in ("onnxruntime", "onnxruntime-gpu"):
        install(tmp_path, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert "onnxruntime-gpu are both installed" in run("doctor").stderr
    monkeypatch.setenv("INFONET_KERNELS_LIBRARY", "/no/such/library")
    broken = run("doctor")
    assert broken.exit_code == 1
    assert "Problem: kernels" in broken.stderr
    assert "Traceback" not in broken.output


BAD = {
    "nan": ("A,B\n" + "1,2\n" * 30 + "nan,3\n", "1 NaN value (first at index 30)"),
    "missing": ("A,B\n" + "1,2\n" * 30 + ",3\n", "--nan omit"),
    "inf": ("A,B\n" + "1,2\n" * 30 + "inf,3\n", "1 infinite value"),
    "strings": (
        "A,B\n" + "".join(f"x{i},2\n" for i in range(30)),
        "column 'A' holds text with 30 different values in 30 rows",
    ),
    "3 samples": ("A,B\n1,2\n2,3\n5,6\n", "A has 3 samples, the model needs at least"),
    "unequal lengths": ("A,B\n1,2\n2\n", "1 cells in row 3"),
    "no column": ("A,C\n1,2\n", "column 'B' does not exist: choose from A, C"),
    "empty": ("", "is empty"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_data(run, tmp_path, kind):
    content, message = BAD[kind]
    path = tmp_path / "t.csv"
    path.write_text(content)
    fails(run("mi", path, "--x", "A", "--y", "B"), message)


def test_bad_files_and_models(run, csv, tmp_path):
    fails(run("mi", tmp_path / "none.csv", "--x", "A", "--y", "B"), "no file at")
    fails(run("matrix", csv, "--columns", "A,nope"), "column 'nope' does not exist")
    fails(run("matrix", csv, "--columns", "A"), "1 column(s) that can be used, two are needed")
    fails(run("matrix", csv, "--columns", "A,A"), "--columns A,A names a column twice")
    fails(run("matrix", csv, "--columns", "A,B", "-o", tmp_path / "no" / "m.csv"), "cannot write")
    corrupt = tmp_path / "corrupt.onnx"
    corrupt.write_bytes(b"\x00" * 100)
    for command in (("mi", csv, "--x", "A", "--y", "B", "--model", corrupt), ("info", corrupt)):
        fails(run(*command), "damaged or is not an ONNX model")
    fails(run("info", tmp_path / "none.onnx"), "no model file at")
    # A whole ONNX message (version 8, an empty graph) without metadata of infonet.
    corrupt.write_bytes(b"\x08\x08\x3a\x00")
    fails(run("info", corrupt), "an ONNX model of another program")


def test_omit(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("A,B\n" + "\n".join(f"{a},{b}" for a, b in zip(A, B, strict=True)) + "\n,1\n")
    found = json.loads(run("mi", path, "--x", "A", "--y", "B", "--nan", "omit", "--json").stdout)
    assert found["n"] == 200


def test_warnings_are_one_line(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("A,B\n" + "\n".join(f"{a},7" for a in A))
    result = run("mi", path, "--x", "A", "--y", "B")
    assert result.exit_code == 0
    assert result.stderr == "B constant: mutual information is 0\n"
    wide = run("matrix", path)
    assert wide.stderr.count("\n") == 1
    assert wide.stderr.startswith("Warning: 1 pair(s) have a constant column")


def test_usage_errors(run, csv):
    for arguments in (("mi", csv), ("mi", csv, "--x", "A"), ("matrix",), ("no-such-command",)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "Usage: " in result.stderr
    assert run("mi", csv, "--x", "A", "--y", "B", "--threads", "0").exit_code == 2


def test_help_names_the_exporter_without_importing_it(run, monkeypatch, tmp_path):
    install(tmp_path, "infonet", "export = no_such_module:command")
    monkeypatch.syspath_prepend(tmp_path)
    assert "Write a checkpoint as an ONNX model file." in run("--help").stdout
    fails(run("export", "--help"), "pip install 'infonet[export]'")


def test_exporter_is_missing(run, monkeypatch, tmp_path):
    install(tmp_path, "infonet")
    monkeypatch.syspath_prepend(tmp_path)
    fails(run("train"), "infonet train needs infonet[export], which is not installed")


def test_plug_in_runs(run, monkeypatch, tmp_path):
    install(tmp_path, "a-plug-in", "extra = infonet.cli.diagnosis:info")
    monkeypatch.syspath_prepend(tmp_path)
    assert "A plug-in." in run("--help").stdout
    assert "architecture" in run("extra").stdout


def test_real_process(csv):
    command = [sys.executable, "-m", "infonet"]

    def call(*arguments):
        return subprocess.run(
            [*command, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert call("--version").stdout.strip().endswith(infonet.__version__)
    good = call("matrix", csv)
    assert good.returncode == 0
    # No progress bar, no warnings.
    assert good.stderr == "left out: label (text with 200 different values in 200 rows)\n"
    bad = call("mi", csv, "--x", "A", "--y", "label")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.count("\n") == 1
