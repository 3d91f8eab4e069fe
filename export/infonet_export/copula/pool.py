"""Training data: pools of histogram pairs, each a pure function of (seed, pool, chunk)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from infonet_kernels import joint_histogram, soft_rank
from numpy.typing import NDArray

from infonet_export.copula.config import CHUNK, CopulaTraining
from infonet_export.copula.network import CopulaConfig
from infonet_export.samplers.training_families import draw, draw_weak
from infonet_export.training.processes import drawn_ahead

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """reading [P, G, G]: histograms that the network reads. scoring [P, G/2, G/2]: histograms of
    independent samples of the same distributions. mi [P] (nats, NaN unknown), n [P]."""

    reading: Floats
    scoring: Floats
    mi: Floats
    n: Floats

    def __len__(self) -> int:
        return len(self.mi)


def histogram(samples: NDArray[np.float64], grid: int) -> Floats:
    """samples [n, 2], cast to float32 -> joint histogram of mid-ranks, float32 [grid, grid]."""
    columns = np.ascontiguousarray(samples.T, dtype=np.float32)
    ranks = soft_rank(columns, eps=0.0, normalize="midrank")
    counts: Floats = joint_histogram(ranks[:1], ranks[1:], grid)[0]
    return counts


def draw_chunk(config: CopulaTraining, pool: int, chunk: int) -> Pool:
    """CHUNK pairs of the pool; the same bytes for the same arguments."""
    rng = np.random.default_rng([config.training.seed, pool, chunk])
    model, data = config.model, config.data
    grid, half = model.histogram_grid, model.table_grid
    reading = np.empty((CHUNK, grid, grid), np.float32)
    scoring = np.empty((CHUNK, half, half), np.float32)
    mi, sizes = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    with np.errstate(all="ignore"):
        for i in range(CHUNK):
            if i % data.replicates == 0:
                faint = rng.random() < data.weak
                n = random_size(rng, model)
                distribution = draw_weak(rng, n) if faint else draw(rng)
            elif not faint:  # what is weak for one n may be plain for another
                n = random_size(rng, model)
            reading[i] = histogram(finite_samples(distribution.sample(rng, n)), grid)
            fine = histogram(finite_samples(distribution.sample(rng, data.scoring_samples)), grid)
            scoring[i] = fine.reshape(half, 2, half, 2).sum((1, 3))
            mi[i], sizes[i] = distribution.mi, n
    return Pool(reading, scoring, mi, sizes)


def random_size(rng: np.random.Generator, model: CopulaConfig) -> int:
    """A number of samples, log-uniform on the range of the model."""
    return int(round(np.exp(rng.uniform(np.log(model.n_min), np.log(model.n_max)))))


def finite_samples(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Samples within float32, which heavy tails may overflow; ranks need only the order."""
    return np.nan_to_num(np.clip(samples, -3e38, 3e38))


def pools(config: CopulaTraining, first: int, last: int) -> Iterator[Pool]:
    """Pools first .. last - 1, the next one drawn by worker processes while one is in use."""
    chunks = config.data.pool_size // CHUNK
    tasks = ((config, pool, chunk) for pool in range(first, last) for chunk in range(chunks))
    drawn = drawn_ahead(draw_chunk, tasks, config.data.workers, ahead=chunks)
    for _ in range(first, last):
        yield _join(list(islice(drawn, chunks)))


def _join(chunks: list[Pool]) -> Pool:
    return Pool(
        np.concatenate([c.reading for c in chunks]),
        np.concatenate([c.scoring for c in chunks]),
        np.concatenate([c.mi for c in chunks]),
        np.concatenate([c.n for c in chunks]),
    )
