"""Ranks of columns of any dtype against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from infonet.model.libraries import kernels
from infonet.pairs.ranking import rank_columns, scale_columns
from scipy.stats import rankdata

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": lambda n: RNG.standard_normal(n),
    "offset": lambda n: 1e9 + RNG.standard_normal(n) * 1e-3,
    "offset with ties": lambda n: 1e9 + np.round(RNG.standard_normal(n), 1) * 1e-3,
    "beyond float32": lambda n: RNG.standard_normal(n) * 1e300,
    "below float32": lambda n: RNG.standard_normal(n) * 1e-300,
    "denormals": lambda n: RNG.standard_normal(n) * 1e-310,
    "all ranges": lambda n: RNG.choice([-1, 1], n) * 10.0 ** RNG.uniform(-300, 300, n),
    "large integers": lambda n: RNG.integers(-(2**62), 2**62, n),
    "time stamps": lambda n: 1_700_000_000_000_000_000 + RNG.permutation(n),
    "unsigned": lambda n: RNG.integers(2**63, 2**64 - 1, n, dtype=np.uint64),
    "decimals": lambda n: np.round(RNG.standard_normal(n), 1),
    "booleans": lambda n: RNG.random(n) < 0.5,
    "constant": lambda n: np.full(n, 3.7),
    "zeros of both signs": lambda n: np.where(RNG.random(n) < 0.5, -0.0, 0.0),
    "float16": lambda n: RNG.standard_normal(n).astype(np.float16),
    "long double": lambda n: (1e9 + RNG.standard_normal(n) * 1e-8).astype(np.longdouble),
}


def check(column):
    ranked = rank_columns([column])
    expected = ((rankdata(column) - 0.5) / column.size).astype(np.float32)
    np.testing.assert_array_equal(ranked.rows[0], expected)
    distinct = np.unique(column).size
    share = np.unique(column, return_counts=True)[1] / column.size
    lost = np.log(column.size) + (share * np.log(share)).sum()
    lost += (column.size - distinct) / (2 * column.size)
    assert ranked.tied[0] == (lost > 0.02)
    assert ranked.constant[0] == (distinct == 1)


@pytest.mark.parametrize("n", [1, 2, 20, 129, 1151, 65537])
@pytest.mark.parametrize("kind", COLUMNS)
def test_ranks(kind, n):
    check(COLUMNS[kind](n))


@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.integers(1, 60),
        elements=st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(0, 5).map(lambda k: 1e9 + k * 1e-6),
    )
)
def test_ranks_of_awkward_floats(column):
    check(column)


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(np.int64, st.integers(1, 60), elements=st.integers(2**53 - 4, 2**53 + 4)))
def test_ranks_of_awkward_integers(column):
    check(column)


def test_columns_do_not_disturb_each_other():
    columns = [make(300) for make in COLUMNS.values()]
    together = rank_columns(columns, threads=2)
    for index, column in enumerate(columns):
        alone = rank_columns([column])
        assert together.rows[index].tobytes() == alone.rows[0].tobytes()
        assert together.tied[index] == alone.tied[0]


@pytest.mark.parametrize("normalize", ["over_n", "minmax"])
def test_other_normalizations(normalize):
    column = COLUMNS["offset with ties"](500)
    expected = kernels().soft_rank(rankdata(column)[None], 0.0, normalize)
    np.testing.assert_array_equal(rank_columns([column], normalize).rows, expected)


def test_scaled_columns_survive_offsets_and_overflow():
    column = np.linspace(0, 1, 100)
    for awkward in (column + 1e9, column * 1.7e308 - (1 - column) * 1.7e308):
        np.testing.assert_allclose(scale_columns([awkward])[0], column, atol=1e-6)
    assert not scale_columns([np.full(5, 7.0)]).any()
