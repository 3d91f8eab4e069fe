"""Kernels of vines against plain NumPy and SciPy: normal scores, h-functions, moments of ranks."""

import numpy as np
import numpy_twins
import pytest
from infonet_kernels import conditionals, moments, normal_scores, products
from numpy.polynomial import legendre
from scipy.special import ndtri
from scipy.stats import multivariate_normal, norm

LENGTHS = numpy_twins.LENGTHS


def ranks(n, seed=0):
    order = np.random.default_rng(seed).permutation(n)
    return ((order + 0.5) / n).astype(np.float32)


def balanced(table):
    """A table's density with uniform marginals: rows and columns scaled in turn (Sinkhorn)."""
    cells = np.exp(table.astype(np.float64) - table.max())
    for _ in range(3000):
        cells /= cells.mean(axis=1, keepdims=True)
        cells /= cells.mean(axis=0, keepdims=True)
    return cells


def conditional(cells, u, v):
    """F(v | u) of each point: linear within a cell of v and between the centres of those of u."""
    grid = len(cells)
    steps = np.concatenate([np.zeros((grid, 1)), np.cumsum(cells, axis=1)], axis=1)
    steps /= steps[:, -1:]
    centres, borders = (np.arange(grid) + 0.5) / grid, np.arange(grid + 1) / grid
    of_cells = np.array([np.interp(v, borders, row) for row in steps])  # [grid, n]
    return np.array([np.interp(a, centres, of_cells[:, i]) for i, a in enumerate(u)])


def density(cells, u, v):
    centres = (np.arange(len(cells)) + 0.5) / len(cells)
    along = np.array([np.interp(v, centres, row) for row in cells])
    return np.array([np.interp(a, centres, along[:, i]) for i, a in enumerate(u)])


def gaussian_table(grid, rho):
    z = ndtri((np.arange(grid) + 0.5) / grid)
    points = np.stack(np.meshgrid(z, z, indexing="ij"), axis=-1)
    joint = multivariate_normal(cov=[[1, rho], [rho, 1]]).logpdf(points)
    return joint - norm.logpdf(z)[:, None] - norm.logpdf(z)


@pytest.mark.parametrize("n", LENGTHS)
def test_normal_scores_are_quantiles(n):
    row = ranks(n)
    expected = ndtri(np.clip(row.astype(float), 0.5 / n, 1 - 0.5 / n))  # float32 rounds either way
    np.testing.assert_allclose(normal_scores(row), expected, rtol=1e-13, atol=1e-15)


def test_normal_scores_of_equal_and_extreme_ranks():
    row = np.array([0, 1, 0.5, 0.5, 1e-30, 1 - 2**-24], np.float32)
    n = row.size
    expected = ndtri(np.clip(row.astype(float), 0.5 / n, 1 - 0.5 / n))
    np.testing.assert_allclose(normal_scores(row), expected, rtol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 20, 129, 1151])
@pytest.mark.parametrize("grid", [2, 5, 64])
def test_conditionals_are_those_of_the_balanced_table(n, grid):
    table = np.random.default_rng(grid).normal(size=(grid, grid)).astype(np.float32)
    u, v = ranks(n, 1), ranks(n, 2)
    of_u, of_v, logs = conditionals(table, u, v)
    cells = balanced(table)
    np.testing.assert_allclose(of_v, conditional(cells, u, v), atol=3e-6)
    np.testing.assert_allclose(of_u, conditional(cells.T, v, u), atol=3e-6)
    np.testing.assert_allclose(logs, np.log(density(cells, u, v)), atol=1e-5)
    assert of_u.dtype == of_v.dtype == logs.dtype == np.float32


def test_conditionals_do_not_change_with_functions_of_one_variable_added():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(16, 16))
    u, v = ranks(500, 1), ranks(500, 2)
    other = table + rng.normal(size=(16, 1)) + rng.normal(size=16) + 7.0
    for a, b in zip(conditionals(table, u, v), conditionals(other, u, v), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_conditionals_exchange_with_the_table_turned():
    table = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    u, v = ranks(500, 1), ranks(500, 2)
    of_u, of_v, logs = conditionals(table, u, v)
    turned = conditionals(table.T, v, u)
    for a, b in zip((of_v, of_u, logs), turned, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6)


def test_conditionals_of_a_gaussian_copula():
    rho, u, v = 0.7, ranks(1000, 1), ranks(1000, 2)
    of_u, of_v, _ = conditionals(gaussian_table(64, rho), u, v)
    x, y = ndtri(u.astype(float)), ndtri(v.astype(float))
    inside = (np.abs(x) < 1.5) & (np.abs(y) < 1.5)  # at the ends 64 cells are coarse
    root = np.sqrt(1 - rho**2)
    for got, expected in ((of_v, norm.cdf((y - rho * x) / root)),
                          (of_u, norm.cdf((x - rho * y) / root))):  # fmt: skip
        assert np.abs(got - expected)[inside].max() < 0.01


def test_a_flat_table_is_independence():
    u, v = ranks(300, 1), ranks(300, 2)
    of_u, of_v, logs = conditionals(np.full((64, 64), -3.0), u, v)
    np.testing.assert_allclose(of_u, u, atol=1e-7)
    np.testing.assert_allclose(of_v, v, atol=1e-7)
    np.testing.assert_allclose(logs, 0, atol=1e-7)


def test_conditionals_at_equal_points_and_corners():
    table = gaussian_table(64, 0.5)
    points = np.array([0, 0, 0.3, 0.3, 1, 1], np.float32)
    of_u, of_v, logs = conditionals(table, points, points)
    assert of_u[2] == of_u[3]
    assert (of_v[0], of_v[4]) == (0, 1)
    assert np.isfinite(logs).all()


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_conditionals_of_huge_differences_stay_in_bounds(size):
    table = np.zeros((8, 8))
    table[0, 0] = size
    for part in conditionals(table, ranks(50, 1), ranks(50, 2)):
        assert np.isfinite(part).all()


def polynomials(row):
    t = 2 * row.astype(np.float64) - 1
    return [np.sqrt(2 * k + 1) * legendre.Legendre.basis(k)(t) for k in (1, 2, 3)]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("count", [0, 3])
def test_moments_are_means_of_products(n, count):
    u, v, *w = (ranks(n, seed) for seed in range(2 + count))
    products = [a * b for a in polynomials(u) for b in polynomials(v)]
    pair, square, triple = moments(u, v, w)
    np.testing.assert_allclose(pair, np.mean(products, axis=1), atol=1e-12)
    expected = np.dot(products, np.transpose(products)) / n if count else np.zeros((9, 9))
    np.testing.assert_allclose(square, expected, atol=1e-11)
    assert triple.shape == (count, 3, 9)
    for row, found in zip(w, triple, strict=True):
        expected = [[(p * c).mean() for p in products] for c in polynomials(row)]
        np.testing.assert_allclose(found, expected, atol=1e-11)


def test_moments_of_equal_points():
    half = np.full(129, 0.5, np.float32)
    pair, _, _ = moments(half, half)
    expected = np.zeros(9)
    expected[4] = 5 / 4  # P_2(1/2) = -sqrt(5) / 2, the others are 0
    np.testing.assert_allclose(pair, expected, atol=1e-15)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 256, 257, 3001])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_products_of_rows(n, count):
    rows = np.random.default_rng([n, count]).normal(size=(count, n))
    found = products(rows)
    assert found.shape == (count, count)
    np.testing.assert_allclose(found, rows @ rows.T, rtol=1e-12, atol=1e-10)
    np.testing.assert_array_equal(found, found.T)


GOOD, BAD = np.array([0.25, 0.75], np.float32), [np.nan, 0.5]
TABLE = np.zeros((4, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: normal_scores(BAD), "NaN"),
        (lambda: normal_scores([0.5, 1.5]), "1.5"),
        (lambda: normal_scores([-0.1]), "-0.1"),
        (lambda: normal_scores([]), "no values"),
        (lambda: normal_scores(np.zeros((2, 2))), "shape"),
        (lambda: normal_scores(["a"]), "dtype"),
        (lambda: conditionals(TABLE, BAD, GOOD), "NaN"),
        (lambda: conditionals(TABLE, GOOD, [0.5, 2.0]), "2"),
        (lambda: conditionals(TABLE, GOOD, GOOD[:1]), "2 and 1 points"),
        (lambda: conditionals(TABLE[:3], GOOD, GOOD), "square"),
        (lambda: conditionals(TABLE[:1, :1], GOOD, GOOD), "grid"),
        (lambda: conditionals(TABLE + np.nan, GOOD, GOOD), "not finite"),
        (lambda: conditionals(TABLE + np.inf, GOOD, GOOD), "not finite"),
        (lambda: conditionals(TABLE, [], []), "no values"),
        (lambda: moments(GOOD, GOOD[:1]), "as many each"),
        (lambda: moments(GOOD, GOOD, [GOOD[:1]]), "as many each"),
        (lambda: moments([], []), "no values"),
        (lambda: products([1.0]), "shape"),
        (lambda: products([["a"]]), "dtype"),
    ],
)
def test_what_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
