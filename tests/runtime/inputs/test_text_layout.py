"""Text files of other layouts: lines of comment, sep=, columns by blanks, headers by choice."""

from __future__ import annotations

import gzip
import io

import infonet
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.inputs.csv import Lines
from infonet.inputs.open import open_columns


def columns_of(tmp_path, text, header=None, name="t.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    source = open_columns(path, header=header)
    return {name: source.load(i).tolist() for i, name in enumerate(source.names)}, source.notes


PLAIN = {"x": [1, 3], "y": [2.5, 4]}
COMMENT = "lines of comment are left out: {} of "
BLANKS = "columns are taken as separated by blanks: "
ROWS = "rows are taken to begin with a name, for which the header has none: "
LAYOUTS = {
    "comment": ("# station 5\nx,y\n1,2.5\n3,4\n", (COMMENT.format(1),)),
    "comments": ("\n% station 5, north\n%\n\nx,y\n1,2.5\n3,4\n", (COMMENT.format(2),)),
    "comment of a quote": ("// don't \"quote\nx,y\n1,2.5\n3,4\n", (COMMENT.format(1),)),
    "as many cells": ("# north, 5\nx,y\n1,2.5\n3,4\n", (COMMENT.format(1),)),
    "comment at the end": ("# one\nx,y\n1,2.5\n# two\n3,4\n# three\n", (COMMENT.format(1),)),
    "names in a comment": ("# all in m\n# x,y\n1,2.5\n3,4\n", (COMMENT.format(1),)),
    "savetxt": ("# x y\n1.0e+00 2.5e+00\n3.0e+00 4.0e+00\n", (BLANKS,)),
    "sep": ("sep=;\nx;y\n1;2.5\n3;4\n", ()),
    "sep of a bar": ("\ufeffSEP=|\r\nx|y\r\n1|2.5\r\n3|4\r\n", ()),
    "blanks": ("x    y\n1  2.5\n  3 4  \n", (BLANKS,)),
    "blanks and tabs": ("x\ty\n1\t 2.5\n3 \t4\n", ()),
    "blanks within tabs": (" x y\tz\n1 2.5\t'a'\n3   4\t'a'\n", None),
    "names of rows": ('"x" "y"\n"1" 1 2.5\n"2" 3 4\n', (BLANKS, ROWS)),
    "names of rows, by commas": ("x,y\nu,1,2.5\nu,3,4\n", None),
    "quotes among blanks": ('"x" "y"\n"1" 2.5\n3 4\n', (BLANKS,)),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts(tmp_path, kind):
    text, notes = LAYOUTS[kind]
    found, said = columns_of(tmp_path, text)
    assert {name: found[name] for name in PLAIN} == PLAIN
    if notes is not None:
        assert [note.split(str(tmp_path))[0] for note in said] == list(notes)
    content = gzip.compress(text.encode())
    (tmp_path / "t.csv.gz").write_bytes(content)
    assert open_columns(tmp_path / "t.csv.gz", ["x"]).load(0).tolist() == PLAIN["x"]


def test_texts_in_utf_16(tmp_path):
    for code in ("utf-16", "utf-16-be", "utf-16-le"):
        text = "\ufeff" * (code != "utf-16") + "x\ty\r\n1\t2,5\r\n3\t4,0\r\n"
        (tmp_path / "t.txt").write_bytes(text.encode(code))
        source = open_columns(tmp_path / "t.txt")
        assert [source.load(i).tolist() for i in range(2)] == [[1, 3], [2.5, 4]]
    (tmp_path / "t.txt").write_bytes("\ufeffx\ty\r\n1\t2".encode("utf-16-le")[:-1])
    with pytest.raises(infonet.InputError, match="is not UTF-8 text"):
        open_columns(tmp_path / "t.txt")


def test_a_delimiter_at_the_end_of_rows_names_no_rows(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2,\n3,4,\n")
    with pytest.raises(infonet.InputError, match="3 cells in row 2 and 2 in the first row"):
        open_columns(tmp_path / "t.csv")


UNLIKE = {
    "a name like a comment": ("#,Name\n1,2\n3,4\n", ["#", "Name"]),
    "a name that begins so": ("#id,y\n1,2\n3,4\n", ["#id", "y"]),
    "one column": ("#id\n1\n3\n", ["#id"]),
    "text of two words": ("name\nJohn Smith\nJohn Smith\n", ["name"]),
    "times": ("2020-01-01 07:00\n2020-01-02 07:00\n2020-01-02 08:00\n", ["2020-01-01 07:00"]),
    "thousands by blanks": ("x\n1 234\n5 678\n", ["x"]),
    "two numbers in a cell": ("id,place\n1,52.1 13.4\n2,52.1 13.4\n", ["id", "place"]),
}


@pytest.mark.parametrize("kind", UNLIKE)
def test_what_only_looks_like_it(tmp_path, kind):
    text, names = UNLIKE[kind]
    assert list(columns_of(tmp_path, text)[0]) == names


def test_blanks_agree_with_commas(tmp_path, estimator):
    data = np.random.default_rng(0).standard_normal((100, 3))
    np.savetxt(tmp_path / "t.dat", data)
    np.savetxt(tmp_path / "t.csv", data, delimiter=",", header="a,b,c")
    with pytest.warns(infonet.InfoNetWarning, match="pass --header"):
        found = estimator.pairwise(tmp_path / "t.dat")
    assert found.names == ("0", "1", "2")
    assert found.mi.tobytes() == estimator.pairwise(data).mi.tobytes()
    named = estimator.pairwise(tmp_path / "t.csv")
    assert (named.names, named.mi.tobytes()) == (("a", "b", "c"), found.mi.tobytes())


def test_headers_by_choice(tmp_path):
    years = "2020,2021\n1,2\n3,4\n"
    assert columns_of(tmp_path, years, True)[0] == {"2020": [1, 3], "2021": [2, 4]}
    assert columns_of(tmp_path, years, False)[0] == {"0": [2020, 1, 3], "1": [2021, 2, 4]}
    words = "u,v\nu,w\nv,v\nv,w\n"
    assert columns_of(tmp_path, words, False)[0] == {"0": [0, 0, 1, 1], "1": [0, 1, 0, 1]}
    assert open_columns(tmp_path / "t.csv", header=False).names == ("0", "1")
    assert columns_of(tmp_path, "# a,b\n1,2\n3,4\n", False)[0] == {"0": [1, 3], "1": [2, 4]}
    np.save(tmp_path / "t.npy", np.ones((3, 2)))
    with pytest.raises(infonet.InputError, match="is no text file, only those have a header"):
        open_columns(tmp_path / "t.npy", header=True)


def test_headers_on_the_command_line(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 120)).round(6)
    text = "2020,2021\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y, strict=True))
    path = str(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text(text)
    expected = str(infonet.Estimator().estimate(x, y, names=("2020", "2021")))
    columns = ["--x", "2020", "--y", "2021"]
    picture = str(tmp_path / "p.png")
    for command in (["mi", path], ["mi", "-"], ["plot", path, "-o", picture]):
        found = CliRunner().invoke(main, [*command, *columns, "--header"], input=text)
        assert (found.exit_code, found.stdout.strip()) == (0, expected)
        assert "first row" not in found.stderr
    for command in (["matrix", path], ["smi", path, *columns, "--projections", "2"]):
        assert CliRunner().invoke(main, [*command, "--header"]).exit_code == 0
    without = CliRunner().invoke(
        main, ["mi", path, "--x", "0", "--y", "1", "--no-header", "--json"]
    )
    assert '"n": 121' in without.stdout
    assert without.stderr == ""
    watch = ["watch", "-w", "100", "--columns", "2020,2021"]
    assert CliRunner().invoke(main, [*watch, "--header"], input=text).exit_code == 0
    assert "'2020' does not exist" in CliRunner().invoke(main, watch, input=text).stderr


def test_lines_with_a_header_by_choice():
    text = "1,2\n3,4\n"
    names = [Lines.open(io.StringIO(text), None, None, header).names for header in (True, False)]
    assert names == [("1", "2"), ("0", "1")]
    rows = list(Lines.open(io.StringIO("a,b\n1,2\n"), None, None, False).lines)
    assert [line.strip() for _, line in rows] == ["a,b", "1,2"]


def test_lines_with_marks_of_missing_values():
    table = Lines.open(io.StringIO("a,b\n1,?\n"), None, None)
    (line,) = (line for _, line in table.lines)
    np.testing.assert_array_equal(table.parse(line)[0], [1, np.nan])


def test_ragged_rows_show_how_they_begin(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\ntotal: 3\n")
    with pytest.raises(infonet.InputError, match=r"1 cells in row 3 .*begins with 'total: 3'"):
        open_columns(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["a\nb", "a\tb\x1b[31m", "a\u2028b", "a\0b"])
def test_names_of_any_kind_are_said_on_one_line(tmp_path, estimator, name):
    rows = "".join(f"{i % 7},{'u' if i % 3 else 'v'},id{i}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f'x,"{name}","{name}2"\n{rows}', newline="")
    notes = open_columns(tmp_path / "t.csv", unusable="omit").notes
    assert len(notes) == 2
    assert all(note.isprintable() for note in notes)
    for ask in (["none"], [name + "2"], None):
        with pytest.raises(infonet.InputError) as caught:
            estimator.pairwise(tmp_path / "t.csv", ask)
        assert str(caught.value).isprintable()
    (tmp_path / "t.csv").write_text(f'"{name}","{name}"\n1,2\n', newline="")
    with pytest.raises(infonet.InputError, match="names columns twice") as caught:
        open_columns(tmp_path / "t.csv")
    assert str(caught.value).isprintable()
