"""The gradient of the CUDA kernels, run on the CPU: that of the CPU kernel, within rounding."""

import block_algorithms
import infonet_kernels
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_block_algorithms import rows_of, strengths

NORMALIZATIONS = infonet_kernels.NORMALIZATIONS


def gradients_of(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def assert_equal_to_the_cpu(simulate, rows, by, eps, normalize, **options):
    """Sums of doubles in another order: within a few of their last places of what is summed."""
    got, refused = simulate(rows, by, eps, NORMALIZATIONS.index(normalize), **options)
    assert refused == 0
    expected = infonet_kernels.soft_rank_backward(rows, by, eps, normalize)
    size = np.abs(expected).max(1, keepdims=True)
    wrong = np.abs(got - expected) > 1e-6 * np.abs(expected) + 1e-10 * size
    assert not wrong.any(), (rows.shape, eps, normalize, np.argwhere(wrong)[:3])


@pytest.mark.parametrize("n", [1, 2, 3, 26, 27, 28, 55, 300, 1151, 5184, 5185])
def test_gradient(n):
    rows = rows_of(n)
    for eps in strengths(n):
        if eps > 1e-9:
            for normalize in NORMALIZATIONS:
                by = gradients_of(rows.shape)
                assert_equal_to_the_cpu(block_algorithms.gradient, rows, by, eps, normalize)


@pytest.mark.parametrize("order", block_algorithms.ORDERS)
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("strength", [1.99, 0.3, 0.01])
def test_gradient_of_many_tiles(strength, normalize, order):
    """Pooled blocks that span tiles (1.99: nearly the whole row), threads, or a few values."""
    rows = rows_of(20_000)[[0, 1, 8, 10]]
    by = gradients_of(rows.shape)
    assert_equal_to_the_cpu(
        block_algorithms.gradient, rows, by, strength / 20_000, normalize, order=order
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 600), st.integers(0, 2**32 - 1), st.floats(1e-3, 1.99), st.integers(1, 60))
def test_gradient_of_any_rows(n, seed, strength, levels):
    rows = np.random.default_rng(seed).integers(0, levels, (1, n)).astype(np.float32)
    for normalize in NORMALIZATIONS:
        by = gradients_of(rows.shape, seed)
        assert_equal_to_the_cpu(block_algorithms.gradient, rows, by, strength / n, normalize)


@pytest.mark.parametrize(("simulate", "eps"), [("gradient", 1e-3), ("affine_gradient", 0.1)])
def test_columns_of_a_matrix(simulate, eps):
    samples = np.random.default_rng(0).standard_normal((2, 700, 3)).astype(np.float32)
    by = gradients_of(samples.shape)
    got, refused = getattr(block_algorithms, simulate)(samples, by, eps, 0)
    assert refused == 0
    rows, by = (array.transpose(0, 2, 1).reshape(6, 700) for array in (samples, by))
    expected = infonet_kernels.soft_rank_backward(rows, by, eps)
    np.testing.assert_allclose(got.transpose(0, 2, 1).reshape(6, 700), expected, rtol=1e-6)


@pytest.mark.parametrize("most", [1, 4, 14, 50])
def test_rows_side_by_side_keep_to_their_own(most):
    rows = rows_of(5187)
    by = gradients_of(rows.shape)
    assert_equal_to_the_cpu(block_algorithms.gradient, rows, by, 1e-5, "minmax", most=most)
    assert_equal_to_the_cpu(block_algorithms.affine_gradient, rows, by, 1.0, "midrank", most=most)


def test_large_gradients_spoil_no_other_block():
    """Sums are over a pooled block alone, not differences of sums over the row."""
    rows = np.concatenate([np.arange(500) * 1e-6, 1 + np.arange(500) * 1e-6])[None]
    by = gradients_of(rows.shape)
    by[0, 500:] *= 1e30
    rows = rows.astype(np.float32)
    got, _ = block_algorithms.gradient(rows, by, 1e-4, 0)
    expected = infonet_kernels.soft_rank_backward(rows, by, 1e-4)
    np.testing.assert_allclose(got[0, 1:499], expected[0, 1:499], rtol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 20, 1151, 40_001])
def test_affine_gradient(n):
    rows = rows_of(n)
    by = gradients_of(rows.shape)
    for eps in (2 / n, 0.1 + 2 / n, 10):
        for normalize in NORMALIZATIONS:
            assert_equal_to_the_cpu(block_algorithms.affine_gradient, rows, by, eps, normalize)


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
def test_refused_rows_become_nan(bad):
    rows = np.random.default_rng(0).standard_normal((3, 700)).astype(np.float32)
    rows[1, 350] = bad
    by = gradients_of(rows.shape)
    for simulate, eps in [
        (block_algorithms.gradient, 1e-3),
        (block_algorithms.affine_gradient, 0.1),
    ]:
        got, refused = simulate(rows, by, eps, 0)
        assert refused == 1
        assert np.isnan(got[1]).all()
        expected = infonet_kernels.soft_rank_backward(rows[::2], by[::2], eps)
        np.testing.assert_allclose(got[::2], expected, rtol=1e-6, atol=1e-10 / eps)
