"""The network of architecture `copula`, compiled: what ONNX Runtime gives for its core graph."""

import ctypes
import weakref
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._choice import why_numpy
from infonet_kernels._library import CPU

_COARSE, _FINE, _QUANTILES, _SYMMETRIES = 6, 2, 3, 8


class NetworkOutput(NamedTuple):
    """What the network says of `count` histograms.

    Attributes:
        mi: float32 [count], nats, at least 0.
        quantiles: float32 [count, 3], nats: at 5, 50 and 95 %.
        score: float32 [count], the test statistic.
        table: float32 [count, grid / 2, grid / 2] of pointwise mutual information in nats, or None.
    """

    mi: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    score: NDArray[np.float32]
    table: NDArray[np.float32] | None


def network_vectors() -> int:
    """Bits of the vectors that `CopulaNetwork` is compiled for on this processor; 0: it has none.

    Without them, and where the twins in NumPy serve (see `why_numpy`), there is no compiled network
    and ONNX Runtime is to run the core graph.
    """
    if why_numpy():
        return 0
    bits = np.zeros(1, np.int64)
    CPU.call("infonet_network_vectors", bits)
    return int(bits[0])


class CopulaNetwork:
    """A network of architecture `copula`, ready to run.

    Args:
        parameters: arrays by their names in the core graph: weights, and the constants
            "net.position", "net.polynomials", "stretch.*" and "orientation.patterns". float16 and
            float32 are read as they are.
        n_max: the largest trained number of samples.

    Raises:
        ValueError: a missing array, one of another shape, or sizes that the compiled network does
            not have: widths are multiples of 16.
        RuntimeError: this processor has no compiled network; see `network_vectors`.

    Example:
        >>> network = CopulaNetwork(arrays, n_max=100_000)  # doctest: +SKIP
        >>> network(histograms).mi  # doctest: +SKIP
        array([0.347], dtype=float32)
    """

    def __init__(self, parameters: Mapping[str, ArrayLike], n_max: float) -> None:
        if not network_vectors():
            raise RuntimeError(
                "this processor, or this installation, has no compiled network: run the core graph "
                "by ONNX Runtime"
            )
        sizes = _sizes(parameters)
        flat = [_read(parameters, name, shape) for name, shape in _arrays(sizes)]
        numbers = np.concatenate([array.ravel() for array in flat])
        handle = ctypes.c_void_p()
        CPU.call(
            "infonet_network_open",
            *(sizes.grid, np.array(sizes.channels, np.int64), len(sizes.channels)),
            *(sizes.hidden, sizes.polynomials, sizes.knots, float(n_max)),
            *(numbers, len(numbers), ctypes.byref(handle)),
        )
        self.grid = sizes.grid
        self._handle = handle
        weakref.finalize(self, CPU.call, "infonet_network_close", handle)

    def __call__(self, histograms: NDArray[np.float32], table: bool = False) -> NetworkOutput:
        """What the network says of joint histograms of mid-ranks; one thread.

        Args:
            histograms: float32 [count, grid, grid], C-contiguous, of counts; see
                `joint_histogram`.
            table: whether to give the tables, too.

        Raises:
            ValueError: an array of another kind or shape.
        """
        shape = ("count", self.grid, self.grid)
        if histograms.dtype != np.float32 or histograms.shape[1:] != shape[1:]:
            raise ValueError(
                f"histograms: got {histograms.dtype} {histograms.shape}; float32 "
                f"[count, {self.grid}, {self.grid}] is needed"
            )
        counts = np.require(histograms, np.float32, ["C_CONTIGUOUS", "ALIGNED"])
        count, half = len(counts), self.grid // 2
        found = NetworkOutput(
            np.empty(count, np.float32),
            np.empty((count, _QUANTILES), np.float32),
            np.empty(count, np.float32),
            np.empty((count, half, half), np.float32) if table else None,
        )
        CPU.call(
            "infonet_network_run",
            *(self._handle, counts, count, found.mi, found.quantiles, found.table, found.score),
        )
        return found


class _Sizes(NamedTuple):
    grid: int
    channels: tuple[int, ...]
    hidden: int
    polynomials: int
    knots: int


def _sizes(parameters: Mapping[str, ArrayLike]) -> _Sizes:
    """The sizes that some arrays have; that all agree is checked when they are read."""
    channels: list[int] = []
    while f"net.encoder.{len(channels)}.first.bias" in parameters:
        channels.append(np.size(parameters[f"net.encoder.{len(channels)}.first.bias"]))
    if not channels:
        raise ValueError("parameters: got no net.encoder.0.first.bias; it must be there")
    return _Sizes(
        grid=2 * _length(parameters, "orientation.patterns", -1),
        channels=tuple(channels),
        hidden=_length(parameters, "net.head.0.bias", 0),
        polynomials=_length(parameters, "net.polynomials", 0),
        knots=_length(parameters, "stretch.knots", 0),
    )


def _length(parameters: Mapping[str, ArrayLike], name: str, axis: int) -> int:
    if name not in parameters:
        raise ValueError(f"parameters: got no {name}; it must be there")
    shape = np.shape(parameters[name])
    if not shape:
        raise ValueError(f"{name}: got a single number; an array is needed")
    return int(shape[axis])


def _arrays(sizes: _Sizes) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the arrays, in the order in which the compiled network reads them."""
    grid, channels, hidden, polynomials, knots = sizes
    first, side, features = channels[0], grid // 4, 6 + 2 * channels[0] + channels[-1] + polynomials
    found: list[tuple[str, tuple[int, ...]]] = []

    def layer(name: str, weight: Sequence[int], outputs: int) -> None:
        found.extend([(f"{name}.weight", tuple(weight)), (f"{name}.bias", (outputs,))])

    layer("net.fine", (first, _FINE, 4, 4), first)
    layer("net.coarse", (first, _COARSE, 3, 3), first)
    steps = list(enumerate(pairwise(channels)))
    for level, width in enumerate(channels):
        for part in ("first", "second"):
            layer(f"net.encoder.{level}.{part}", (width, width, 3, 3), width)
    for level, (width, wider) in steps:
        layer(f"net.down.{level}", (wider, width, 2, 2), wider)
    for level, (width, _) in steps:
        for part in ("first", "second"):
            layer(f"net.decoder.{level}.{part}", (width, width, 3, 3), width)
    for level, (width, wider) in steps:
        layer(f"net.up.{level}", (width, wider, 1, 1), width)
    layer("net.table", (first, 1, 2, 2), 1)
    for head, outputs in (("head", _QUANTILES), ("test", 1)):
        layer(f"net.{head}.0", (hidden, features, 1, 1), hidden)
        layer(f"net.{head}.2", (hidden, hidden, 1, 1), hidden)
        layer(f"net.{head}.4", (outputs, hidden, 1, 1), outputs)
    return [
        *found,
        ("net.position", (1, 2, side, side)),
        ("net.polynomials", (polynomials, 1, side, side)),
        ("stretch.knots", (knots,)),
        ("stretch.bends", (_QUANTILES, knots, 1, 1)),
        ("stretch.start", (_QUANTILES,)),
        ("orientation.patterns", (_SYMMETRIES, 1, grid // 2, grid // 2)),
    ]


def _read(
    parameters: Mapping[str, ArrayLike], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    if name not in parameters:
        raise ValueError(f"parameters: got no {name}; it must be there")
    array = np.asarray(parameters[name])
    if array.shape != shape or array.dtype.kind != "f":
        raise ValueError(f"{name}: got {array.dtype} {array.shape}; floats {shape} are needed")
    return np.ascontiguousarray(array, np.float32)
