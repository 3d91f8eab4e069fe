"""joint_histogram and pair_histograms against their definition."""

import itertools

import infonet_kernels
import numpy as np
import numpy_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

GRIDS = (2, 3, 64, 128)


def unit_samples(rows, n, seed=0):
    ranks = np.random.default_rng(seed).random((rows, n), np.float32)
    ranks[0, : n // 2] = 0.0
    ranks[-1, n // 2 :] = 1.0
    return ranks


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("n", [0, *numpy_twins.LENGTHS])
def test_joint_histogram_equals_the_twin(n, grid):
    x, y = unit_samples(3, n, seed=1), unit_samples(3, n, seed=2)
    got = infonet_kernels.joint_histogram(x, y, grid)
    expected = [numpy_twins.joint_histogram(*row, grid) for row in zip(x, y, strict=True)]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("n", [0, *numpy_twins.LENGTHS])
def test_pair_histograms_equal_joint_histogram(n, grid):
    ranks = unit_samples(3, n)
    pairs = np.array(list(itertools.product(range(3), repeat=2)))
    got = infonet_kernels.pair_histograms(ranks, pairs, grid)
    expected = infonet_kernels.joint_histogram(ranks[pairs[:, 0]], ranks[pairs[:, 1]], grid)
    np.testing.assert_array_equal(got, expected)


def test_x_is_the_first_axis():
    histogram = infonet_kernels.joint_histogram([[0.125]], [[0.875]], 4)
    expected = np.zeros((1, 4, 4))
    expected[0, 0, 3] = 1  # both are cell centres
    np.testing.assert_array_equal(histogram, expected)


def test_a_point_is_shared_by_its_four_neighbours():
    histogram = infonet_kernels.joint_histogram([[0.5]], [[0.4375]], 4)
    expected = np.zeros((1, 4, 4))
    expected[0, 1:3, 1:3] = [[0.375, 0.125], [0.375, 0.125]]
    np.testing.assert_array_equal(histogram, expected)


def test_midranks_fill_every_cell_equally():
    ranks = infonet_kernels.soft_rank(np.arange(12800.0)[None])
    margin = infonet_kernels.joint_histogram(ranks, np.full((1, 12800), 0.5), 128).sum((0, 2))
    np.testing.assert_allclose(margin, 100, rtol=1e-5)


@pytest.mark.parametrize("point", [(0.3, 0.7), (0.0, 1.0), (1 / 3, 2 / 3)])
def test_a_million_points_in_one_place(point):
    """Sums in float32 would be off by per cents here."""
    x, y = np.float32(point)
    histogram = infonet_kernels.joint_histogram(
        np.full((1, 1_000_000), x), np.full((1, 1_000_000), y), 128
    )
    one = infonet_kernels.joint_histogram([[x]], [[y]], 128).astype(np.float64)
    np.testing.assert_allclose(histogram, one * 1e6, rtol=2e-7)


def test_a_million_points_everywhere():
    x, y = np.random.default_rng(0).random((2, 1, 1_000_000), np.float32)
    histogram = infonet_kernels.joint_histogram(x, y, 128)
    assert abs(histogram.sum(dtype=np.float64) - 1e6) < 1e-2
    np.testing.assert_allclose(
        histogram[0], numpy_twins.joint_histogram(x[0], y[0], 128), rtol=1e-6
    )


def test_out_is_filled_and_returned():
    ranks, pairs = unit_samples(4, 100), [[0, 1], [2, 3]]
    out = np.full((2, 8, 8), np.nan, np.float32)
    assert infonet_kernels.pair_histograms(ranks, pairs, 8, out=out) is out
    np.testing.assert_array_equal(out, infonet_kernels.pair_histograms(ranks, pairs, 8))


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        np.float32, st.tuples(st.just(2), st.integers(1, 300)), elements=st.floats(0, 1, width=32)
    ),
    st.integers(2, 40),
)
def test_any_ranks(ranks, grid):
    histogram = infonet_kernels.pair_histograms(ranks, [[0, 1], [1, 0]], grid)
    np.testing.assert_allclose(
        histogram[0], numpy_twins.joint_histogram(*ranks, grid), rtol=1e-6, atol=1e-9
    )
    np.testing.assert_array_equal(histogram[1], histogram[0].T)
    assert histogram.min() >= 0
    np.testing.assert_allclose(histogram.sum((1, 2), dtype=np.float64), ranks.shape[1], rtol=1e-6)
