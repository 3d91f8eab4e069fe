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
        entropy: float64 [2 size], of the columns of each set; see infonet/kernels_cuda.h.
        call: the core, whose outputs are there after `run`.
    """

    def __init__(
        self, gpu: Gpu, model: Model, call: Call, capturable: bool, size: int, n: int
    ) -> None:
        from infonet_kernels import NORMALIZATIONS, _cuda

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
        # used one after the other
        self._workspace_bytes = max(
            _cuda.soft_rank_workspace(rows, n, 0.0),
            _cuda.soft_rank_workspace(rows, n, float(model.eps)),
            _cuda.histogram_workspace(size, grid) if grid else 0,
            _cuda.tie_entropy_workspace(rows, n),
        )
        self._workspace = gpu.allocate(self._workspace_bytes)
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
        from infonet_kernels import _cuda

        model, rows, n = self._model, 2 * self._size, self._n
        values, midranks = self.values.address, self._midranks.address
        on = _cuda.Launch(self._workspace.address, self._workspace_bytes, self._gpu.stream)
        _cuda.launch_soft_rank(
            values=values,
            rows=rows,
            n=n,
            columns=2,
            eps=0.0,
            normalize=self._midrank,
            ranks=midranks,
            on=on,
        )
        _cuda.launch_tie_entropy(
            values=values,
            ranks=midranks,
            rows=rows,
            n=n,
            columns=2,
            entropy=self.entropy.address,
            on=on,
        )
        grid, source = model.histogram_grid, self.call.input.address
        ranks = self._ranks.address if grid else source
        if not self._same:
            _cuda.launch_soft_rank(
                values=values,
                rows=rows,
                n=n,
                columns=2,
                eps=model.eps,
                normalize=self._normalize,
                ranks=ranks,
                on=on,
            )
        elif not grid:
            self._gpu.copy(midranks, source, 4 * rows * n)
        if grid:
            _cuda.launch_joint_histogram(
                x=ranks,
                y=ranks + 4,
                rows=self._size,
                n=n,
                stride=2,
                grid=grid,
                histogram=source,
                on=on,
            )
        self.call.enqueue()
