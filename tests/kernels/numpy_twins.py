"""Slow, plain NumPy versions of the kernels: the definitions, for tests to compare with."""

import numpy as np

LENGTHS = (1, 2, 20, 129, 1151, 65537)


def average_ranks(row):
    """Average ranks (from 1) of one row; ties share their mean rank."""
    _, place, counts = np.unique(row, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def isotonic_minimax(z):
    """Non-decreasing least-squares fit by its minimax formula: O(n^2), no pooling."""
    total = np.concatenate([[0.0], np.cumsum(z)])
    n = len(z)
    means = np.full((n, n), np.inf)  # means[a, b] of z[a..b]
    for a in range(n):
        means[a, a:] = (total[a + 1 :] - total[a]) / np.arange(1, n - a + 1)
    smallest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]  # over all b >= i
    return np.array([smallest[: i + 1, i].max() for i in range(n)])


def scaled(row):
    """One row scaled to [0, 1] in double precision; zeros if it is constant."""
    row = np.asarray(row, np.float64)
    width = row.max() - row.min()
    return (row - row.min()) / width if width > 0 else np.zeros_like(row)


def soft_ranks(row, eps, isotonic=isotonic_minimax):
    """Soft ranks (from 1) of one row scaled to [0, 1], by isotonic regression."""
    theta = scaled(row) / eps
    order = np.argsort(theta, kind="stable")
    ranks = np.empty(len(theta))
    ranks[order] = theta[order] - isotonic(theta[order] - np.arange(1, len(theta) + 1))
    return ranks


def normalized(ranks, normalize):
    """Normalised ranks as float32."""
    n = len(ranks)
    if normalize == "midrank":
        result = (ranks - 0.5) / n
    elif normalize == "over_n":
        result = ranks / n
    else:
        width = ranks.max() - ranks.min()
        result = (ranks - ranks.min()) / width if width > 1e-9 else np.full(n, 0.5)
    return result.astype(np.float32)


def soft_rank(rows, eps=0.0, normalize="midrank", **options):
    """What infonet_kernels.soft_rank computes."""
    rank = average_ranks if eps == 0 else lambda row: soft_ranks(row, eps, **options)
    return np.array([normalized(rank(row), normalize) for row in rows], np.float32)


def joint_histogram(x, y, grid):
    """What infonet_kernels.joint_histogram computes, for one row."""
    corners = []
    for u in (x, y):
        position = np.clip(np.asarray(u, np.float64) * grid - 0.5, 0, grid - 1)
        lower = np.minimum(position.astype(int), grid - 2)
        corners.append(((lower, 1 - (position - lower)), (lower + 1, position - lower)))
    cells = np.zeros((grid, grid))
    for i, left in corners[0]:
        for j, right in corners[1]:
            np.add.at(cells, (i, j), left * right)
    return cells.astype(np.float32)
