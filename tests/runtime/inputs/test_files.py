"""Reading tables from files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import zipfile

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pytest
from infonet.inputs.files import require_regular_file
from infonet.inputs.open import open_columns
from usable import read_usable


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


GOOD = {
    "commas": "a,b\n1,2\n3,4\n",
    "semicolons": "a;b\n1;2\n3;4\n",
    "tabs": "a\tb\n1\t2\n3\t4\n",
    "quotes and spaces": '"a", "b"\r\n 1, 2\r\n"3", 4\r\n',
    "a blank first line": "\n \na;b\n1;2\n3;4\n",
    "byte order mark": "\ufeffa,b\n1,2\n3,4\n",
    "blank lines, no last end": "a,b\n\n1,2\n\n3,4",
    "exponents": "a,b\n1e0,2.0\n+3,40E-1\n",
}


@pytest.mark.parametrize("kind", GOOD)
def test_csv(tmp_path, kind):
    columns, _ = read_usable(write(tmp_path, GOOD[kind]))
    assert {name: column.tolist() for name, column in columns.items()} == {
        "a": [1, 3],
        "b": [2, 4],
    }


def test_csv_without_header(tmp_path):
    with pytest.warns(infonet.InfoNetWarning, match=r"numbers in its first row.*called 0, 1"):
        columns, _ = read_usable(write(tmp_path, "1,2\n3,4\n"))
    assert columns["0"].tolist() == [1, 3]
    assert list(columns) == ["0", "1"]
    with pytest.warns(infonet.InfoNetWarning, match="first row"):
        columns, _ = read_usable(write(tmp_path, "1,NA\n3,4\n"))
    np.testing.assert_array_equal(columns["1"], [np.nan, 4])
    assert list(read_usable(write(tmp_path, ",0,1\n0,1,2\n1,3,4\n"))[0]) == [
        "column 0",
        "0",
        "1",
    ]


def test_csv_delimiter(tmp_path):
    columns, _ = read_usable(write(tmp_path, '"a, x, y";b\n1;2\n3;4\n'))
    assert list(columns) == ["a, x, y", "b"]
    columns, _ = read_usable(write(tmp_path, "heat;C,b\n1,2\n3,4\n"))
    assert list(columns) == ["heat;C", "b"]


def test_csv_numbers_have_no_underscores(tmp_path):
    _, left_out = read_usable(write(tmp_path, "month,b\n2020_01,1\n2020_02,2\n2020_03,3\n"))
    assert left_out == ("month",)


def test_csv_with_missing_values_and_text(tmp_path):
    columns, _ = read_usable(write(tmp_path, "a,b,c,d\n1,NA,x,\n,2,3,nan\n3,null,,None\n"))
    np.testing.assert_array_equal(columns["a"], [1, np.nan, 3])
    np.testing.assert_array_equal(columns["b"], [np.nan, 2, np.nan])
    np.testing.assert_array_equal(columns["c"], [1, 0, np.nan])
    assert np.isnan(columns["d"]).all()


def test_long_csv_agrees_with_pandas(tmp_path):
    data = np.random.default_rng(0).standard_normal((40_000, 2))
    frame = pd.DataFrame(data, columns=["a", "b"])
    frame["t"] = [f"text {i // 2}" for i in range(len(frame))]
    frame["s"] = [f"text {i}" for i in range(len(frame))]
    frame.loc[20_000, "a"] = np.nan
    frame.to_csv(tmp_path / "long.csv", index=False)
    columns, left_out = read_usable(tmp_path / "long.csv")
    np.testing.assert_array_equal(columns["a"], frame["a"])
    np.testing.assert_array_equal(columns["b"], frame["b"])
    assert np.unique(columns["t"], return_counts=True)[1].tolist() == [2] * 20_000
    assert left_out == ("s",)


BAD = {
    "empty": (b"", "t.csv", "is empty: give a file"),
    "blank": (b"\n\n", "t.csv", "is empty"),
    "header only": (b"a,b\n", "t.csv", "header and no rows"),
    "ragged": (b"a,b\n1,2\n3\n", "t.csv", "1 cells in row 3 and 2 in the first"),
    "names": (b"a,a\n1,2\n", "t.csv", r"names columns twice \(a\)"),
    "zero bytes": (b"a,b\n1,2\n\0\0,3\n", "t.csv", "column 'a' holds zero bytes.*write the file"),
    "half of UTF-16": (
        "a,b\n1,2\n3,4\n".encode("utf-16-le"),
        "t.csv",
        r"begins with '\\x00'",
    ),
    "an open quote": (b'a,b\n"1,2\n3,4\n', "t.csv", "1 cells in row 2 .*begins with '1,2"),
    "a huge cell": (b"a,b\n" + b"x" * 200_000 + b",2\n", "t.csv", "field larger than field limit"),
    "binary": (bytes(range(128, 256)), "t.csv", "not UTF-8"),
    "parquet": (b"PAR1 no", "t.parquet", "not a readable Parquet file"),
    "npy": (b"\x93NUMPY no", "t.npy", "not a readable NumPy file"),
    "npz": (b"PK no", "t.npz", "not a readable NumPy file"),
    "ending": (b"1", "t.xlsx", "ends in .xlsx, allowed are CSV"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files(tmp_path, kind):
    content, name, message = BAD[kind]
    with pytest.raises(infonet.InputError, match=message) as caught:
        open_columns(write(tmp_path, content, name))
    assert "\n" not in str(caught.value)


def test_missing_file_directory_and_columns(tmp_path):
    with pytest.raises(infonet.InputError, match=r"no file at .*check the path"):
        open_columns(tmp_path / "none.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(infonet.InputError, match="is a folder"):
        open_columns(tmp_path / "d.csv")
    os.mkfifo(tmp_path / "p.csv")
    with pytest.raises(infonet.InputError, match="is a pipe, give a regular file"):
        open_columns(tmp_path / "p.csv")
    path = write(tmp_path, "a,b\n1,x\n2,y\n3,z\n")
    with pytest.raises(infonet.InputError, match="'c' does not exist: choose from a, b"):
        open_columns(path, ["c"])
    with pytest.raises(infonet.InputError, match="'b' holds text with 3 different values in 3"):
        open_columns(path, ["b"])


def test_parquet(tmp_path):
    frame = pl.DataFrame({"a": [1, None, 3], "b": [True, False, True], "s": ["x", "y", "z"]})
    frame.write_parquet(tmp_path / "t.parquet")
    columns, left_out = read_usable(tmp_path / "t.parquet")
    np.testing.assert_array_equal(columns["a"], [1, np.nan, 3])
    assert columns["b"].tolist() == [True, False, True]
    assert left_out == ("s",)


def test_parquet_without_a_reader(tmp_path, monkeypatch):
    for name in ("pyarrow", "pyarrow.parquet", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write(tmp_path, b"PAR1", "t.parquet")
    with pytest.raises(infonet.MissingExtraError, match=r"pip install 'infonet\[parquet\]'"):
        open_columns(path)


def test_npy(tmp_path):
    data = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "m.npy", data)
    assert read_usable(tmp_path / "m.npy")[0]["2"].tolist() == [2, 5, 8, 11]
    np.save(tmp_path / "r.npy", np.rec.fromarrays([data[:, 0], data[:, 1]], names="u,v"))
    assert list(read_usable(tmp_path / "r.npy")[0]) == ["u", "v"]
    np.save(tmp_path / "c.npy", np.zeros((2, 2, 2)))
    with pytest.raises(infonet.InputError, match=r"shape \[2, 2, 2\].*reshape"):
        open_columns(tmp_path / "c.npy")
    np.save(tmp_path / "o.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(infonet.InputError, match="not a readable NumPy file"):
        open_columns(tmp_path / "o.npy")


def test_npz(tmp_path):
    data = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "a.npz", u=data[:, 0], v=data[:, 1], t=np.array(["x", "y", "z"]))
    columns, left_out = read_usable(tmp_path / "a.npz")
    assert list(columns) == ["u", "v"]
    assert left_out == ("t",)
    np.savez(tmp_path / "b.npz", m=data)
    assert list(read_usable(tmp_path / "b.npz")[0]) == ["0", "1"]
    np.savez(tmp_path / "c.npz", m=data, u=data[:, 0])
    assert list(read_usable(tmp_path / "c.npz")[0]) == ["m.0", "m.1", "u"]
    np.savez(tmp_path / "e.npz", **{"m": data, "m.0": data[:, 0]}, u=data[:, 1])
    with pytest.raises(infonet.InputError, match=r"names columns twice \(m\.0\)"):
        open_columns(tmp_path / "e.npz")
    np.savez(tmp_path / "d.npz", u=np.zeros(3), v=np.zeros(4))
    with pytest.raises(infonet.InputError, match=r"differ in length \(u: 3, v: 4\)"):
        open_columns(tmp_path / "d.npz")


def test_damaged_npz(tmp_path):
    np.savez_compressed(tmp_path / "z.npz", u=np.random.default_rng(0).random(500))
    content = bytearray((tmp_path / "z.npz").read_bytes())
    content[150:200] = bytes(50)
    with pytest.raises(infonet.InputError, match="not a readable NumPy file"):
        open_columns(write(tmp_path, bytes(content), "z.npz"))
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        archive.writestr("read.me", "hello")
    with pytest.raises(infonet.InputError, match=r"holds 'read\.me', which is no array"):
        open_columns(tmp_path / "f.npz")


def test_truncated_npy(tmp_path):
    np.save(tmp_path / "t.npy", np.zeros((100, 3)))
    path = write(tmp_path, (tmp_path / "t.npy").read_bytes()[:-50], "t.npy")
    with pytest.raises(infonet.InputError, match="not a readable NumPy file") as caught:
        open_columns(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "npy", "npz"])
def test_directories_and_wrong_paths(tmp_path, estimator, ending):
    path = tmp_path / f"folder.{ending}"
    path.mkdir()
    with pytest.raises(infonet.InputError, match="is a folder, give a regular file"):
        estimator.pairwise(path)
    with pytest.raises(infonet.InputError, match="no file at .*check the path"):
        estimator.pairwise(str(tmp_path / f"none.{ending}"))


def test_npy_that_claims_to_be_huge(tmp_path):
    with (tmp_path / "h.npy").open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**15, 2)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(infonet.InputError, match="not a readable NumPy file"):
        open_columns(tmp_path / "h.npy")


@pytest.mark.parametrize("ending", ["csv", "parquet", "npy"])
def test_pipes_devices_and_sockets_are_not_opened(tmp_path, ending):
    pipe, link, plug = (tmp_path / f"{name}.{ending}" for name in ("pipe", "link", "socket"))
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    device = tmp_path / f"device.{ending}"
    device.symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(plug))
        for path in (pipe, link, device, plug):
            with pytest.raises(
                infonet.InputError, match="is a (pipe|device|socket), give a regular file"
            ):
                open_columns(path)


def test_regular_files(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n")
    (tmp_path / "link.csv").symlink_to(path)
    sizes = [require_regular_file(p, "file").st_size for p in (tmp_path / "link.csv", str(path))]
    assert sizes == [8, 8]
    os.mkfifo(tmp_path / "p")
    (tmp_path / "loop").symlink_to("loop")
    cases = {
        "p": "is a pipe, give a regular file",
        "none": "no file at .*try another",
        "loop": "cannot read .*symbolic links",
        "n" * 300: "cannot read .*too long",
        "t.csv/x": "cannot read .*Not a directory",
        "a\0b": "try another",
        ".": "is a folder, give a regular file",
    }
    for name, message in cases.items():
        with pytest.raises(infonet.ModelError, match=message) as caught:
            require_regular_file(tmp_path / name, "file", infonet.ModelError, "try another")
        assert str(caught.value).isprintable()


def test_standard_input_by_its_path(tmp_path):
    text = "x,y\n" + "".join(f"{i % 13},{i * i % 97}\n" for i in range(100))
    command = [sys.executable, "-m", "infonet", "mi", "/dev/stdin", "--x", "x", "--y", "y"]
    found = [
        subprocess.run(
            [*command[:4], name, *command[5:]], input=text, text=True, capture_output=True
        )
        for name in ("/dev/stdin", "-")
    ]
    assert found[0].stdout == found[1].stdout != ""
    closed = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *command], text=True, capture_output=True, check=False
    )
    assert (closed.returncode, closed.stderr.count("\n")) == (1, 1)
