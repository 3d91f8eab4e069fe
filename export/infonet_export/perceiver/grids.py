"""How fine must the histogram be? Measured on each network, as it is exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from infonet_export.perceiver import Perceiver
from infonet_export.perceiver.graphs import PerceiverCore

GRIDS = (64, 128, 256, 512)
LIMIT = 1e-3  # nats: what the rewriting may change in MI
MARGIN = 5  # the default grid stays below LIMIT by this factor, for data unlike those it saw


@dataclass(frozen=True)
class GridError:
    """Largest absolute difference of the histogram rewriting from the exact network (nats)."""

    grid: int
    mi: float
    table: float

    def __str__(self) -> str:
        return f"histogram of {self.grid} nodes: mi {self.mi:.1e}, table {self.table:.1e}"


def grid_errors(
    net: Perceiver, samples: Sequence[NDArray[np.float32]], grids: Sequence[int] = GRIDS
) -> list[GridError]:
    """Errors for each grid on batches of samples [B, n, 2], and on samples as far from nodes as
    can be."""
    config = net.config
    exact = PerceiverCore(net)
    ranks = [
        torch.ops.infonet.soft_rank(torch.from_numpy(batch), config.eps, config.normalize)
        for batch in samples
    ]
    errors = []
    with torch.no_grad():
        expected = [exact(batch) for batch in ranks]
        for grid in grids:
            core = PerceiverCore(net, grid)
            worst = np.zeros(2)
            pairs = list(zip(ranks, expected, strict=True))
            between = between_nodes(grid)
            for batch, truth in [*pairs, (between, exact(between))]:
                differences = [
                    float((got - want).abs().max())
                    for got, want in zip(core(batch), truth, strict=True)
                ]
                worst = np.maximum(worst, differences)
            errors.append(GridError(grid, *map(float, worst)))
    return errors


def between_nodes(grid: int, n: int = 500) -> torch.Tensor:
    """Ranks [1, n, 2] of dependent samples, all but the extremes half way between nodes."""
    rng = np.random.default_rng(grid)
    u = rng.beta(3, 3, n)
    v = np.clip(u + 0.1 * rng.standard_normal(n), 0, 1)
    halves = (np.floor(np.stack([u, v], 1) * (grid - 1)).clip(0, grid - 2) + 0.5) / (grid - 1)
    halves[0], halves[1] = 0, 1
    return torch.from_numpy(halves[None].astype(np.float32))


def choose(errors: Sequence[GridError]) -> int:
    """The smallest grid that is accurate enough. Raises ValueError if none is."""
    for error in errors:
        if error.mi * MARGIN <= LIMIT:
            return error.grid
    raise ValueError(
        f"the histogram rewriting changes MI by {errors[-1].mi:.1e} nats with {errors[-1].grid} "
        f"nodes, allowed is {LIMIT / MARGIN:.0e}: name a finer --grid, or use --rewrite exact"
    )
