"""The algorithms of the CUDA kernels, run on the CPU with a block's threads simulated.

They give the bytes of the CPU kernel, whatever the order of the threads between two barriers.
"""

import block_algorithms
import infonet_kernels
import numpy as np
import numpy_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NORMALIZATIONS = infonet_kernels.NORMALIZATIONS


def rows_of(n):
    """Rows that pool in all kinds of ways."""
    random = np.random.default_rng(n)
    steps = np.arange(n, dtype=np.float64)
    uniform = random.random(n)
    rows = {
        "normal": random.standard_normal(n),
        "ties": np.round(3 * random.standard_normal(n)),
        "constant": np.full(n, 2.5),
        "sorted, evenly": steps,  # nothing pools, or all does, as eps crosses 1 / (n - 1)
        "reversed": -steps,
        "alternating": np.cumsum(np.tile([0.0, 3.0], n)[:n]),
        "convex": steps**2,
        "concave": -(steps**2),
        "atom above": np.where(uniform < 0.5, 1.0, 0.5 * uniform),  # pools all that is below it
        "atom below": np.where(uniform < 0.5, 0.0, 0.5 + uniform),
        "atoms at both ends": np.round(uniform),
        "wide": random.standard_normal(n) * 10.0 ** random.integers(-30, 30, n),
        "narrow": 1 + 1e-6 * uniform,
        "signed zeros": np.where(uniform < 0.5, 0.0, -0.0) + np.round(2 * uniform),
    }
    return np.array(list(rows.values())).astype(np.float32)


def strengths(n):
    last = max(n - 1, 1)
    every = (0.0, 1.9 / n, 1 / n, 1 / last, np.nextafter(1 / last, 0), 0.3 / n, 0.01 / n, 1e-9)
    return [eps for eps in (*every, 1e-30, 5e-324) if eps * n < 2]


def assert_equal_to_the_cpu(simulate, rows, eps, normalize, **options):
    code = NORMALIZATIONS.index(normalize)
    got, refused = simulate(rows, eps, code, **options)
    assert refused == 0
    expected = infonet_kernels.soft_rank(rows, eps, normalize)
    np.testing.assert_array_equal(got, expected, err_msg=f"{rows.shape}, {eps}, {normalize}")


@pytest.mark.parametrize("order", block_algorithms.ORDERS)
def test_every_short_length(order):
    for n in (*range(1, 60), 107, 108, 109, 128, 255):
        rows = rows_of(n)
        for eps in strengths(n):
            for normalize in NORMALIZATIONS:
                assert_equal_to_the_cpu(
                    block_algorithms.soft_rank, rows, eps, normalize, order=order
                )


@pytest.mark.parametrize("n", [500, 863, 864, 865, 1151, 5000, 16384, 17280])
def test_blocks_of_many_threads(n):
    for eps in strengths(n):
        assert_equal_to_the_cpu(block_algorithms.soft_rank, rows_of(n), eps, "midrank")
    for order in block_algorithms.ORDERS:
        assert_equal_to_the_cpu(
            block_algorithms.soft_rank, rows_of(n), 0.3 / n, "minmax", order=order
        )


@pytest.mark.parametrize("n", [1, 2, 300, 5183, 5184, 5185, 10369, 20000])
def test_tiles(n):
    for eps in strengths(n):
        assert_equal_to_the_cpu(block_algorithms.long_soft_rank, rows_of(n), eps, "over_n")
    for order in block_algorithms.ORDERS:
        assert_equal_to_the_cpu(
            block_algorithms.long_soft_rank, rows_of(n), 0.3 / n, "minmax", order=order
        )


@pytest.mark.parametrize("eps", [0.0, 1e-6, 1e-9])
def test_a_million_values_in_tiles(eps):
    rows = np.random.default_rng(0).standard_normal((1, 1_000_000)).astype(np.float32)
    assert_equal_to_the_cpu(block_algorithms.long_soft_rank, rows, eps, "midrank")


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 1500), st.integers(0, 2**32 - 1), st.floats(1e-3, 1.99), st.integers(1, 60))
def test_any_rows(n, seed, strength, levels):
    """Integers, whose exact ties in the pooling no rounding may decide."""
    rows = np.random.default_rng(seed).integers(0, levels, (1, n)).astype(np.float32)
    for simulate in (block_algorithms.soft_rank, block_algorithms.long_soft_rank):
        assert_equal_to_the_cpu(simulate, rows, strength / n, "midrank")


@pytest.mark.parametrize("simulate", ["soft_rank", "long_soft_rank"])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("eps", [0.0, 1e-3])
def test_refused_rows_become_nan(simulate, bad, eps):
    rows = np.random.default_rng(0).standard_normal((3, 700)).astype(np.float32)
    rows[1, 350] = bad
    ranks, refused = getattr(block_algorithms, simulate)(rows, eps, 0)
    if eps == 0 and np.isinf(bad):
        assert refused == 0
        np.testing.assert_array_equal(ranks, infonet_kernels.soft_rank(rows))
        return
    assert refused == 1
    assert np.isnan(ranks[1]).all()
    np.testing.assert_array_equal(ranks[::2], infonet_kernels.soft_rank(rows[::2], eps))


@pytest.mark.parametrize("n", [1, 2, 20, 1151, 50001])
def test_affine(n):
    rows = np.concatenate([rows_of(n), 1e7 + rows_of(n)])
    for eps in (2 / n, 0.1 + 2 / n, 10):
        for code, normalize in enumerate(NORMALIZATIONS):
            got, refused = block_algorithms.affine(rows, eps, code)
            assert refused == 0
            expected = infonet_kernels.soft_rank(rows, eps, normalize)
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7)
    rows[0, n // 2] = np.inf
    got, refused = block_algorithms.affine(rows, 2, 0)
    assert refused == 1
    assert np.isnan(got[0]).all()
    assert np.isfinite(got[1:]).all()


@pytest.mark.parametrize("grid", [2, 3, 32, 64, 300])
@pytest.mark.parametrize("n", [1, 7, 5000])
def test_histogram(grid, n):
    random = np.random.default_rng(grid + n)
    x, y = random.random((2, n)).astype(np.float32)
    x[0], y[0] = 0.0, 1.0
    got = block_algorithms.histogram(x, y, grid)
    np.testing.assert_allclose(got, numpy_twins.joint_histogram(x, y, grid), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        got, infonet_kernels.joint_histogram(x[None], y[None], grid)[0], rtol=1e-6, atol=1e-6
    )
    assert got.sum(dtype=np.float64) == pytest.approx(n, rel=1e-6)


@pytest.mark.parametrize(
    ("simulate", "eps"),
    [
        ("soft_rank", 0.0),
        ("soft_rank", 1e-3),
        ("long_soft_rank", 0.0),
        ("long_soft_rank", 1e-3),
        ("affine", 0.1),
    ],
)
def test_columns_of_a_matrix(simulate, eps):
    """[batch, n, columns] is ranked along its middle axis, where it lies."""
    samples = np.random.default_rng(0).standard_normal((2, 700, 3)).astype(np.float32)
    got, refused = getattr(block_algorithms, simulate)(samples, eps, 0)
    assert refused == 0
    rows = samples.transpose(0, 2, 1).reshape(6, 700)
    expected = infonet_kernels.soft_rank(rows, eps).reshape(2, 3, 700).transpose(0, 2, 1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7 if simulate == "affine" else 0)


@pytest.mark.parametrize("most", [1, 4, 14, 50])
def test_rows_side_by_side_keep_to_their_own(most):
    """As many at a time as there are, fewer, or more; rows whose length is no multiple of four."""
    rows = rows_of(5187)
    rows[3, 100] = np.nan
    ranks, refused = block_algorithms.long_soft_rank(rows, 1e-5, 0, most=most)
    assert refused == 1
    fine = np.arange(len(rows)) != 3
    np.testing.assert_array_equal(ranks[fine], infonet_kernels.soft_rank(rows[fine], 1e-5))
    ranks, refused = block_algorithms.affine(rows, 1.0, 0, most=most)
    assert refused == 1
    expected = infonet_kernels.soft_rank(rows[fine], 1.0)
    np.testing.assert_allclose(ranks[fine], expected, rtol=0, atol=1e-7)
