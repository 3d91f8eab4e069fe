"""Rows for monitors as programs have them: records, null, Decimals."""

from __future__ import annotations

import json
from decimal import Decimal

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.monitor.window import as_row, as_rows

NAMES = ("a", "b")


@pytest.mark.parametrize(
    "row",
    [
        [1, None],
        (Decimal("1"), None),
        {"b": None, "a": 1},
        {"a": Decimal("1.0"), "b": float("nan"), "other": "text"},
        json.loads('{"a": 1, "b": null}'),
        [1, pd.NA],
        np.array([1, None], object),
        [True, Decimal("NaN")],
        pd.Series({"a": 1.0, "b": None}),
    ],
)
def test_rows_with_gaps(row):
    found = as_row(row, NAMES)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1, np.nan])


@pytest.mark.parametrize(
    "rows",
    [
        [[1, None], [Decimal("2.5"), 3]],
        [{"a": 1, "b": None}, {"b": 3, "a": 2.5}],
        ({"a": 1, "b": None}, {"b": Decimal(3), "a": Decimal("2.5"), "c": "text"}),
        json.loads('[{"a": 1, "b": null}, {"a": 2.5, "b": 3}]'),
        {"a": [1, 2.5], "b": [None, Decimal(3)]},
        pd.DataFrame({"a": [Decimal(1), Decimal("2.5")], "b": [None, 3]}),
    ],
)
def test_many_rows_with_gaps(rows):
    np.testing.assert_array_equal(as_rows(rows, NAMES), [[1, np.nan], [2.5, 3]])


BAD = {
    "text": ([1, "2"], "the row holds strings|the row holds Python objects"),
    "text beside null": (["1", None], "the row holds Python objects, only real numbers, and None"),
    "nested": ([1, [2]], "the row is a ragged list"),
    "lacking": ({"a": 1}, "the row lacks b: give a number for each variable, or None"),
    "large": ([1, 2**53 + 1], r"beyond 2\*\*53"),
    "large beside a float": ([0.5, 2**53 + 1], r"beyond 2\*\*53"),
    "large Decimal": ([None, Decimal(10**20 + 1)], r"beyond 2\*\*53"),
    "large beside null": ([None, 10**20], r"beyond 2\*\*53"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_rows(kind):
    row, message = BAD[kind]
    with pytest.raises(infonet.InputError, match=message) as caught:
        as_row(row, NAMES)
    assert "\n" not in str(caught.value)
    many = message.replace("the row", "row 1" if isinstance(row, dict) else "rows")
    with pytest.raises(infonet.InputError, match=many):
        as_rows([row, row], NAMES)


def test_records_with_null_are_pushed_as_rows_left_out():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((150, 2)).round(6)
    records = [{"a": a, "b": b} for a, b in data.tolist()]
    records[7] = {"a": None, "b": Decimal("0.5")}
    by_row, at_once, plain = (infonet.Monitor(100, NAMES, stride=10, nan="omit") for _ in range(3))
    pushed = [found for record in records if (found := by_row.push(record)) is not None]
    extended = at_once.extend(records)
    data[7] = np.nan
    expected = plain.extend(data)
    assert by_row.skipped == at_once.skipped == 1
    for found in (pushed, extended):
        assert [e.estimates[0].mi for e in found] == [e.estimates[0].mi for e in expected]
    with pytest.raises(infonet.InputError, match="a is nan in row 1, only finite"):
        infonet.Monitor(100, NAMES).push(records[7])
