"""Training data of the paper's network: ranks of Gaussian mixtures, drawn afresh for every step.

A mixture and its samples are a function of (seed, epoch, index in the epoch) alone: neither the
number of processes that train, nor that of workers, nor an interruption changes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from infonet_kernels import soft_rank
from numpy.random import Generator
from numpy.typing import NDArray

from infonet_export.perceiver.config import PerceiverDataConfig, PerceiverTraining
from infonet_export.perceiver.sizes import PerceiverConfig
from infonet_export.samplers.mixtures import GaussianMixture
from infonet_export.training.processes import Share, drawn_ahead

Floats = NDArray[np.float32]
TRAINING, VALIDATION, TEST = 0, 1, 2  # streams of random numbers that never meet


class Batch(NamedTuple):
    """Ranks [B, n, 2]: of the samples that the network reads, and of those that score its table
    (the same ones, or independent ones of the same distributions)."""

    reading: Floats
    scoring: Floats


def stream(seed: int, purpose: int, *numbers: int) -> Generator:
    """Random numbers that depend on these numbers alone.

    purpose: TRAINING, VALIDATION or TEST.
    """
    return np.random.default_rng([seed, purpose, *numbers])


def training_mixture(rng: Generator, data: PerceiverDataConfig) -> GaussianMixture:
    """The recipe of the published training: means uniform on [-5, 5], variances sums of two squares
    of numbers uniform on [-3, 3], correlations uniform on [-1, 1], 0.01 added to the variances."""
    counts = np.arange(1, data.components + 1)
    weights = counts if data.component_weights == "count" else np.ones(data.components)
    k = int(rng.choice(counts, p=weights / weights.sum()))
    variances = np.square(rng.uniform(-3, 3, (k, 2, 2))).sum(2)
    limit = np.sqrt(variances.prod(1))
    covariances = np.empty((k, 2, 2))
    covariances[:, 0, 1] = covariances[:, 1, 0] = rng.uniform(-limit, limit)
    covariances[:, [0, 1], [0, 1]] = variances + 0.01
    means = rng.uniform(-5, 5, (k, 2))
    return GaussianMixture(rng.dirichlet(np.ones(k)), means, covariances)


def ranks(samples: NDArray[np.float64], model: PerceiverConfig) -> Floats:
    """samples [n, d] -> the ranks [n, d] in [0, 1] that the network reads."""
    columns = np.ascontiguousarray(samples.T, dtype=np.float32)
    return np.asarray(soft_rank(columns, eps=model.eps, normalize=model.normalize)).T


def placed_ranks(
    samples: NDArray[np.float64], others: NDArray[np.float64], other_ranks: Floats
) -> Floats:
    """Ranks [m, d] that ``samples`` would have among ``others`` [n, d]: interpolated between
    theirs, so that a table that was read from ``others`` is looked up at the right place."""
    placed = []
    for column, other, rank in zip(samples.T, others.T, other_ranks.T, strict=True):
        placed.append(np.interp(column, np.sort(other), np.sort(rank)))
    return np.stack(placed, 1).astype(np.float32)


def draw_example(config: PerceiverTraining, epoch: int, index: int) -> tuple[Floats, Floats]:
    """Ranks [n, 2] to read and to score of mixture ``index`` of ``epoch``."""
    rng = stream(config.training.seed, TRAINING, epoch, index)
    mixture = training_mixture(rng, config.data)
    samples = mixture.sample(rng, config.data.samples)
    reading = ranks(samples, config.model)
    if config.training.loss == "same_sample":
        return reading, reading
    independent = mixture.sample(rng, config.data.samples)
    return reading, placed_ranks(independent, samples, reading)


def draw_batch(config: PerceiverTraining, step: int, share: Share) -> Batch:
    """This process's part of the batch of ``step`` (counted from the start of the training)."""
    epoch, place = divmod(step, config.steps_per_epoch)
    first = place * config.training.batch_size
    indices = share.of(range(first, first + config.training.batch_size))
    reading, scoring = zip(*(draw_example(config, epoch, i) for i in indices), strict=True)
    stacked = np.stack(reading)
    same = config.training.loss == "same_sample"
    return Batch(stacked, stacked if same else np.stack(scoring))


def batches(config: PerceiverTraining, first: int, share: Share) -> Iterator[Batch]:
    """Batches of the steps from ``first`` to the end of the training, drawn ahead by workers."""
    tasks = ((config, step, share) for step in range(first, config.steps))
    workers = config.data.workers
    return drawn_ahead(draw_batch, tasks, workers, ahead=2 * workers)
