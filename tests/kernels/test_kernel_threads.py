"""Threads: same bytes, no interference, no growth."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from infonet_kernels import joint_histogram, pair_histograms, soft_rank

VALUES = np.random.default_rng(0).standard_normal((23, 1151)).astype(np.float32)
PAIRS = np.array([(a, b) for a in range(23) for b in range(a)])


@pytest.mark.parametrize("threads", [2, 3, 64])
def test_results_do_not_depend_on_the_number_of_threads(threads):
    ranks = soft_rank(VALUES)
    for eps in (0.0, 1e-3, 0.1):
        np.testing.assert_array_equal(
            soft_rank(VALUES, eps, threads=threads), soft_rank(VALUES, eps)
        )
    np.testing.assert_array_equal(
        joint_histogram(ranks, ranks[::-1], 32, threads=threads),
        joint_histogram(ranks, ranks[::-1], 32),
    )
    np.testing.assert_array_equal(
        pair_histograms(ranks, PAIRS, 32, threads=threads), pair_histograms(ranks, PAIRS, 32)
    )


def test_many_callers_at_once():
    def work(seed):
        values = np.random.default_rng(seed).standard_normal((2, 200 + 701 * seed))
        ranks = soft_rank(values, threads=1 + seed % 2)
        soft = soft_rank(values, 1e-4)
        with pytest.raises(ValueError, match=f"index {seed};"):
            soft_rank(np.where(np.arange(200) == seed, np.nan, 0)[None])
        return ranks, soft, pair_histograms(ranks, [[0, 1]], 16)

    expected = [work(seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for results in pool.map(lambda _: [work(seed) for seed in range(16)], range(8)):
            for got, wanted in zip(results, expected, strict=True):
                for a, b in zip(got, wanted, strict=True):
                    np.testing.assert_array_equal(a, b)


def test_memory_does_not_grow():
    process = psutil.Process()
    before = None
    for repeat in range(300):
        ranks = soft_rank(VALUES[:2], 1e-4 * (repeat % 2), threads=2)
        pair_histograms(ranks, [[0, 1]], 64, threads=2)
        if repeat == 50:
            before = process.memory_info().rss
    assert process.memory_info().rss - before < 5e6


def test_long_rows_give_their_memory_back():
    # ones are written, so their pages are there; 40 MB are above what malloc keeps for itself
    values = np.ones((1, 10_000_000), np.float32)
    soft_rank(VALUES[:1])
    before = psutil.Process().memory_info().rss
    soft_rank(values)  # 160 MB of working memory
    assert psutil.Process().memory_info().rss - before < 10e6
