"""Write nodes of ONNX graphs, and put them around the graph of a file, without the onnx package.

The parts of a graph are fields of one protocol-buffer message, so they are copied as they are; only
names of values are changed in them. Numbers of fields are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from infonet.model.protobuf import block, fields, number

_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_NODE, _NAME, _INITIALIZER, _INPUT, _OUTPUT, _BETWEEN = 1, 2, 5, 11, 12, 13  # of a graph
_TYPES = {
    np.dtype(np.float32): 1,
    np.dtype(np.int64): 7,
    np.dtype(np.bool_): 9,
    np.dtype(np.float64): 11,
}
_ATTRIBUTE_INT, _ATTRIBUTE_TEXT, _ATTRIBUTE_INTS = 2, 3, 7
Shape = Sequence[int | str]  # numbers, and names of axes whose length is known when a graph runs


@dataclass
class Nodes:
    """Nodes and constants that are being written, in the order in which they compute.

    Attributes:
        prefix: of the names of values that they compute, so that these differ from all others.
        nodes, constants: each as the bytes of its message.
    """

    prefix: str
    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)
    _names: dict[tuple[str, bytes, tuple[int, ...]], str] = field(default_factory=dict)

    def constant(self, value: float | Sequence[float], dtype: type = np.int64) -> str:
        """The name of a constant; equal ones are stored once."""
        array: NDArray[np.generic] = np.asarray(value, dtype)
        key = array.dtype.str, array.tobytes(), array.shape
        if key not in self._names:
            self._names[key] = f"{self.prefix}constant_{len(self._names)}"
            self.constants.append(_tensor(self._names[key], array))
        return self._names[key]

    def add(
        self,
        operator: str,
        *inputs: str,
        name: str | None = None,
        outputs: int = 1,
        **attributes: int | str | Sequence[int],
    ) -> str:
        """Append a node of a standard operator.

        Args:
            operator: its name.
            inputs: names of values.
            name: of its last output; None: one that no other value has.
            outputs: how many it has. All but the last one are not used.
            attributes: of the operator.

        Returns:
            The name of its last output.
        """
        found = name or f"{self.prefix}{operator.lower()}_{len(self.nodes)}"
        names = [f"{found}_{k}" for k in range(outputs - 1)] + [found]
        self.nodes.append(_node(operator, inputs, names, attributes))
        return found

    def cast(self, value: str, dtype: type) -> str:
        """The value with elements of another type."""
        return self.add("Cast", value, to=_TYPES[np.dtype(dtype)])


@dataclass(frozen=True)
class Value:
    """An input or an output of a graph: its name, the type of its elements and its shape."""

    name: str
    dtype: type
    shape: Shape

    def encode(self) -> bytes:
        """The bytes of its message."""
        axes = b"".join(
            block(1, block(2, axis) if isinstance(axis, str) else number(1, axis))
            for axis in self.shape
        )
        tensor = number(1, _TYPES[np.dtype(self.dtype)]) + block(2, axes)
        return block(1, self.name) + block(2, block(1, tensor))


def put_around(
    content: bytes,
    before: Nodes,
    after: Nodes,
    inputs: Iterable[Value],
    outputs: Iterable[Value],
    renamed: Mapping[str, str],
    metadata: Mapping[str, str],
) -> bytes:
    """A file whose graph is nodes, then the graph of another file, then nodes.

    Args:
        content: of the ONNX file in the middle, whose graph has no graphs within its nodes.
        before: nodes that compute its inputs.
        after: nodes that read its outputs.
        inputs, outputs: of the whole.
        renamed: name of a value of the graph in the middle -> its new name.
        metadata: in the place of that file's.

    Returns:
        The file's bytes. Values of the graph in the middle keep their shapes, by which ONNX Runtime
        chooses how it computes, so that answers are the same bytes. Nodes and constants that the
        outputs do not need are left out.

    Raises:
        ValueError: not an ONNX file.
    """
    outputs = list(outputs)
    graph = next((v for f, v, *_ in fields(memoryview(content)) if f == _MODEL_GRAPH), None)
    if graph is None or isinstance(graph, int):
        raise ValueError("no graph")
    parts = [(f, bytes(v)) for f, v, *_ in fields(graph) if not isinstance(v, int)]
    nodes = [_with_names(v, renamed) for f, v in parts if f == _NODE]
    nodes = _needed([*before.nodes, *nodes, *after.nodes], {v.name for v in outputs})
    read = {name for node in nodes for name in _texts(node, _NODE_INPUT)}
    constants = [v for f, v in parts if f == _INITIALIZER]
    constants = [v for v in (*before.constants, *constants, *after.constants) if _named(v) in read]
    shapes = [v for f, v in parts if f in (_INPUT, _BETWEEN) and _texts(v, 1)[0] in read]
    made = [
        *(block(_NODE, node) for node in nodes),
        block(_NAME, "infonet"),
        *(block(_INITIALIZER, constant) for constant in constants),
        *(block(_INPUT, value.encode()) for value in inputs),
        *(block(_OUTPUT, value.encode()) for value in outputs),
        *(block(_BETWEEN, shape) for shape in shapes),
    ]
    others = [  # versions, the producer's name
        number(f, v) if isinstance(v, int) else block(f, bytes(v))
        for f, v, *_ in fields(memoryview(content))
        if f not in (_MODEL_GRAPH, _MODEL_METADATA)
    ]
    entries = [block(_MODEL_METADATA, block(1, k) + block(2, v)) for k, v in metadata.items()]
    return b"".join([*others, block(_MODEL_GRAPH, b"".join(made)), *entries])


_NODE_INPUT, _NODE_OUTPUT, _TENSOR_NAME = 1, 2, 8


def _node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    attributes: Mapping[str, int | str | Sequence[int]],
) -> bytes:
    parts = [block(_NODE_INPUT, name) for name in inputs]
    parts += [block(_NODE_OUTPUT, name) for name in outputs]
    parts += [block(3, outputs[-1]), block(4, operator)]
    for name, value in attributes.items():
        if isinstance(value, int):
            held, kind = number(3, value), _ATTRIBUTE_INT
        elif isinstance(value, str):
            held, kind = block(4, value), _ATTRIBUTE_TEXT
        else:
            held, kind = b"".join(number(8, v) for v in value), _ATTRIBUTE_INTS
        parts.append(block(5, block(1, name) + held + number(20, kind)))
    return b"".join(parts)


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    shape = b"".join(number(1, length) for length in array.shape)
    little = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return shape + number(2, _TYPES[array.dtype]) + block(_TENSOR_NAME, name) + block(9, little)


def _with_names(node: bytes, renamed: Mapping[str, str]) -> bytes:
    """A node with other names of its inputs and outputs; its other fields are kept."""
    parts = []
    for found, value, *_ in fields(memoryview(node)):
        if isinstance(value, int):
            parts.append(number(found, value))
        elif found in (_NODE_INPUT, _NODE_OUTPUT):
            name = bytes(value).decode()
            parts.append(block(found, renamed.get(name, name)))
        else:
            parts.append(block(found, bytes(value)))
    return b"".join(parts)


def _needed(nodes: Sequence[bytes], wanted: set[str]) -> list[bytes]:
    """The nodes that compute the wanted values, in their order."""
    kept: list[bytes] = []
    wanted = set(wanted)
    for node in reversed(nodes):
        if not wanted.isdisjoint(_texts(node, _NODE_OUTPUT)):
            kept.append(node)
            wanted.update(_texts(node, _NODE_INPUT))
    return kept[::-1]


def _texts(message: bytes, wanted: int) -> list[str]:
    return [
        bytes(value).decode()
        for found, value, *_ in fields(memoryview(message))
        if found == wanted and not isinstance(value, int)
    ]


def _named(tensor: bytes) -> str:
    return _texts(tensor, _TENSOR_NAME)[0]
