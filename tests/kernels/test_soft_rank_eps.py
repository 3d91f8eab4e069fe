"""soft_rank with eps > 0: the paper's soft ranks."""

import functools
from pathlib import Path

import infonet_kernels
import numpy as np
import numpy_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.isotonic import isotonic_regression

FIXTURE = Path(__file__).parents[3] / "shared" / "fixtures" / "upstream_expected.npz"
EPS = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-6)
pooled = functools.partial(isotonic_regression, increasing=True)  # for rows too long for O(n^2)


@pytest.mark.skipif(not FIXTURE.is_file(), reason=f"needs {FIXTURE.name} of the shared fixtures")
@pytest.mark.parametrize("eps", ["0.1", "0.01", "0.001", "0.0001"])
def test_equals_the_published_code(eps):
    with np.load(FIXTURE) as fixture:
        raw, expected = fixture["raw"], fixture[f"softrank_{eps}"]
    rows = raw.transpose(0, 2, 1).reshape(-1, raw.shape[1])
    got = infonet_kernels.soft_rank(rows, float(eps), "minmax")
    got = got.reshape(raw.shape[0], raw.shape[2], -1).transpose(0, 2, 1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("eps", EPS)
@pytest.mark.parametrize("n", [3, 20, 129, 1151])
def test_equals_torchsort(eps, n):
    torchsort = pytest.importorskip("torchsort", reason="torchsort is not installed")
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(n).standard_normal((2, n)).astype(np.float32)
    theta = torch.from_numpy(np.array([numpy_twins.scaled(row) for row in values]))
    ranks = torchsort.soft_rank(theta, regularization_strength=eps).numpy()
    for normalize in infonet_kernels.NORMALIZATIONS:
        expected = [numpy_twins.normalized(row, normalize) for row in ranks]
        got = infonet_kernels.soft_rank(values, eps, normalize)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("eps", EPS)
@pytest.mark.parametrize("n", numpy_twins.LENGTHS)
def test_equals_the_twin(eps, n):
    random = np.random.default_rng(n)
    isotonic = numpy_twins.isotonic_minimax if n < 1000 else pooled
    for values in (random.standard_normal((2, n)), random.integers(0, 4, (2, n))):
        values = values.astype(np.float32)
        for normalize in infonet_kernels.NORMALIZATIONS:
            expected = numpy_twins.soft_rank(values, eps, normalize, isotonic=isotonic)
            got = infonet_kernels.soft_rank(values, eps, normalize)
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n", [2, 5, 19, 20, 21, 129])
def test_affine_shortcut_is_exact_at_its_bound(n):
    """On both sides of eps = 2/n the answer is the twin's, which knows no shortcut."""
    values = np.random.default_rng(n).standard_normal((1, n)).astype(np.float32)
    values[0, : n // 2] = values.min()  # the worst case: everything at the two ends
    values[0, n // 2 :] = values.max()
    for eps in (2 / n, np.nextafter(2 / n, 0), 1.999 / n, 2.001 / n):
        expected = numpy_twins.soft_rank(values, eps)
        np.testing.assert_allclose(infonet_kernels.soft_rank(values, eps), expected, atol=1e-6)


def test_large_eps_is_min_max_scaling():
    values = np.random.default_rng(0).standard_normal((1, 5000)).astype(np.float32)
    got = infonet_kernels.soft_rank(values, 0.1, "minmax")
    np.testing.assert_array_equal(got[0], numpy_twins.scaled(values[0]).astype(np.float32))


@pytest.mark.parametrize("normalize", infonet_kernels.NORMALIZATIONS)
def test_small_eps_is_the_average_rank(normalize):
    values = np.random.default_rng(0).integers(0, 50, (2, 1151)).astype(np.float32)
    ranks = infonet_kernels.soft_rank(values, normalize=normalize)
    for eps in (1e-9, 1e-30, 1e-300, 5e-324):
        np.testing.assert_allclose(
            infonet_kernels.soft_rank(values, eps, normalize), ranks, rtol=0, atol=1e-7
        )


@pytest.mark.parametrize("eps", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("exponent", [100, 117, -100, -126, -139])
def test_scale_does_not_matter(exponent, eps):
    """From denormals (the last one) to ranges that overflow float32 (the second one)."""
    whole = np.random.default_rng(1).integers(-1023, 1024, (2, 500)).astype(np.float32)
    whole[:, 0], whole[:, 1] = 1023, -1023
    got = infonet_kernels.soft_rank(np.ldexp(whole, exponent), eps)
    np.testing.assert_array_equal(got, infonet_kernels.soft_rank(whole, eps))


def test_denormals_are_ordinary_values():
    values = np.array([[0, 3, 1, 2]], np.float32) * np.float32(1e-45)
    np.testing.assert_allclose(infonet_kernels.soft_rank(values, 1.0, "minmax") * 3, [[0, 3, 1, 2]])


@pytest.mark.parametrize("n", [1, 2, 20, 1151])
@pytest.mark.parametrize("eps", EPS)
def test_constant_rows(n, eps):
    values = np.full((1, n), 7.5)
    for normalize, expected in (("midrank", 0.5), ("over_n", (n + 1) / (2 * n)), ("minmax", 0.5)):
        got = infonet_kernels.soft_rank(values, eps, normalize)
        np.testing.assert_array_equal(got, np.float32(expected))


@pytest.mark.parametrize("eps", [1.0, 1e-5, 1e-6, 1e-9])
def test_a_million_values_keep_their_mean(eps):
    values = np.random.default_rng(0).standard_normal((1, 1_000_000))
    got = infonet_kernels.soft_rank(values, eps)
    assert abs(got.mean(dtype=np.float64) - 0.5) < 1e-8
    assert (np.diff(got[0, np.argsort(values[0].astype(np.float32))]) >= 0).all()


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.just(1), st.integers(1, 60)),
        elements=st.floats(-1000, 1000, width=32),
    ),
    st.floats(1e-5, 10),
)
def test_any_floats(values, eps):
    expected = numpy_twins.soft_ranks(values[0], eps)
    got = infonet_kernels.soft_rank(values, eps, "over_n")[0].astype(np.float64) * values.size
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
