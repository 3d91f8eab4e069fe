"""Reading tables from files."""

from __future__ import annotations

import sys

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pytest
from infonet.io import read_table


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


GOOD = {
    "commas": "a,b\n1,2\n3,4\n",
    "semicolons": "a;b\n1;2\n3;4\n",
    "tabs": "a\tb\n1\t2\n3\t4\n",
    "quotes and spaces": '"a", "b"\r\n 1, 2\r\n"3", 4\r\n',
    "byte order mark": "\ufeffa,b\n1,2\n3,4\n",
    "blank lines, no last end": "a,b\n\n1,2\n\n3,4",
    "exponents": "a,b\n1e0,2.0\n+3,40E-1\n",
}


@pytest.mark.parametrize("kind", GOOD)
def test_csv(tmp_path, kind):
    table = read_table(write(tmp_path, GOOD[kind]))
    assert {name: column.tolist() for name, column in table.columns.items()} == {
        "a": [1, 3],
        "b": [2, 4],
    }


def test_csv_without_header(tmp_path):
    table = read_table(write(tmp_path, "1,2\n3,4\n"))
    assert table.column("0").tolist() == [1, 3]
    assert list(table.columns) == ["0", "1"]


def test_csv_with_missing_values_and_text(tmp_path):
    table = read_table(write(tmp_path, "a,b,c,d\n1,NA,x,\n,2,3,nan\n3,null,,None\n"))
    np.testing.assert_array_equal(table.column("a"), [1, np.nan, 3])
    np.testing.assert_array_equal(table.column("b"), [np.nan, 2, np.nan])
    assert np.isnan(table.column("d")).all()
    assert table.skipped == ("c",)


def test_long_csv_agrees_with_pandas(tmp_path):
    data = np.random.default_rng(0).standard_normal((40_000, 2))
    frame = pd.DataFrame(data, columns=["a", "b"])
    frame["t"] = "text"
    frame.loc[20_000, "a"] = np.nan
    frame.to_csv(tmp_path / "long.csv", index=False)
    table = read_table(tmp_path / "long.csv")
    np.testing.assert_array_equal(table.column("a"), frame["a"])
    np.testing.assert_array_equal(table.column("b"), frame["b"])
    assert table.skipped == ("t",)


BAD = {
    "empty": (b"", "t.csv", "is empty: give a file"),
    "blank": (b"\n\n", "t.csv", "is empty"),
    "header only": (b"a,b\n", "t.csv", "header and no rows"),
    "ragged": (b"a,b\n1,2\n3\n", "t.csv", "1 cells in row 3 and 2 in the first"),
    "names": (b"a,a\n1,2\n", "t.csv", r"names columns twice \(a\)"),
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
        read_table(write(tmp_path, content, name))
    assert "\n" not in str(caught.value)


def test_missing_file_directory_and_columns(tmp_path):
    with pytest.raises(infonet.InputError, match=r"no file at .*check the path"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(infonet.InputError, match="is a directory"):
        read_table(tmp_path / "d.csv")
    table = read_table(write(tmp_path, "a,b\n1,x\n"))
    with pytest.raises(infonet.InputError, match="'c' does not exist: choose from a"):
        table.column("c")
    with pytest.raises(infonet.InputError, match="'b' does not hold numbers"):
        table.column("b")


def test_parquet(tmp_path):
    frame = pl.DataFrame({"a": [1, None, 3], "b": [True, False, True], "s": ["x", "y", "z"]})
    frame.write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    np.testing.assert_array_equal(table.column("a"), [1, np.nan, 3])
    assert table.column("b").tolist() == [True, False, True]
    assert table.skipped == ("s",)


def test_parquet_without_a_reader(tmp_path, monkeypatch):
    for name in ("pyarrow", "pyarrow.parquet", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write(tmp_path, b"PAR1", "t.parquet")
    with pytest.raises(infonet.MissingExtraError, match=r"pip install 'infonet\[parquet\]'"):
        read_table(path)


def test_npy(tmp_path):
    data = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "m.npy", data)
    assert read_table(tmp_path / "m.npy").column("2").tolist() == [2, 5, 8, 11]
    np.save(tmp_path / "r.npy", np.rec.fromarrays([data[:, 0], data[:, 1]], names="u,v"))
    assert list(read_table(tmp_path / "r.npy").columns) == ["u", "v"]
    np.save(tmp_path / "c.npy", np.zeros((2, 2, 2)))
    with pytest.raises(infonet.InputError, match=r"shape \[2, 2, 2\].*reshape"):
        read_table(tmp_path / "c.npy")
    np.save(tmp_path / "o.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(infonet.InputError, match="not a readable NumPy file"):
        read_table(tmp_path / "o.npy")


def test_npz(tmp_path):
    data = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "a.npz", u=data[:, 0], v=data[:, 1], t=np.array(["x", "y", "z"]))
    table = read_table(tmp_path / "a.npz")
    assert list(table.columns) == ["u", "v"]
    assert table.skipped == ("t",)
    np.savez(tmp_path / "b.npz", m=data)
    assert list(read_table(tmp_path / "b.npz").columns) == ["0", "1"]
    np.savez(tmp_path / "c.npz", m=data, u=data[:, 0])
    assert list(read_table(tmp_path / "c.npz").columns) == ["m.0", "m.1", "u"]
    np.savez(tmp_path / "d.npz", u=np.zeros(3), v=np.zeros(4))
    with pytest.raises(infonet.InputError, match=r"differ in length \(u: 3, v: 4\)"):
        read_table(tmp_path / "d.npz")
