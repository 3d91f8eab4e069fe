"""Chi-squared in coarse grids against SciPy's contingency tables."""

import numpy as np
import numpy_twins
import pytest
from infonet_kernels import chi_squared
from scipy.stats import chi2_contingency

SHAPES = [(4, 4), (8, 8), (16, 16), (4, 32), (32, 2), (1, 8)]


def points(n, seed):
    """A curve with noise, some points at the borders of cells."""
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 65, n) / 64
    v = np.clip(np.sin(3 * u) + 0.2 * rng.normal(size=n), 0, 1)
    return u.astype(np.float32), v.astype(np.float32)


def table(u, v, rows, columns):
    """Counts by searching the borders of cells."""
    places = [
        np.searchsorted(np.arange(1, size) / size, values, side="right")
        for values, size in ((u, rows), (v, columns))
    ]
    counts = np.zeros((rows, columns))
    np.add.at(counts, tuple(places), 1)
    return counts


@pytest.mark.parametrize("n", numpy_twins.LENGTHS)
def test_statistics_are_those_of_contingency_tables(n):
    u, v = points(n, n)
    for shape, found in zip(SHAPES, chi_squared(u, v, SHAPES), strict=True):
        counts = table(u, v, *shape)
        counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
        expected = chi2_contingency(counts, correction=False).statistic if counts.size > 1 else 0
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_grids_turn_with_the_columns():
    u, v = points(1000, 0)
    turned = [(columns, rows) for rows, columns in SHAPES]
    np.testing.assert_allclose(chi_squared(u, v, SHAPES), chi_squared(v, u, turned), rtol=1e-12)


def test_equal_counts_are_no_evidence_and_a_function_is_all_of_it():
    grid = (np.arange(32) + 0.5) / 32
    u, v = np.repeat(grid, 32), np.tile(grid, 32)
    np.testing.assert_allclose(chi_squared(u, v, SHAPES), 0, atol=1e-9)
    np.testing.assert_allclose(chi_squared(u, u, [(4, 4), (16, 16)]), [3 * 1024, 15 * 1024])


HALF = [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chi_squared([np.nan, 0.5], HALF, SHAPES), "NaN"),
        (lambda: chi_squared(HALF, [0.5, 1.5], SHAPES), "1.5"),
        (lambda: chi_squared(HALF, [0.5], SHAPES), "2 and 1 values"),
        (lambda: chi_squared([], [], SHAPES), "at least one"),
        (lambda: chi_squared(HALF, HALF, [(4, 12)]), "12"),
        (lambda: chi_squared(HALF, HALF, [(0, 4)]), "0"),
        (lambda: chi_squared(HALF, HALF, [(64, 4)]), "64"),
    ],
)
def test_what_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
