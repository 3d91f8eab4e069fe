"""Does the exported file say what the network says in PyTorch? An export that is off is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infonet_export.onnx.precision import Precision
from infonet_export.onnx.table_switch import SWITCH
from infonet_export.onnx.verify import ParityError, draw_samples, session
from infonet_export.perceiver import Perceiver, mutual_information
from infonet_export.perceiver.read_out import (
    PERMUTATIONS,
    Marginal,
    axis_position,
    log_mean_exp_shuffled,
    look_up,
    permutation,
)

SIZES = (20, 129, 1151, 5000)
# largest differences of MI and table, nats; with a histogram at least those of the second line
TOLERANCES: dict[Precision, tuple[float, float]] = {"fp32": (1e-4, 1e-3), "fp16": (5e-3, 2e-2)}
HISTOGRAM_TOLERANCE = 1e-3, 2e-2


@dataclass(frozen=True)
class PerceiverParity:
    """Largest absolute differences from PyTorch over ``pairs`` pairs of samples (nats)."""

    pairs: int
    mi: float
    table: float

    def __str__(self) -> str:
        return (
            f"parity with PyTorch on {self.pairs} pairs, largest differences in nats: "
            f"mi {self.mi:.1e}, table {self.table:.1e}"
        )


def parity_samples(n_min: int) -> list[NDArray[np.float32]]:
    """Batches of raw samples [B, n, 2] of several lengths, at least n_min."""
    return [
        draw_samples(np.random.default_rng(seed), 2, max(n, n_min)) for seed, n in enumerate(SIZES)
    ]


def check_parity(
    net: Perceiver,
    model: Path,
    precision: Precision,
    histogram: bool,
    marginal: Marginal = "all_pairs",
    core: Path | None = None,
) -> PerceiverParity:
    """Run the file and the network of the paper on the same samples; ParityError if they differ.

    core: the graph from ranks on, held to the same limits.
    """
    config = net.config
    running = session(model, custom_ops=True)
    core_running = session(core, custom_ops=False) if core else None
    worst, pairs = np.zeros(2), 0
    for samples in parity_samples(config.n_min):
        with torch.no_grad():
            ranks = torch.ops.infonet.soft_rank(
                torch.from_numpy(samples), config.eps, config.normalize
            )
            table = net(ranks).table
            expected = _mi(table, ranks, marginal).numpy(), table.numpy()
        got = running.run(["mi", "table"], {"samples": samples})
        alone = running.run(["mi"], {"samples": samples, SWITCH: np.array(False)})[0]
        if not np.array_equal(alone, got[0], equal_nan=True):
            raise ParityError(f"export refused: mi is {got[0]} with the table, {alone} without")
        answers = [got]
        if core_running is not None:
            answers.append(core_running.run(["mi", "table"], {"ranks": ranks.numpy()}))
        for answer in answers:
            differences = [np.abs(a - e).max() for a, e in zip(answer, expected, strict=True)]
            worst = np.maximum(worst, differences)
        pairs += len(samples)
    report = PerceiverParity(pairs, *map(float, worst))
    limits = np.array(TOLERANCES[precision])
    if histogram:
        limits = np.maximum(limits, HISTOGRAM_TOLERANCE)
    if not (worst <= limits).all():  # also refuses NaN
        raise ParityError(
            f"export refused: {report}; allowed: mi {limits[0]:g}, table {limits[1]:g}"
        )
    return report


def _mi(table: Tensor, ranks: Tensor, marginal: Marginal) -> Tensor:
    """The read-out in PyTorch, with the permutations of the exported graph."""
    if marginal == "all_pairs":
        return mutual_information(table, ranks)
    x, y = (axis_position(ranks[..., axis], table.shape[-1]) for axis in (0, 1))
    orders = [permutation(ranks.shape[1], index) for index in range(PERMUTATIONS)]
    return look_up(table, x, y).mean(1) - log_mean_exp_shuffled(table, x, y, orders)
