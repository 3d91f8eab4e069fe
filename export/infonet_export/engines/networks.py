"""An ONNX graph as a network of TensorRT, strongly typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infonet.errors import ModelError
from infonet.model.engine_file import Tensor

from infonet_export.engines.backends import Backend
from infonet_export.engines.model_files import CoreGraph


@dataclass(frozen=True)
class Network:
    """handle: the library's network. keep: what must live as long. inputs, outputs: its tensors."""

    builder: Any
    handle: Any
    keep: tuple[Any, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def parse(backend: Backend, graph: CoreGraph) -> Network:
    """ModelError that names the operators that the backend does not take."""
    trt, logger = backend.trt, backend.logger
    logger.errors.clear()
    builder = trt.Builder(logger.handle)
    # TensorRT 11 has strongly typed networks alone, and may drop the flag
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger.handle)
    if not parser.parse(graph.content):
        found = {
            f"{error.node_operator() or error.node_name() or 'graph'}: {error.desc()}"
            for error in map(parser.get_error, range(parser.num_errors))
        }
        logger.errors.clear()
        reasons = "; ".join(sorted(found)) or "no reason given"
        raise ModelError(
            f"{backend.name} {backend.version} cannot hold {graph.model.path} ({reasons}): "
            "export the model again with this version of infonet"
        )
    inputs = tuple(
        describe(trt, network.get_input(i), network.get_input(i).name)
        for i in range(network.num_inputs)
    )
    outputs = tuple(
        describe(trt, network.get_output(i), network.get_output(i).name)
        for i in range(network.num_outputs)
    )
    return Network(builder, network, (parser,), inputs, outputs)


def describe(trt: Any, tensor: Any, name: str) -> Tensor:
    return Tensor(name, dtype_name(trt, tensor.dtype), tuple(map(int, tensor.shape)))


def dtype_name(trt: Any, dtype: Any) -> str:
    """float32, float16, int64, bool, ..."""
    import numpy as np

    return str(np.dtype(trt.nptype(dtype)))
