"""What an estimator is judged on: samples with known mutual information, never seen in training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet_export.samplers.distribution import Family
from infonet_export.samplers.held_out import TEST
from infonet_export.samplers.mixtures import GaussianMixture, paper_mixture

COMPONENTS = (1, 2, 5, 10)
NAMES = ("weights", "means", "covs", "mi_xy", "mi_xz")


@dataclass(frozen=True)
class Case:
    """samples float32 [n, 2] of group ``group`` with true MI ``mi`` (nats).

    oracle: mean log density ratio of these very samples, the estimate of someone who knows the
    density (NaN where there is none). rival: index of the case of the same group whose MI is
    compared with this one for order accuracy, or -1.
    """

    group: str
    samples: NDArray[np.float32]
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
    """``count`` new mixtures of the paper's recipe for each number of components."""
    for k in COMPONENTS:
        for index in range(count):
            rng = np.random.default_rng([seed, k, index])
            mixture = paper_mixture(rng, k)
            yield _mixture_case(f"mixtures K={k}", mixture, mixture.mi(100_000), rng, n, -1)


def held_out_cases(
    count: int, n: int, seed: int, families: dict[str, Family] | None = None
) -> Iterator[Case]:
    """``count`` distributions of every family that training never draws."""
    for number, (name, family) in enumerate((TEST if families is None else families).items()):
        for index in range(count):
            rng = np.random.default_rng([seed, 1000 + number, index])
            distribution = family(rng)
            yield Case(name, distribution.sample(rng, n).astype(np.float32), distribution.mi)


def independent_cases(count: int, n: int, seed: int) -> Iterator[Case]:
    rng = np.random.default_rng([seed, n])
    for _ in range(count):
        yield Case(f"independent n={n}", rng.random((n, 2)).astype(np.float32), 0.0, 0.0)


def _mixture_case(
    group: str, mixture: GaussianMixture, mi: float, rng: np.random.Generator, n: int, rival: int
) -> Case:
    samples = mixture.sample(rng, n)
    oracle = float(mixture.log_ratio(samples).mean())
    return Case(group, samples.astype(np.float32), mi, oracle, rival)
