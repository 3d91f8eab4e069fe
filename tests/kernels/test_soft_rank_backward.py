"""soft_rank_backward and the double precision of the kernels."""

import infonet_kernels
import numpy as np
import numpy_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from infonet_kernels import NORMALIZATIONS, soft_rank, soft_rank_backward

EPS = (10.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-6)
KINDS = {
    "normal": lambda random, n: random.standard_normal(n),
    "ties": lambda random, n: random.integers(0, 4, n),
    "cauchy": lambda random, n: random.standard_cauchy(n),
}


def minmax_jacobian(values):
    """Of (v - min) / (max - min); values tied at an end share its derivative evenly."""
    low, high = values.min(), values.max()
    by_low = np.outer((values - high) / (high - low) ** 2, (values == low) / (values == low).sum())
    by_high = np.outer((low - values) / (high - low) ** 2, (values == high) / sum(values == high))
    return np.eye(len(values)) / (high - low) + by_low + by_high


def jacobian(row, eps, normalize):
    """Dense derivative of the normalised soft ranks of one row, of the definition's steps in turn.

    Which values are pooled is read off the minimax formula's fit, which knows no blocks.
    """
    n = len(row)
    if eps == 0 or row.min() == row.max():
        return np.zeros((n, n))
    theta = numpy_twins.scaled(row) / eps
    order = np.argsort(theta, kind="stable")
    fit = np.empty(n)
    fit[order] = numpy_twins.isotonic_minimax(theta[order] - np.arange(1, n + 1))
    together = np.abs(fit[:, None] - fit) <= 1e-9 * max(1, np.abs(fit).max())
    ranks_by_theta = np.eye(n) - together / together.sum(1, keepdims=True)
    result = ranks_by_theta / eps @ minmax_jacobian(row.astype(np.float64))
    return minmax_jacobian(theta - fit) @ result if normalize == "minmax" else result / n


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 20, 61])
def test_equals_the_dense_jacobian(n, kind, normalize):
    random = np.random.default_rng(n)
    values, by = KINDS[kind](random, n).astype(np.float64), random.standard_normal(n)
    for eps in EPS:
        got = soft_rank_backward(values[None], by[None], eps, normalize, dtype=np.float64)[0]
        expected = by @ jacobian(values, eps, normalize)
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9 * scale, err_msg=str(eps))


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("eps", [2.0, 0.1, 0.02, 0.005])
@pytest.mark.parametrize("n", [5, 20, 129])
def test_equals_finite_differences(n, eps, normalize):
    random = np.random.default_rng(n)
    values, by = random.standard_normal((2, n))
    steps = 1e-7 * np.eye(n)
    up, down = (
        soft_rank(values + sign * steps, eps, normalize, dtype=np.float64) @ by for sign in (1, -1)
    )
    got = soft_rank_backward(values[None], by[None], eps, normalize, dtype=np.float64)[0]
    np.testing.assert_allclose(got, (up - down) / 2e-7, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("eps", [*EPS, 2 / 129, np.nextafter(2 / 129, 0)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 20, 129, 1151])
def test_equals_torchsort(n, kind, eps):
    torchsort = pytest.importorskip("torchsort", reason="torchsort is not installed")
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(n)
    values, by = KINDS[kind](random, (3, n)).astype(np.float64), random.standard_normal((3, n))
    for normalize in NORMALIZATIONS:
        x = torch.tensor(values, requires_grad=True)
        low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
        ranks = torchsort.soft_rank((x - low) / (high - low), regularization_strength=eps)
        if normalize == "minmax":
            low, high = ranks.amin(1, keepdim=True), ranks.amax(1, keepdim=True)
            ranks = (ranks - low) / (high - low)
        else:
            ranks = (ranks - 0.5 * (normalize == "midrank")) / n
        ranks.backward(torch.tensor(by))
        got = soft_rank_backward(values, by, eps, normalize, dtype=np.float64)
        expected = x.grad.numpy()
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("n", numpy_twins.LENGTHS)
def test_float32_is_rounded_once(n, normalize):
    """The same sums in double precision, of float32 values."""
    random = np.random.default_rng(n)
    values, by = random.standard_normal((2, 2, n)).astype(np.float32)
    for eps in (1.0, 1 / n, 0.2 / n):
        got = soft_rank_backward(values, by, eps, normalize)
        assert got.dtype == np.float32
        expected = soft_rank_backward(values, by, eps, normalize, dtype=np.float64)
        np.testing.assert_array_equal(got, expected.astype(np.float32))


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(2, 60), elements=st.floats(-1000, 1000, width=32)),
    st.floats(1e-3, 10),
    st.sampled_from(NORMALIZATIONS),
    st.integers(0, 2**32 - 1),
)
def test_shifting_and_scaling_the_values_changes_nothing(values, eps, normalize, seed):
    by = np.random.default_rng(seed).standard_normal(values.shape)
    got = soft_rank_backward(values[None], by[None], eps, normalize, dtype=np.float64)[0]
    size = max(1e-30, np.abs(got).max()) * len(got)
    assert abs(got.sum()) <= 1e-9 * size
    assert abs(got @ (values - values[0])) <= 1e-9 * size * max(1e-30, np.ptp(values))


@pytest.mark.parametrize("n", [2, 7, 20, 21, 500])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_the_affine_shortcut_continues_the_pooling(n, normalize):
    values, by = np.random.default_rng(n).standard_normal((2, 1, n))
    below, above = (
        soft_rank_backward(values, by, eps, normalize, dtype=np.float64)
        for eps in (np.nextafter(2 / n, 0), 2 / n)
    )
    np.testing.assert_allclose(below, above, rtol=1e-9, atol=1e-10)


def test_ties_at_the_ends_share_evenly():
    """A worked case: eps is large, so the ranks are (v - min) / (max - min)."""
    got = soft_rank_backward([[0, 0, 1, 4]], [[0, 0, 1, 0]], 1.0, "minmax", dtype=np.float64)
    np.testing.assert_allclose(got, [[-3 / 32, -3 / 32, 1 / 4, -1 / 16]], rtol=1e-12)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_where_ranks_are_constant(normalize, dtype):
    random = np.random.default_rng(0)
    values, by = random.standard_normal((2, 3, 40)).astype(dtype)
    assert not soft_rank_backward(values, by, 0.0, normalize, dtype=dtype).any()
    constant = np.full_like(values, 7.25)
    for eps in (0.0, 1.0, 1e-3):
        assert not soft_rank_backward(constant, by, eps, normalize, dtype=dtype).any()
        assert not soft_rank_backward(values[:, :1], by[:, :1], eps, normalize, dtype=dtype).any()
        infinite = np.array([[np.inf, 0, -np.inf]], dtype)
    assert not soft_rank_backward(infinite, by[:1, :3], 0.0, normalize, dtype=dtype).any()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_empty_arrays(shape):
    empty = np.empty(shape)
    for eps in (0.0, 0.1):
        assert soft_rank_backward(empty, empty, eps).shape == shape


@pytest.mark.parametrize(
    "view",
    [
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a.astype(">f8"),
        lambda a: a.tolist(),
        lambda a: np.broadcast_to(a, a.shape),
    ],
    ids=["fortran", "strided", "big-endian", "list", "read-only"],
)
def test_layouts(view):
    values, by = np.random.default_rng(0).standard_normal((2, 3, 50))
    for dtype in (np.float32, np.float64):
        expected = soft_rank_backward(values, by, 0.02, dtype=dtype)
        got = soft_rank_backward(view(values), view(by), 0.02, dtype=dtype)
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(
            soft_rank(view(values), 0.02, dtype=dtype), soft_rank(values, 0.02, dtype=dtype)
        )


@pytest.mark.parametrize("threads", [2, 5])
def test_results_do_not_depend_on_the_number_of_threads(threads):
    values, by = np.random.default_rng(0).standard_normal((2, 17, 300))
    for eps in (1e-3, 0.1):
        np.testing.assert_array_equal(
            soft_rank_backward(values, by, eps, threads=threads),
            soft_rank_backward(values, by, eps),
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bad_values_are_named(dtype):
    values = np.zeros((3, 9))
    values[1, 4] = np.nan
    for eps in (0.0, 0.1):
        with pytest.raises(ValueError, match=r"NaN at row 1, index 4;"):
            soft_rank_backward(values, values, eps, dtype=dtype)
    values[1, 4] = np.inf
    with pytest.raises(ValueError, match=r"an infinity at row 1, index 4; .* finite"):
        soft_rank_backward(values, values, 0.1, dtype=dtype)


def test_bad_arguments_are_refused():
    values = np.zeros((2, 5))
    with pytest.raises(ValueError, match=r"\(2, 5\) and gradient \(2, 4\); they must be equal"):
        soft_rank_backward(values, values[:, 1:])
    with pytest.raises(ValueError, match="eps: got -1"):
        soft_rank_backward(values, values, -1.0)
    with pytest.raises(ValueError, match="normalize: got 'rank'"):
        soft_rank_backward(values, values, 0.1, "rank")
    for function in (soft_rank, lambda v, dtype: soft_rank_backward(v, v, dtype=dtype)):
        with pytest.raises(ValueError, match=r"allowed are numpy\.float32 and numpy\.float64"):
            function(values, dtype=np.float16)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("n", [1, 2, 20, 301, 1151])
def test_ranks_in_double_precision(n, normalize):
    random = np.random.default_rng(n)
    for values in (random.standard_normal((2, n)), random.integers(0, 4, (2, n)).astype(float)):
        for eps in (0.0, *EPS, 1 / n):
            got = soft_rank(values, eps, normalize, dtype=np.float64)
            assert got.dtype == np.float64
            rough = soft_rank(values.astype(np.float32), eps, normalize)
            np.testing.assert_allclose(
                got, rough, rtol=0, atol=2e-7 * (1 + 1 / (n * eps) if eps else 1)
            )
    ranks = soft_rank(values, 0.0, normalize, dtype=np.float64)[0]
    average = numpy_twins.average_ranks(values[0])
    if normalize == "midrank":
        np.testing.assert_array_equal(ranks, (average - 0.5) / n)
    if normalize == "over_n":
        np.testing.assert_array_equal(ranks, average / n)


def test_doubles_that_float32_cannot_tell_apart():
    values = 1e9 + np.random.default_rng(0).standard_normal((1, 500))
    for eps in (0.0, 1e-9):
        ranks = soft_rank(values, eps, dtype=np.float64)[0]
        assert (np.diff(ranks[np.argsort(values[0])]) > 0).all()
    assert len(np.unique(soft_rank(values))) == 1  # and what they are by default


def test_a_range_beyond_double_is_refused():
    values = np.array([[-1.5e308, 0.0, 1.5e308]])
    np.testing.assert_allclose(soft_rank(values, dtype=np.float64), [[1 / 6, 1 / 2, 5 / 6]])
    np.testing.assert_allclose(
        soft_rank(values / 2, 1.0, "minmax", dtype=np.float64), [[0, 0.5, 1]]
    )
    for function in (soft_rank, lambda v, e, dtype: soft_rank_backward(v, v, e, dtype=dtype)):
        with pytest.raises(ValueError, match="row 0, .* exceeds the largest double"):
            function(values, 1.0, dtype=np.float64)


@pytest.mark.parametrize("grid", [2, 5, 64])
@pytest.mark.parametrize("n", [0, 1, 20, 1151])
def test_histograms_in_double_precision(n, grid):
    x, y = np.random.default_rng(n).random((2, 2, n))
    got = infonet_kernels.joint_histogram(x, y, grid, dtype=np.float64)
    assert got.dtype == np.float64
    for cells, u, v in zip(got, x, y, strict=True):
        position = np.clip(np.stack([u, v]) * grid - 0.5, 0, grid - 1)
        near = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(grid)[:, None]))
        np.testing.assert_allclose(cells, near[0] @ near[1].T, rtol=0, atol=1e-12 * max(n, 1))
    with pytest.raises(ValueError, match=r"1\.5\d* at x row 0, index 0"):
        infonet_kernels.joint_histogram([[1.5]], [[0.5]], grid, dtype=np.float64)
