"""A GPU in host memory: what `infonet.gpu` does around kernels and cores, run without one.

Memory is NumPy's, addresses are real, launches are the CPU kernels at those addresses, and a core
is its graph on ONNX Runtime's CPU provider. What is tested with it is arithmetic of addresses,
sizes and padding, not CUDA.
"""

from __future__ import annotations

import ctypes
import math
import threading

import infonet_kernels
import numpy as np
import onnxruntime as ort
from infonet.gpu.device import Buffer, Call, input_shape, output_shape
from infonet_kernels import _cuda

POISON, STREAM = 0xA5, 77


class HostMemory:
    def __init__(self, size):
        self.data = np.zeros(size + 64, np.uint8)
        self.data[size:] = POISON
        self.handle = self.data.ctypes.data
        self.size = size

    def overrun(self):
        return bool((self.data[self.size :] != POISON).any())


class HostCore:
    """A core in the shape of `infonet.gpu.device.DeviceGraph`."""

    def __init__(self, gpu, model, sizes=(1, 4), capturable=False):
        self.capturable, self.fixed = capturable, model.histogram_grid == 0
        self._gpu, self._model, self._sizes, self.calls = gpu, model, sizes, []
        self._session = ort.InferenceSession(str(model.path), providers=["CPUExecutionProvider"])

    def sizes(self, n):
        return self._sizes

    def open(self, size, n):
        gpu, session = self._gpu, self._session
        shape = input_shape(self._model.histogram_grid, size, n)
        source = gpu.allocate(4 * math.prod(shape))
        shapes = {
            output.name: output_shape(output.name, tuple(output.shape), size)
            for output in session.get_outputs()
        }
        outputs = {name: gpu.allocate(4 * math.prod(found)) for name, found in shapes.items()}

        def enqueue():
            self.calls.append(size)
            feed = {session.get_inputs()[0].name: array_at(source.address, shape)}
            for name, value in zip(shapes, session.run(list(shapes), feed), strict=True):
                array_at(outputs[name].address, shapes[name])[...] = value

        return Call(source, outputs, shapes, enqueue)


def array_at(address, shape, dtype=np.float32):
    """The array at an address, not a copy."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)


def soft_rank(*, values, rows, n, columns=1, eps, normalize, ranks, on):
    assert on.stream == STREAM
    matrix = array_at(values, (rows // columns, n, columns))
    name = infonet_kernels.NORMALIZATIONS[normalize]
    flat = np.ascontiguousarray(np.moveaxis(matrix, 2, 1).reshape(rows, n))
    found = np.full_like(flat, np.nan)  # as the CUDA kernel does with rows that it refuses
    good = np.isfinite(flat).all(axis=1)
    found[good] = infonet_kernels.soft_rank(flat[good], eps, name)
    target = array_at(ranks, (rows // columns, n, columns))
    target[...] = np.moveaxis(found.reshape(-1, columns, n), 1, 2)


def tie_entropy(*, values, ranks, rows, n, columns, entropy, on):
    matrix = array_at(values, (rows // columns, n, columns))
    flat = np.moveaxis(matrix, 2, 1).reshape(rows, n)
    target = array_at(entropy, (rows,), np.float64)
    target[...] = np.nan
    good = np.isfinite(flat).all(axis=1)
    if good.any():
        target[good] = infonet_kernels.rank_columns(list(flat[good]), "midrank", 1)[2]


def joint_histogram(*, x, y, rows, n, stride=1, grid, histogram, on):
    assert (y - x, stride) == (4, 2)
    ranks = array_at(x, (rows, n, 2))
    target = array_at(histogram, (rows, grid, grid))
    for row, place in zip(ranks, target, strict=True):
        good = np.isfinite(row).all()
        place[...] = infonet_kernels.joint_histogram(
            *(np.ascontiguousarray(row[None, :, v]) for v in (0, 1)), grid
        )[0] if good else np.nan  # fmt: skip


def pair_histograms(*, ranks, columns, n, pairs, count, grid, histogram, on):
    array_at(histogram, (count, grid, grid))[...] = infonet_kernels.pair_histograms(
        array_at(ranks, (columns, n)), array_at(pairs, (count, 2), np.int64), grid
    )


class HostKernels:
    """The names of `infonet_kernels._cuda` that `infonet.gpu` uses, as CPU kernels."""

    Launch, LONGEST_TIES = _cuda.Launch, _cuda.LONGEST_TIES
    launch_soft_rank = staticmethod(soft_rank)
    launch_joint_histogram = staticmethod(joint_histogram)
    launch_pair_histograms = staticmethod(pair_histograms)
    launch_tie_entropy = staticmethod(tie_entropy)

    @staticmethod
    def soft_rank_workspace(rows, n, eps):
        return 16 * rows * n

    @staticmethod
    def histogram_workspace(rows, grid):
        return 0

    @staticmethod
    def tie_entropy_workspace(rows, n):
        return 8 * rows * n


class HostGpu:
    """The methods of `infonet.gpu.device.Gpu`."""

    ordinal, stream, compute_capability, name = 0, STREAM, "9.0", "host"
    kernels = HostKernels

    def __init__(self):
        self._lock = threading.RLock()
        self.memories, self.graphs, self.synced = [], 0, True

    def do(self, work):
        with self._lock:
            return work()

    def allocate(self, size):
        memory = HostMemory(max(size, 16))
        self.memories.append(memory)
        return Buffer(memory, memory.size)

    def upload(self, array, address):
        array = np.ascontiguousarray(array)
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def copy(self, source, address, size):
        ctypes.memmove(address, source, size)

    def download(self, address, array):
        assert array.flags.c_contiguous
        ctypes.memmove(array.ctypes.data, address, array.nbytes)
        self.synced = False

    def sync(self):
        self.synced = True

    def follow(self, stream):
        self.followed = stream

    def capture(self, work):
        self.graphs += 1
        return work

    def launch(self, graph):
        graph()

    def check(self):
        """Nothing was written beyond a buffer, and results were waited for."""
        assert not any(memory.overrun() for memory in self.memories)
        assert self.synced
