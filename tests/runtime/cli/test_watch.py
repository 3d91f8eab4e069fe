"""`infonet watch`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import infonet
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((600, 3)).round(5)
ROWS[300:, 1] = (ROWS[300:, 0] + 0.5 * ROWS[300:, 1]).round(5)
PAIR = ("--window", 150, "--pairs", "a:b")


def text(rows, header="a,b,c\n", delimiter=","):
    return header + "".join(delimiter.join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def run():
    def invoke(stdin, *arguments):
        return CliRunner().invoke(main, ["watch", *map(str, arguments)], input=stdin)

    return invoke


def fails(result, message):
    assert result.exit_code == 1
    assert message in result.stderr.strip().splitlines()[-1]
    assert result.stderr.strip().splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in result.output


def test_evaluations_and_alerts(run):
    result = run(text(ROWS), *PAIR)
    assert result.exit_code == 0, result.output
    evaluations = infonet.Monitor(150, ("a", "b", "c"), [("a", "b")]).extend(ROWS)
    lines = result.stdout.splitlines()
    expected = [f"row {e.row}: {e.estimates[0]}" for e in evaluations]
    assert [line for line in lines if "ALERT" not in line] == expected
    found = [line for line in lines if "ALERT" in line]
    assert len(found) == sum(len(e.alerts) for e in evaluations) >= 1
    assert found[0].startswith("row 3")
    assert "ALERT dependence of a and b appears: 0." in found[0]
    assert result.stderr == "600 rows\n"
    assert run(text(ROWS), *PAIR, "--alerts").stdout.splitlines() == found


def test_json(run):
    lines = run(text(ROWS), *PAIR, "--json", "--bits").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    alerts = [one for one in found if "alert" in one]
    estimates = [one for one in found if "alert" not in one]
    assert estimates[0]["row"] == 150
    assert estimates[0]["unit"] == "bits"
    expected = infonet.estimate(ROWS[:150, 0], ROWS[:150, 1]).bits
    assert estimates[0]["mi"] == pytest.approx(expected, abs=1e-12)
    assert alerts[0]["alert"] == "appears"
    assert alerts[0]["estimate"]["unit"] == "bits"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " ", "   ", ", "])
def test_delimiters_and_headers(run, delimiter):
    expected = run(text(ROWS), *PAIR).stdout
    assert run(text(ROWS, delimiter.join("abc") + "\n", delimiter), *PAIR).stdout == expected
    bare = run(text(ROWS, "", delimiter), "--window", 150, "--pairs", "0:1").stdout
    assert bare == expected.replace("(a, b)", "(0, 1)").replace("a and b", "0 and 1")


def test_time_columns_blank_lines_and_quotes(run):
    rows = [f'"t, {i}",{a},{b},text' for i, (a, b, _) in enumerate(ROWS)]
    lines = "\ufeff\nwhen,a,b,note\n\n" + "\n\n".join(rows)
    found = run(lines.encode(), "--window", 150, "--time", "when", "--columns", "a,b")
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("row 150, t, 149: MI(a, b) = ")
    # Without a header, the time being text.
    bare = run("\n".join(rows), "--window", 150, "--time", 0, "--columns", "1,2")
    assert bare.stdout == found.stdout.replace("(a, b)", "(1, 2)").replace("a and b", "1 and 2")


def test_missing_values(run):
    rows = [[a, b, c] for a, b, c in ROWS.tolist()]
    rows[10][1], rows[11][0], rows[12][2] = "NA", "", "nan"
    fails(run(text(rows), *PAIR), "b is nan in row 11")
    result = run(text(rows), *PAIR, "--nan", "omit")
    assert result.exit_code == 0
    assert result.stderr == "600 rows, 3 with missing values left out\n"


def test_bad_lines(run):
    lines = text(ROWS).splitlines()
    lines[5], lines[9] = "1,x,2", "1,2"
    fails(run("\n".join(lines), *PAIR), "line 6 has 'x' where a number is needed: mend it")
    result = run("\n".join(lines), *PAIR, "--bad-lines", "omit")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "Warning: line 6 has 'x' where a number is needed, left out",
        "Warning: line 10 has 2 cells where the first line has 3, left out",
        "598 rows",
    ]
    fails(run(text([["1_000", 1, 2]]), *PAIR), "has '1_000' where a number is needed")
    fails(run(text([[2**60 + 1, 1, 2]]), *PAIR), "which a float would round")


def test_bad_input(run):
    fails(run("", *PAIR), "standard input is empty")
    fails(run("\n\n", *PAIR), "standard input is empty")
    fails(run(text(ROWS[:149]), *PAIR), "ended after 149 complete row(s), before the window")
    fails(run(text(ROWS, "a,b,a\n"), *PAIR), "names columns twice")
    fails(run(text(ROWS), "-w", 150, "--columns", "a,z"), "column 'z' does not exist")
    fails(run(text(ROWS), "-w", 150, "--columns", "a"), "two or more different names")
    fails(run(text(ROWS), "-w", 150, "--pairs", "ab"), "two names with a colon")
    fails(run(text(ROWS), "-w", 150, "--pairs", "a:d"), "no variable 'd'")
    fails(run(text(ROWS), "-w", 60), "too small")
    fails(run(text(ROWS), "-w", 150, "--false-alarms", 0), "false_alarms is 0")
    fails(run(b"\xff\xfe,1\n" * 3, "-w", 150), "where a number is needed")
    assert run(text(ROWS)).exit_code == 2


COMMAND = [sys.executable, "-m", "infonet", "watch", "-w", "150", "--stride", "1"]


def test_output_comes_at_once_and_ctrl_c_ends_it():
    """Every line is out before the next row is in; Ctrl-C is not an error."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(COMMAND, text=True, **pipes) as process:
        process.stdin.write(text(ROWS[:150, :2], ""))
        process.stdin.flush()
        assert process.stdout.readline().startswith("row 150: MI(0, 1)")
        process.stdin.write("1.5,2.5\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("row 151: MI(0, 1)")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == "151 rows\n"


def test_a_closed_pipe_is_no_traceback():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(COMMAND, text=True, **pipes) as process:
        process.stdin.write(text(ROWS[:150, :2], ""))
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        try:
            process.stdin.write(text(ROWS[150:, :2], ""))
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.wait(10) == 1
        assert process.stderr.read() == ""


def test_a_note_is_said_once_of_a_pair(run):
    rows = ROWS.copy()
    rows[:, 2] = 7
    found = run(text(rows), "--window", 150, "--pairs", "a:b,b:c")
    assert found.stderr.splitlines() == [
        "b and c: a variable is constant: mutual information is 0",
        "600 rows",
    ]


def given_rows():
    """a and b follow the load, and are joined besides from row 400 on."""
    load, a, b = np.random.default_rng(3).standard_normal((3, 600)).round(5)
    b[400:] += 1.5 * a[400:]
    return np.stack([load + a, load + b, load, np.arange(600) % 24], axis=1).round(5)


def test_given_columns(run):
    rows, header = given_rows(), "a,b,load,hour\n"
    result = run(text(rows, header), "--window", 150, "--given", "load,hour")
    assert result.exit_code == 0, result.output
    monitor = infonet.Monitor(150, ("a", "b", "load", "hour"), given=["load", "hour"])
    evaluations = monitor.extend(rows)
    lines = result.stdout.splitlines()
    assert [x for x in lines if "ALERT" not in x] == [
        f"row {e.row}: {e.estimates[0]}" for e in evaluations
    ]
    assert lines[0].startswith("row 150: MI(a; b | load, hour) = 0.0")
    (alert,) = (line for line in lines if "ALERT" in line)
    assert "ALERT dependence of a and b given load, hour appears: 0." in alert
    assert 400 < int(alert.split()[1].rstrip(":")) <= 550
    found = run(text(rows, header), "-w", 150, "--given", "load,hour", "--alerts", "--json")
    assert json.loads(found.stdout)["estimate"]["given"] == ["load", "hour"]


def test_given_columns_beside_those_named(run):
    """They need not be among --columns, and may be the time; pairs are of the others."""
    rows, header = given_rows(), "a,b,load,hour\n"
    expected = run(text(rows, header), "-w", 150, "--given", "hour", "--pairs", "a:b").stdout
    assert "MI(a; b | hour)" in expected
    assert run(text(rows, header), "-w", 150, "--given", "hour", "--columns", "a,b").stdout == (
        expected
    )
    every = run(text(rows, header), "-w", 150, "--given", "hour", "--columns", "a,b,hour")
    assert every.stdout == expected
    timed = run(text(rows, header), "-w", 150, "--given", "hour", "--time", "hour")
    assert timed.stdout.startswith("row 150, 5.0: MI(a; b | hour)")
    assert "MI(a; load | hour)" in timed.stdout


def test_bad_given_columns(run):
    stdin = text(given_rows(), "a,b,load,hour\n")
    for given, message in (
        ("z", "column 'z' does not exist: choose from a, b, load, hour"),
        ("load,load", "--given load,load names a column twice"),
        ("", "--given names no column"),
        ("b,load,hour", "variables are 1 beside those given"),
    ):
        fails(run(stdin, "-w", 150, "--given", given), message)
    pairs = ("--pairs", "a:load")
    fails(run(stdin, "-w", 150, "--given", "load", *pairs), "'load' is given, and in the pair")
