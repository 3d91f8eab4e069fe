"""Sets of samples [size, n, 2] on a GPU: ranks, ties, estimates, as one CUDA graph if possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.devices.core import Call
from infonet.devices.gpu import Gpu
from infonet.model import Model
from infonet.ranking import rank_columns


class RankedSets:
    """In place of the rows of `RankedColumns`: columns 2 i and 2 i + 1 are those of set i.

    The estimates are there already. Ranks are needed of few columns, of those with few levels; they
    are made on the CPU when asked for.

    Attributes:
        outputs: of the network, float32 [sets, ...] by name.
    """

    def __init__(
        self,
        outputs: dict[str, NDArray[np.float32]],
        load: Callable[[int], NDArray[Any]],
        normalize: str,
    ) -> None:
        self.outputs = outputs
        self._load, self._normalize = load, normalize

    def __len__(self) -> int:
        return 2 * len(self.outputs["mi"])

    def __getitem__(self, column: int) -> NDArray[np.float32]:
        place, variable = divmod(int(column), 2)
        values = np.ascontiguousarray(self._load(place)[:, variable])
        row: NDArray[np.float32] = rank_columns([values], self._normalize).rows[0]
        return row


class Stage:
    """Memory and launches for `size` sets of n samples. All methods run on the GPU's thread.

    Attributes:
        values: float32 [size, n, 2], to be filled before `run`.
        entropy: float64 [2 size], of the columns of each set; see infonet/ties_cuda.h.
        call: the core, whose outputs are there after `run`.
    """

    def __init__(
        self, gpu: Gpu, model: Model, call: Call, capturable: bool, size: int, n: int
    ) -> None:
        from infonet_kernels import NORMALIZATIONS, _cuda, _cuda_ties

        self.call = call
        self._gpu, self._model, self._size, self._n = gpu, model, size, n
        self._normalize = NORMALIZATIONS.index(model.normalize)
        self._midrank = NORMALIZATIONS.index("midrank")
        rows, grid = 2 * size, model.histogram_grid
        self.values = gpu.allocate(4 * rows * n)
        self.entropy = gpu.allocate(8 * rows)
        self._midranks = gpu.allocate(4 * rows * n)
        self._same = model.eps == 0 and model.normalize == "midrank"
        self._ranks = self._midranks if self._same or not grid else gpu.allocate(4 * rows * n)
        self._rank_bytes = max(
            _cuda.soft_rank_workspace(rows, n, eps) for eps in (0.0, float(model.eps))
        )
        self._grid_bytes = _cuda.histogram_workspace(size, grid) if grid else 0
        ties = _cuda_ties.tie_entropy_workspace(rows, n)
        # used one after the other
        self._workspace = gpu.allocate(max(self._rank_bytes, self._grid_bytes, ties))
        self._capturable, self._ran = capturable, False
        self._graph: Any = None

    def run(self) -> None:
        """Put all on the stream; from the second time on as a graph, if the core allows it."""
        if self._graph is not None:
            self._gpu.launch(self._graph)
            return
        if self._capturable and self._ran:  # the first run loads kernels, which cannot be captured
            self._graph = self._gpu.capture(self._launch)
            self._capturable = self._graph is not None
            if self._graph is not None:
                self._gpu.launch(self._graph)
                return
        self._launch()
        self._ran = True

    def _launch(self) -> None:
        from infonet_kernels import _cuda, _cuda_ties

        model, stream, rows, n = self._model, self._gpu.stream, 2 * self._size, self._n
        values, midranks = self.values.address, self._midranks.address
        workspace = self._workspace.address
        _cuda.launch_soft_rank(
            *(values, rows, n, 0.0, self._midrank, midranks),
            *(workspace, self._rank_bytes, 0, stream),
            columns=2,
        )
        _cuda_ties.launch_tie_entropy(
            *(values, midranks, rows, n, 2), self.entropy.address, workspace, stream
        )
        grid, source = model.histogram_grid, self.call.input.address
        ranks = self._ranks.address if grid else source
        if not self._same:
            _cuda.launch_soft_rank(
                *(values, rows, n, model.eps, self._normalize, ranks),
                *(workspace, self._rank_bytes, 0, stream),
                columns=2,
            )
        elif not grid:
            self._gpu.copy(midranks, source, 4 * rows * n)
        if grid:
            _cuda.launch_joint_histogram(
                *(ranks, ranks + 4, self._size, n, grid, source),
                *(workspace, self._grid_bytes, 0, stream),
                stride=2,
            )
        self.call.enqueue()
