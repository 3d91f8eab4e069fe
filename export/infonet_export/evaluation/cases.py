"""What an estimator is judged on: samples with known mutual information, never seen in training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from infonet_export.samplers import discrete_tasks, high_information
from infonet_export.samplers.benchmark_mi import TASKS
from infonet_export.samplers.distribution import Distribution, Family
from infonet_export.samplers.held_out import TEST
from infonet_export.samplers.known import Known
from infonet_export.samplers.mixtures import GaussianMixture, paper_mixture

COMPONENTS = (1, 2, 5, 10)
NAMES = ("weights", "means", "covs", "mi_xy", "mi_xz")
HIGH_TRUTHS = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
HIGHEST_TRUTHS = {"gaussian": (7.0, 8.0), "uniform band": (7.0, 8.0)}


@dataclass(frozen=True)
class Case:
    """samples float64 [n, 2] of group ``group`` with true MI ``mi`` (nats).

    oracle: mean log density ratio of these very samples, the estimate of someone who knows the
    density (NaN where there is none). rival: index of the case of the same group and n whose MI is
    compared with this one for order accuracy, or -1.
    """

    group: str
    samples: NDArray[np.float64]
    mi: float
    oracle: float = float("nan")
    rival: int = -1


def mixture_file_cases(path: Path, n: int, seed: int) -> Iterator[Case]:
    """XY and XZ of every mixture of ``gmm_eval.npz`` (arrays NAMES, each with _K)."""
    for k, arrays in read_mixtures(path).items():
        for index, (weights, means, covs, mi_xy, mi_xz) in enumerate(zip(*arrays, strict=True)):
            rng = np.random.default_rng([seed, k, index])
            for axis, mi in ((1, mi_xy), (2, mi_xz)):
                pair = [0, axis]
                mixture = GaussianMixture(weights, means[:, pair], covs[:, pair][:, :, pair])
                rival = 2 * index + (2 - axis)
                yield _mixture_case(f"mixtures K={k}", mixture, float(mi), rng, n, rival)


def read_mixtures(path: Path) -> dict[int, list[NDArray[np.float64]]]:
    """The arrays NAMES of every number of components; ValueError for another kind of file."""
    try:
        with np.load(path) as file:
            return {k: [file[f"{name}_{k}"] for name in NAMES] for k in COMPONENTS}
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    except Exception as error:  # zip, pickle, key and attribute errors, one for each kind of file
        expected = ", ".join(f"{name}_K" for name in NAMES)
        raise ValueError(
            f"{path} is not a file of mixtures: expected an .npz with {expected} for K = "
            f"{', '.join(map(str, COMPONENTS))}"
        ) from error


def fresh_mixture_cases(count: int, n: int, seed: int) -> Iterator[Case]:
    """``count`` new mixtures of the paper's recipe for each number of components; the mixtures are
    the same at every n."""
    for k in COMPONENTS:
        for index in range(count):
            mixture, mi = _fresh_mixture(seed, k, index)
            rng = np.random.default_rng([seed, k, index, n])
            yield _mixture_case(f"mixtures K={k}", mixture, mi, rng, n, -1)


@lru_cache(maxsize=10_000)  # the truth takes longer than the estimates
def _fresh_mixture(seed: int, k: int, index: int) -> tuple[GaussianMixture, float]:
    mixture = paper_mixture(np.random.default_rng([seed, k, index]), k)
    return mixture, mixture.mi(100_000)


def held_out_cases(
    count: int, n: int, seed: int, families: dict[str, Family] | None = None
) -> Iterator[Case]:
    """``count`` distributions of every family; None: of held_out.TEST, which training never
    draws."""
    for number, (name, family) in enumerate((TEST if families is None else families).items()):
        for index in range(count):
            rng = np.random.default_rng([seed, 1000 + number, index])
            yield _case(name, family(rng), rng, n)


def benchmark_mi_cases(count: int, n: int, seed: int) -> Iterator[Case]:
    """``count`` data sets of each one-dimensional task of benchmark-mi."""
    for number, (name, task) in enumerate(TASKS.items()):
        for index in range(count):
            yield _case(name, task, np.random.default_rng([seed, number, index, n]), n)


def high_information_cases(count: int, n: int, seed: int) -> Iterator[Case]:
    """``count`` data sets of every shape at every one of HIGH_TRUTHS, and of HIGHEST_TRUTHS."""
    for number, name in enumerate(high_information.SHAPES):
        for truth in (*HIGH_TRUTHS, *HIGHEST_TRUTHS.get(name, ())):
            task = high_information.shape(name, truth)
            for index in range(count):
                rng = np.random.default_rng([seed, number, int(100 * truth), index, n])
                yield _case(name, task, rng, n)


def discrete_cases(count: int, n: int, seed: int) -> Iterator[Case]:
    """``count`` data sets for each kind of ties and each strength of dependence."""
    for kind, (name, tasks) in enumerate(discrete_tasks.tasks().items()):
        for strength, task in enumerate(tasks):
            for index in range(count):
                yield _case(name, task, np.random.default_rng([seed, kind, strength, index, n]), n)


def independent_cases(count: int, n: int, seed: int, levels: int = 0) -> Iterator[Case]:
    """Independent pairs: uniform, or of ``levels`` equally likely values."""
    rng = np.random.default_rng([seed, n, levels])
    name = f"{levels} levels" if levels else "continuous"
    for _ in range(count):
        drawn = rng.integers(levels, size=(n, 2)).astype(float) if levels else rng.random((n, 2))
        yield Case(name, drawn, 0.0, 0.0)


def _case(name: str, distribution: Distribution, rng: Generator, n: int) -> Case:
    if isinstance(distribution, Known):
        samples, ratio = distribution.draw(rng, n)
        return Case(name, samples, distribution.mi, float(ratio.mean()))
    return Case(name, distribution.sample(rng, n), distribution.mi)


def _mixture_case(
    group: str, mixture: GaussianMixture, mi: float, rng: np.random.Generator, n: int, rival: int
) -> Case:
    samples = mixture.sample(rng, n)
    return Case(group, samples, mi, float(mixture.log_ratio(samples).mean()), rival)
