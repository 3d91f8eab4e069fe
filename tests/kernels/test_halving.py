"""Mutual information by counts in ever smaller cells."""

import infonet_kernels
import numpy as np
import pytest
from infonet_kernels import cell_information


def ranks(*columns):
    return infonet_kernels.rank_columns(list(columns))[0]


def slow(x, y, fewest, parts):
    """One division, cell by cell, with chances from simulations of the multinomial formula."""
    n, told = len(x), {}
    chance = {}

    def by_chance(m):
        if m not in chance:
            c = np.arange(1, m + 1)
            logs = np.concatenate([[0.0], np.cumsum(np.log(c))])
            p = np.exp(logs[m] - logs[c] - logs[m - c] - m * np.log(2))
            chance[m] = 2 * (p * c * np.log(c)).sum() - m * np.log(m / 2)
        return chance[m]

    def halve(inside, box, level):
        m = int(inside.sum())
        axis = level % 2
        if m < fewest or level == 2 * bits:
            return
        low, high = box[axis]
        middle = (low + high) / 2
        upper = inside & ((x, y)[axis] >= middle)
        halves = [int(upper.sum()), m - int(upper.sum())]
        found = sum(c * np.log(2 * c / m) for c in halves if c)
        found -= by_chance(m) * (1 - min(1, m / (n * (high - low))))
        size = m.bit_length() - 1
        told[size] = told.get(size, 0) + found
        for part, edges in ((inside & ~upper, (low, middle)), (upper, (middle, high))):
            halve(part, [edges, box[1]] if axis == 0 else [box[0], edges], level + 1)

    bits = 1
    while bits < 13 and 7 << (bits + 1) <= n:
        bits += 1
    a, b = parts
    first = 0.0
    for i in range(a):
        for j in range(b):
            inside = (x >= i / a) & (x < (i + 1) / a) & (y >= j / b) & (y < (j + 1) / b)
            m = inside.sum()
            if m:
                first += m * np.log(m * a * b / n)
            first -= (1 - m * a / n) * (1 - m * b / n) / 2
            halve(inside, [(i / a, (i + 1) / a), (j / b, (j + 1) / b)], 0)
    size = n.bit_length() - 1
    told[size] = told.get(size, 0) + first
    return np.array([told.get(j, 0.0) / n for j in range(64)])


@pytest.mark.parametrize("n", [101, 997])
def test_information_is_that_of_a_slow_twin(n):
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    x, y = ranks(x, x + rng.exponential(0.3, n))
    if ((x - 0.5) * (y - 0.5) ** 2).sum() < 0:  # the kernel reverses such columns
        x = 1 - x
    if ((y - 0.5) * (x - 0.5) ** 2).sum() < 0:
        y = 1 - y
    x64, y64 = ((np.rint(v.astype(float) * 2 * n)) / (2 * n) for v in (x, y))
    expected = np.zeros(64)
    for parts in ((4, 5), (5, 4), (6, 7), (7, 6)):
        expected += slow(x64, y64, 4, parts) + slow(y64, x64, 4, parts)
    np.testing.assert_allclose(cell_information(x, y), expected / 8, atol=1e-12)


def test_swapping_and_reversing_change_no_byte():
    rng = np.random.default_rng(0)
    x = rng.gamma(2, size=5001)
    x, y = ranks(x, np.sin(3 * x) + rng.gamma(1, size=5001))
    expected = cell_information(x, y).tobytes()
    assert cell_information(y, x).tobytes() == expected
    up, down = ranks(-x, y), ranks(x, -y)
    assert cell_information(*up).tobytes() == expected
    assert cell_information(*down).tobytes() == expected


def test_independent_columns_have_none_on_average():
    rng = np.random.default_rng(0)
    totals = [cell_information(*ranks(*rng.random((2, 2000)))).sum() for _ in range(200)]
    error = np.std(totals) / np.sqrt(200)
    assert abs(np.mean(totals)) < 4 * error
    assert np.std(totals) < 0.015


@pytest.mark.parametrize("correlation", [0.5, 0.9])
def test_cells_of_few_samples_resolve_a_gaussian(correlation):
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 200_000))
    told = cell_information(*ranks(x, correlation * x + np.sqrt(1 - correlation**2) * noise), 4, 2)
    truth = -0.5 * np.log(1 - correlation**2)
    assert truth - 0.01 < told.sum() < truth + 0.005
    assert told[8:].sum() < told.sum()


def test_bad_input_is_refused():
    for arguments, words in (
        (([0.5, 0.2], [0.5]), "got shapes"),
        (([[0.5]], [[0.5]]), "got shapes"),
        (([], []), "n: got 0"),
        (([0.5], [1.5]), "ranks must be in"),
        (([0.5], [0.5], 1), "fewest: got 1"),
        (([0.5], [0.5], 4, 5), "divisions: got 5"),
        (([0.5], [0.5], 4.5), "an integer is needed"),
    ):
        with pytest.raises(ValueError, match=words):
            cell_information(*arguments)
