"""Damaged files of data: one line that says so, or an answer; never a traceback, never a hang."""

from __future__ import annotations

import itertools
import random
import signal
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from infonet import InfoNetError, InputError
from infonet.inputs.open import open_columns

MUTATIONS = 200
LONGEST = 600  # characters of a message
TEXTS = [b"\n", b"\0", b'"', b",", b"\r", b"#", b"9" * 30, b"-", b"'", b"(", b"V0", b"e9"]


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(0)
    n = 40
    frame = pd.DataFrame(
        {
            "number": rng.standard_normal(n).round(3),
            "count": rng.integers(0, 9, n),
            "kind": rng.choice(["a", "b"], n),
            "when": pd.date_range("2020-01-01", periods=n, freq="7h"),
            "amount": [f"{v:,.2f}" for v in 3000 * rng.standard_normal(n)],
        }
    )
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet", row_group_size=15)
    np.save(folder / "t.npy", rng.standard_normal((n, 3)))
    return folder


def mutate(content, rng):
    """Bytes with one change: some replaced, removed or added, in the header half of the time."""
    data = bytearray(content)
    at = rng.randrange(min(len(data), 140) if rng.random() < 0.5 else len(data))
    kind = rng.randrange(5)
    if kind == 0:
        del data[at:]
    elif kind == 1:
        del data[at : at + rng.randint(1, 20)]
    elif kind == 2:
        data[at:at] = rng.randbytes(rng.randint(1, 8))
    elif kind == 3:
        data[at : at + 1] = rng.choice(TEXTS)
    else:
        for _ in range(rng.randint(1, 6)):
            data[at] = rng.randrange(256)
            at = rng.randrange(len(data))
    return bytes(data)


class HangError(BaseException):
    """That no library takes for one of its own."""


@contextmanager
def no_hang(seconds=20):
    def stop(*_):
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read_all(path):
    """Every column of a file, checked to be numbers; the error instead, checked to be one line."""
    error = None
    with no_hang():
        try:
            source = open_columns(path, unusable="omit")
            columns = [source.load(i) for i in range(len(source.names))]
        except InfoNetError as found:
            error = found
    if error is not None:
        assert str(error).isprintable()
        assert len(str(error)) < LONGEST
        return error
    assert all(note.isprintable() for note in source.notes)
    for column in columns:
        assert column.shape == (source.rows,)
        assert column.dtype.kind in "biuf"
    return columns


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
def test_mutations(originals, tmp_path, kind):
    content = (originals / f"t.{kind}").read_bytes()
    path = tmp_path / f"m.{kind}"
    refused = 0
    for seed in range(MUTATIONS):
        path.write_bytes(mutate(content, random.Random(seed)))
        refused += isinstance(read_all(path), InputError)
    assert 0 < refused < MUTATIONS


DESCRIPTIONS = ["'<f8'", "'<U0'", "'<U1'", "'<U3'", "'|V0'", "'|O'", "'<M8'", "'<U536870912'", "[]"]
DESCRIPTIONS += ["[('a','<f8',(0,))]", "[('a','<f8'),('a','<f8')]", "('<f8',(2,))", "'T'", "None"]
SHAPES = ["(4, 3)", "()", "(0, 1099511627776)", "(1099511627776,)", "(4611686018427387904, 4)"]
SHAPES += ["(-1, 3)", "(99999999999999999999999,)", "(4.0,)", "('a',)", f"({'1,' * 70})"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_headers_of_arrays(tmp_path, description):
    path = tmp_path / "m.npy"
    for shape, fortran in itertools.product(SHAPES, ("True", "1")):
        header = f"{{'descr': {description}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"
        length = len(header).to_bytes(2, "little")
        values = np.random.default_rng(0).random(24).tobytes()
        path.write_bytes(b"\x93NUMPY\x01\x00" + length + header.encode() + values)
        found = read_all(path)
        if (description, shape, fortran) == ("'<f8'", "(4, 3)", "True"):
            assert len(found) == 3
        elif shape not in ("(4, 3)", "()"):
            assert isinstance(found, InputError)
