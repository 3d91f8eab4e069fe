"""Order accuracy, the measure of the paper: of X and Y, X and Z, which pair shares more?

Mixtures of X, Y and Z by the paper's evaluation recipe (which differs from that of the training),
from streams of random numbers that training never draws from; or those of a gmm_eval.npz.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from infonet_export.evaluation.cases import COMPONENTS, read_mixtures
from infonet_export.perceiver.config import PerceiverTraining
from infonet_export.perceiver.data import VALIDATION, Floats, ranks, stream
from infonet_export.perceiver.read_out import mutual_information
from infonet_export.samplers.mixtures import GaussianMixture, paper_mixture_in_space
from infonet_export.training.processes import Process

SMALLEST_GAP = 0.02  # nats between I(X; Y) and I(X; Z): that of the published mixtures


@dataclass(frozen=True)
class Triple:
    """ranks [2, n, 2] of X with Y and of X with Z; their true MI [2] (nats), K components."""

    components: int
    ranks: Floats
    mi: tuple[float, float]


@dataclass(frozen=True)
class OrderScores:
    """For each number of components: share of mixtures whose estimates are in the order of the
    truths, RMSE and bias of the estimates (nats). ``overall``: the accuracy over all mixtures."""

    accuracy: dict[int, float]
    rmse: dict[int, float]
    bias: dict[int, float]
    overall: float

    def __str__(self) -> str:
        parts = [f"K = {k}: {100 * share:.1f} %" for k, share in self.accuracy.items()]
        return f"order accuracy {100 * self.overall:.1f} % ({', '.join(parts)})"

    def table(self) -> str:
        """A Markdown table."""
        rows = [
            "| components | order accuracy | RMSE (nats) | bias (nats) |",
            "|---|---:|---:|---:|",
        ]
        for k, share in self.accuracy.items():
            cells = f"{100 * share:.1f} % | {self.rmse[k]:.4f} | {self.bias[k]:+.4f}"
            rows.append(f"| {k} | {cells} |")
        return "\n".join([*rows, f"| all | {100 * self.overall:.1f} % | | |"])


def triples(config: PerceiverTraining, count: int, purpose: int = VALIDATION) -> list[Triple]:
    """``count`` fresh mixtures for each number of components, or all those of
    ``config.validation.mixtures``. The same for every seed of the training.

    Raises ValueError for a file of another kind.
    """
    path = config.validation.mixtures
    drawn = _fresh(count, purpose) if path is None else _from_file(Path(path), purpose)
    n = config.validation.samples or config.data.samples
    result = []
    for rng, mixture, mi in drawn:
        columns = ranks(mixture.sample(rng, n), config.model)
        pairs = np.stack([columns[:, [0, 1]], columns[:, [0, 2]]])
        result.append(Triple(len(mixture.weights), pairs, mi))
    return result


_Drawn = tuple[Generator, GaussianMixture, tuple[float, float]]


def _fresh(count: int, purpose: int) -> Iterator[_Drawn]:
    for k in COMPONENTS:
        for index in range(count):
            rng = stream(0, purpose, k, index)
            gap = 0.0
            while gap < SMALLEST_GAP:
                mixture = paper_mixture_in_space(rng, k)
                mi = mixture.project(0, 1).mi(), mixture.project(0, 2).mi()
                gap = abs(mi[0] - mi[1])
            yield rng, mixture, mi


def _from_file(path: Path, purpose: int) -> Iterator[_Drawn]:
    for k, arrays in read_mixtures(path).items():
        for index, (weights, means, covs, mi_xy, mi_xz) in enumerate(zip(*arrays, strict=True)):
            mixture = GaussianMixture(weights, means, covs)
            yield stream(0, purpose, k, index), mixture, (float(mi_xy), float(mi_xz))


def judge(
    tables: nn.Module, drawn: Sequence[Triple], batch_size: int, process: Process
) -> OrderScores:
    """Order accuracy of ``tables``, a part of the mixtures in every process."""
    estimates = torch.zeros(len(drawn), 2, dtype=torch.float64)
    mine = process.share.of(range(len(drawn)))
    with torch.no_grad():
        for start in range(0, len(mine), batch_size):
            part = list(mine[start : start + batch_size])
            pairs = np.concatenate([drawn[i].ranks for i in part])
            estimates[part] = _estimate(tables, pairs, process.device).reshape(-1, 2)
    return score(process.total(estimates).numpy(), drawn)


def _estimate(tables: nn.Module, pairs: Floats, device: torch.device) -> Tensor:
    read = torch.from_numpy(pairs).to(device)
    return mutual_information(tables(read), read).double().cpu()


def score(estimates: np.ndarray, drawn: Sequence[Triple]) -> OrderScores:
    """``estimates`` [m, 2] (nats) of the pairs of ``drawn``."""
    truth = np.array([triple.mi for triple in drawn])
    groups = np.array([triple.components for triple in drawn])
    right = (estimates[:, 0] >= estimates[:, 1]) == (truth[:, 0] >= truth[:, 1])
    error = estimates - truth
    by_group = {int(k): groups == k for k in np.unique(groups)}
    return OrderScores(
        accuracy={k: float(right[g].mean()) for k, g in by_group.items()},
        rmse={k: float(np.sqrt(np.square(error[g]).mean())) for k, g in by_group.items()},
        bias={k: float(error[g].mean()) for k, g in by_group.items()},
        overall=float(right.mean()),
    )
