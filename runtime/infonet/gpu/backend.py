"""A model on a GPU: kernels and network on one stream, behind the methods of `Backend`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from infonet.errors import DeviceError, InputError
from infonet.gpu.arrays import (
    DeviceArray,
    GpuSamples,
    exact_in_float32,
    gpu_samples,
    wait_for_thread,
)
from infonet.gpu.device import (
    Call,
    Chunk,
    DeviceGraph,
    Gpu,
    GrowingBuffer,
    LruCache,
    download,
    empty_outputs,
    split,
)
from infonet.inputs.arrays import as_batch, gpu_of
from infonet.inputs.checks import check_finite
from infonet.model.load import Model
from infonet.pairs.backend import Backend, EstimatedSets, Outputs, Rows, no_outputs
from infonet.pairs.networks import check_outputs
from infonet.pairs.ranking import is_tied, rank_columns


class LazyRows(Sequence[NDArray[np.float32]]):
    """Ranks of the columns of sets, made on the CPU when asked for: few are needed.

    Args:
        sets: how many; columns 2 i and 2 i + 1 are those of set i.
        load: gives the samples [n, 2] of a set.
        normalize: of the ranks.
    """

    def __init__(self, sets: int, load: Callable[[int], NDArray[Any]], normalize: str) -> None:
        self._sets, self._load, self._normalize = sets, load, normalize

    def __len__(self) -> int:
        return 2 * self._sets

    @overload
    def __getitem__(self, column: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, column: slice) -> list[NDArray[np.float32]]: ...
    def __getitem__(self, column: Any) -> Any:
        if isinstance(column, slice):
            return [self[i] for i in range(*column.indices(len(self)))]
        place, variable = divmod(int(column), 2)
        values = np.ascontiguousarray(self._load(place)[:, variable])
        return rank_columns([values], self._normalize).rows[0]


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
        from infonet_kernels import NORMALIZATIONS

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
        kernels = gpu.kernels  # used one after the other
        self._workspace_bytes = max(
            kernels.soft_rank_workspace(rows, n, 0.0),
            kernels.soft_rank_workspace(rows, n, float(model.eps)),
            kernels.histogram_workspace(size, grid) if grid else 0,
            kernels.tie_entropy_workspace(rows, n),
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
        kernels, model, rows, n = self._gpu.kernels, self._model, 2 * self._size, self._n
        values, midranks = self.values.address, self._midranks.address
        on = kernels.Launch(self._workspace.address, self._workspace_bytes, self._gpu.stream)
        kernels.launch_soft_rank(
            values=values,
            rows=rows,
            n=n,
            columns=2,
            eps=0.0,
            normalize=self._midrank,
            ranks=midranks,
            on=on,
        )
        kernels.launch_tie_entropy(
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
            kernels.launch_soft_rank(
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
            kernels.launch_joint_histogram(
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


_TILE_SAMPLES = 2**24  # of a task: 128 MB of pairs


class GpuBackend:
    """See `Backend`. Columns of a table, and what float32 does not hold exactly, are ranked on the
    CPU; batches of sets are ranked on the GPU.

    Args:
        model: what computes.
        device_graph: its network after the kernels.
        gpu: which GPU.
        threads: to spread over pairs.
    """

    reads: Literal["ranks", "samples"] = "ranks"

    def __init__(self, model: Model, device_graph: DeviceGraph, gpu: Gpu, threads: int) -> None:
        self.model, self.graph, self.gpu = model, model.path, gpu
        self.threads, self.threads_within = threads, 1
        self.pairs_per_task, self.samples_per_task = model.workload.gpu_pairs, _TILE_SAMPLES
        self._device_graph = device_graph
        self._calls: LruCache[Call] = LruCache(gpu)
        self._stages: LruCache[Stage] = LruCache(gpu)
        self._columns, self._pairs, self._workspace = (
            GrowingBuffer(gpu),
            GrowingBuffer(gpu),
            GrowingBuffer(gpu),
        )

    def open_batch(self, samples: Any) -> Any:
        """Samples [batch, n, 2] of any array library, where they are."""
        if gpu_of(samples) is None:
            return as_batch(samples)
        found = gpu_samples(samples, self.gpu.ordinal, self.gpu.stream)
        return wait_for_thread(found)

    def batch_threads(self, batch: Any) -> int:
        """On a GPU already: one waits for it while the other looks at what it gave."""
        return min(self.threads, 2) if isinstance(batch, GpuSamples) else self.threads

    def estimate_sets(self, batch: Any, start: int, stop: int) -> EstimatedSets | None:
        """See `Backend`; None for samples that float32 does not hold exactly, or too many."""
        longest = self.gpu.kernels.LONGEST_TIES
        n, on_gpu = batch.shape[1], isinstance(batch, GpuSamples)
        if on_gpu and n > longest:
            raise InputError(
                f"samples on a GPU have {n} rows, at most {longest} are ranked there: copy "
                "them to the CPU"
            )
        if not on_gpu and (n > longest or not exact_in_float32(batch[start:stop])):
            return None
        outputs, entropy = self.gpu.do(lambda: self._estimate(batch, start, stop))

        def load(place: int) -> NDArray[Any]:
            return self._load(batch, start + place)

        for row in np.flatnonzero(np.isnan(entropy)):
            label = f"samples[{start + row // 2}, :, {row % 2}]"
            check_finite(load(int(row) // 2)[:, row % 2], label, can_omit=False)
            raise DeviceError(f"the GPU does not rank {label}: use device='cpu'")
        rows = LazyRows(stop - start, load, self.model.normalize)
        nominal = np.zeros(entropy.size, np.bool_)
        return EstimatedSets(outputs, rows, is_tied(entropy, n), entropy == 0, entropy, nominal)

    def to_device(self, values: NDArray[np.float64]) -> DeviceArray:
        """Estimates in the memory of the GPU; they are float32 numbers."""

        def copy() -> DeviceArray:
            buffer = self.gpu.allocate(4 * len(values))
            self.gpu.upload(values.astype(np.float32), buffer.address)
            self.gpu.sync()
            return DeviceArray(buffer.memory, buffer.address, len(values))

        return self.gpu.do(copy)

    def outputs(self, names: Sequence[str], rows: Rows, pairs: NDArray[np.int64]) -> Outputs:
        """See `Backend`."""
        if not len(pairs):
            return no_outputs(names, self.model)
        found = self.gpu.do(lambda: self._run_pairs(names, rows, pairs))
        check_outputs(found, self.graph)
        return found

    # What follows runs on the thread of the GPU.

    def _run_pairs(self, names: Sequence[str], rows: Rows, pairs: NDArray[np.int64]) -> Outputs:
        """Pairs of columns that were ranked on the CPU."""
        used, places = np.unique(pairs, return_inverse=True)
        columns = np.stack([rows[i] for i in used])
        local = np.ascontiguousarray(places.reshape(pairs.shape), np.int64)
        n = columns.shape[1]
        grid = self.model.histogram_grid
        at, where = self._columns.at_least(columns.nbytes), self._pairs.at_least(local.nbytes)
        if grid:
            self.gpu.upload(columns, at.address)
            self.gpu.upload(local, where.address)

        def fill(call: Call, chunk: Chunk) -> None:
            part = local[chunk.start : chunk.start + chunk.count]
            if not grid:
                self.gpu.upload(np.moveaxis(columns[part], 1, 2), call.input.address)
                return
            self._histograms(call, at.address, columns.shape, where.address, chunk)

        return self._chunks(names, len(pairs), n, fill)

    def _histograms(
        self, call: Call, columns: int, shape: tuple[int, ...], pairs: int, chunk: Chunk
    ) -> None:
        kernels, grid = self.gpu.kernels, self.model.histogram_grid
        size = kernels.histogram_workspace(chunk.count, grid)
        workspace = self._workspace.at_least(size)
        kernels.launch_pair_histograms(
            ranks=columns,
            columns=shape[0],
            n=shape[1],
            pairs=pairs + 16 * chunk.start,
            count=chunk.count,
            grid=grid,
            histogram=call.input.address,
            on=kernels.Launch(workspace.address, size, self.gpu.stream),
        )

    def _chunks(
        self, names: Sequence[str], count: int, n: int, fill: Callable[[Call, Chunk], None]
    ) -> Outputs:
        """Run the core on pairs that `fill` makes the input of."""
        found: Outputs = {}
        sizes = self._device_graph.sizes(n)
        for chunk in split(count, sizes):
            call = self._call(chunk.size, n)
            found = found or empty_outputs(names, call, count)
            fill(call, chunk)
            call.enqueue()
            download(self.gpu, call, found, chunk)
        self.gpu.sync()
        return found

    def _call(self, size: int, n: int) -> Call:
        key = (size, n if self._device_graph.fixed else 0)
        return self._calls.get_or_make(key, lambda: self._device_graph.open(size, n))

    def _estimate(self, batch: Any, start: int, stop: int) -> tuple[Outputs, NDArray[np.float64]]:
        """Outputs of sets, and the entropy of their columns."""
        n, count = batch.shape[1], stop - start
        entropy = np.empty(2 * count)
        found: Outputs = {}
        if isinstance(batch, GpuSamples) and batch.stream is not None:
            self.gpu.follow(batch.stream)
        for chunk in split(count, self._device_graph.sizes(n)):
            stage = self._stage(chunk.size, n)
            names = [name for name in stage.call.outputs if name != "table"]
            found = found or empty_outputs(names, stage.call, count)
            first = start + chunk.start
            if isinstance(batch, GpuSamples):
                size = 8 * n * chunk.count
                self.gpu.copy(batch.address + 8 * n * first, stage.values.address, size)
            else:
                part = batch[first : first + chunk.count]
                self.gpu.upload(np.asarray(part, np.float32), stage.values.address)
            stage.run()
            download(self.gpu, stage.call, found, chunk)
            place = 2 * chunk.start
            self.gpu.download(stage.entropy.address, entropy[place : place + 2 * chunk.count])
        self.gpu.sync()
        return found, entropy

    def _stage(self, size: int, n: int) -> Stage:
        def make() -> Stage:
            call = self._call(size, n)
            return Stage(self.gpu, self.model, call, self._device_graph.capturable, size, n)

        return self._stages.get_or_make((size, n), make)

    def _load(self, batch: Any, place: int) -> NDArray[Any]:
        """Samples [n, 2] of one set."""
        if not isinstance(batch, GpuSamples):
            found: NDArray[Any] = batch[place]
            return found
        n = batch.shape[1]
        samples = np.empty((n, 2), np.float32)

        def copy() -> None:
            self.gpu.download(batch.address + 8 * n * place, samples)
            self.gpu.sync()

        self.gpu.do(copy)
        return samples


def estimates_on_gpu(backend: Backend, estimate: Callable[[], NDArray[np.float64]]) -> DeviceArray:
    """What `estimate` gives, in the memory of the GPU that computes it.

    Raises:
        InputError: the backend computes on the CPU.
    """
    if not isinstance(backend, GpuBackend):
        raise InputError(
            "mi_on_device needs an estimator on a GPU, this one computes on the CPU: use mi, "
            "or Estimator(device='cuda')"
        )
    return backend.to_device(estimate())
