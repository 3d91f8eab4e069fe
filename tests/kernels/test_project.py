"""Projections: sums in a fixed order, whatever the place, the block or the thread."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from infonet_kernels import Directions, project


def one_after_the_other(values, directions):
    """The definition: every sum from the first dimension on, rounded after each step."""
    total = np.zeros((len(directions), len(values)))
    for column, entry in zip(values.T, directions.T, strict=True):
        total += np.multiply.outer(entry, column)
    return total


def draw(rows, dimensions, count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, dimensions)), rng.standard_normal((count, dimensions))


@pytest.mark.parametrize(
    ("rows", "dimensions", "count"),
    [
        *((0, 3, 4), (1, 1, 1), (5, 2, 7), (6, 255, 8), (7, 256, 9), (95, 257, 16), (96, 1, 17)),
        *((97, 513, 3), (301, 40, 1), (20, 4096, 5), (3, 0, 2), (4, 5, 0)),
    ],
)
def test_bytes_of_the_definition(rows, dimensions, count):
    values, directions = draw(rows, dimensions, count)
    found = project(values, Directions(directions))
    assert found.shape == (count, rows)
    assert found.tobytes() == one_after_the_other(values, directions).tobytes()


def test_against_exact_sums():
    values, directions = draw(3, 700, 2)
    found = project(values, Directions(directions))
    for i, row in enumerate(values):
        for p, direction in enumerate(directions):
            exact = sum(Fraction(a) * Fraction(b) for a, b in zip(row, direction, strict=True))
            assert found[p, i] == pytest.approx(float(exact), abs=1e-12)


@pytest.mark.parametrize("splits", [(0, 100), (0, 1, 100), (0, 33, 64, 99, 100)])
def test_blocks_of_columns_and_rows_give_the_same_bytes(splits):
    values, directions = draw(211, 100, 13)
    laid_out = Directions(directions)
    whole = project(values, laid_out)
    out = np.full((13, 300), 7.0)
    for top, bottom in ((0, 50), (50, 211)):
        for first, last in pairwise(splits):
            block = np.asfortranarray(values[top:bottom, first:last])
            result = project(block, laid_out, out[:, 20 + top : 20 + bottom], first)
            assert np.shares_memory(result, out)
    assert out[:, 20:231].tobytes() == whole.tobytes()
    assert (out[:, :20] == 7).all()
    assert (out[:, 231:] == 7).all()


def test_places_do_not_matter():
    values, directions = draw(100, 77, 20)
    whole = project(values, Directions(directions))
    order, other = np.random.default_rng(1).permutation(100), np.arange(20)[::-3]
    mixed = project(values[order], Directions(directions[other]))
    assert mixed.tobytes() == whole[other][:, order].tobytes()


def test_many_threads_at_once():
    values, directions = draw(500, 300, 40)
    laid_out = Directions(directions)
    expected = project(values, laid_out).tobytes()
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: project(values, laid_out).tobytes(), range(64))
    assert set(found) == {expected}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.bool_, ">f8"])
def test_dtypes(dtype):
    values, directions = draw(30, 6, 4)
    values = (3 * values).astype(dtype)
    expected = one_after_the_other(values.astype(np.float64), directions)
    assert project(values, Directions(directions)).tobytes() == expected.tobytes()
    frozen = values.copy()
    frozen.flags.writeable = False
    assert project(frozen, Directions(directions)).tobytes() == expected.tobytes()


def test_what_is_not_finite_stays_in_its_row():
    values, directions = draw(9, 5, 3)
    values[4, 2], values[7, 0] = np.nan, np.inf
    found = project(values, Directions(directions))
    assert np.isnan(found[:, 4]).all()
    assert np.isinf(found[:, 7]).all()
    assert np.isfinite(np.delete(found, [4, 7], axis=1)).all()


VALUES, DIRECTIONS = draw(10, 6, 4)
READ_ONLY = np.zeros((4, 10))
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("values", "out", "first", "message"),
    [
        (VALUES, None, 1, "got columns 1 to 7; the directions have 6"),
        (VALUES, None, -1, "got columns -1 to 5"),
        (VALUES[:, 1:], None, 1, "out: got None; the sums before dimension 1 are needed"),
        (VALUES, np.zeros((4, 9)), 0, r"out: got float64 \(4, 9\)"),
        (VALUES, np.zeros((4, 10), np.float32), 0, "out: got float32"),
        (VALUES, np.zeros((4, 20))[:, ::2], 0, "contiguous rows"),
        (VALUES, np.zeros((4, 10))[::-1], 0, "contiguous rows"),
        (VALUES, READ_ONLY, 0, "writeable"),
        (VALUES[0], None, 0, r"values: got shape \(6,\)"),
        (VALUES + 1j, None, 0, "values: got dtype complex128"),
    ],
)
def test_bad_arguments(values, out, first, message):
    with pytest.raises(ValueError, match=message):
        project(values, Directions(DIRECTIONS), out, first)


def test_bad_directions():
    with pytest.raises(ValueError, match=r"directions: got shape \(6,\)"):
        Directions(DIRECTIONS[0])
