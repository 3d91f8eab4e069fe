"""Work counted, and what the device can do at most, measured on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path


@dataclass(frozen=True)
class Work:
    """flop: of products, two for each multiplication. bytes: that must be read and written."""

    flop: float
    bytes: float

    def __add__(self, other: Work) -> Work:
        return Work(self.flop + other.flop, self.bytes + other.bytes)


@dataclass(frozen=True)
class Limits:
    """bandwidth: bytes a second of a copy within the device, read and written. flop: a second, of
    products of 8192 x 8192 matrices, by precision ("fp32" without TF32)."""

    bandwidth: float
    flop: dict[str, float]


def measure_limits(timed: Callable[[Callable[[], object], int], float]) -> Limits:
    """What a large copy and large products reach here."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    source = torch.empty(2**28, dtype=torch.float32, device="cuda")
    target = torch.empty_like(source)
    seconds = _best(timed, lambda target=target, source=source: target.copy_(source))
    bandwidth = 2 * source.nbytes / seconds
    del source, target
    flop = {}
    for name, dtype in (("fp32", torch.float32), ("fp16", torch.float16)):
        a = torch.randn(8192, 8192, device="cuda").to(dtype)
        result = torch.empty_like(a)
        seconds = _best(timed, lambda a=a, result=result: torch.mm(a, a, out=result))
        flop[name] = 2 * 8192**3 / seconds
    return Limits(bandwidth, flop)


def _best(timed, function) -> float:
    timed(function, 3)
    return min(timed(function, 5) / 5 for _ in range(5))


def ranking(rows: int, n: int) -> Work:
    """Soft ranks of float32 [rows, n]: values read, ranks written."""
    return Work(0, 8.0 * rows * n)


def histograms(batch: int, n: int, grid: int) -> Work:
    """Ranks [batch, n, 2] read, float32 histograms written."""
    return Work(0, batch * (8.0 * n + 4.0 * grid * grid))


def graph(path: Path, sizes: tuple[int, ...]) -> Work:
    """An ONNX file of standard operators for an input whose first axes have ``sizes``.

    Products are those of Conv, ConvTranspose, Gemm and MatMul. Bytes are those of a perfect fusion
    around them: weights once, and of each such node the first input and the output.
    """
    import onnx
    from onnx import helper, shape_inference

    model = onnx.load(path)
    for axis, size in zip(model.graph.input[0].type.tensor_type.shape.dim, sizes, strict=False):
        axis.Clear()
        axis.dim_value = size
    for value in (*model.graph.output, *model.graph.value_info):
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    tensors = {t.name: (tuple(t.dims), t.data_type) for t in inferred.initializer}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        kind = value.type.tensor_type
        tensors[value.name] = (tuple(axis.dim_value for axis in kind.shape.dim), kind.elem_type)
    total = Work(0, 0)
    for node in inferred.node:
        if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
            continue
        a, b, out = (tensors[name][0] for name in (node.input[0], node.input[1], node.output[0]))
        if min((*a, *b, *out), default=1) < 1:
            raise ValueError(f"{path}: the shape of {node.name} is not known")
        if node.op_type == "ConvTranspose":
            products = prod(a) * prod(b[1:])
        elif node.op_type == "Conv":
            products = prod(out) * prod(b[1:])
        else:
            products = prod(out) * a[-1]
        width = helper.tensor_dtype_to_np_dtype(tensors[node.output[0]][1]).itemsize
        total += Work(2.0 * products, width * float(prod(a) + prod(b) + prod(out)))
    return total


def input_side(path: Path) -> int:
    """The grid of a core that reads histograms [B, G, G]."""
    import onnx

    return int(onnx.load(path).graph.input[0].type.tensor_type.shape.dim[-1].dim_value)


def perceiver(preset: str, batch: int, n: int) -> Work:
    """The paper's network as it is in PyTorch, counted by PyTorch; bytes are not counted."""
    import torch
    from infonet_export.perceiver import PRESETS, Perceiver
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), torch.no_grad():
        net = Perceiver(PRESETS[preset]).requires_grad_(False)
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, n, 2))
    return Work(float(batch * counter.get_total_flops()), 0)
