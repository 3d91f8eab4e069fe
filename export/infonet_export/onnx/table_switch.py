"""Spare a program that wants the estimate alone what only the table needs.

ONNX Runtime computes all outputs of a graph even when few are asked for, so the graph gets a switch
that the caller sets: the optional input ``with_table``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SWITCH, OUTPUT = "with_table", "table"


def put_behind_switch(model: onnx.ModelProto, output: str = OUTPUT, switch: str = SWITCH) -> None:
    """Move, in place, the nodes that only ``output`` needs into an If on the input ``switch``.

    ``switch`` is a bool scalar, true when it is not fed; ``output`` has shape [0, 0, 0] when it is
    false.
    """
    graph = model.graph
    needed = {value.name for value in graph.output if value.name != output}
    kept: list[onnx.NodeProto] = []
    moved: list[onnx.NodeProto] = []
    for node in reversed(graph.node):  # topologically sorted, so users come after
        if needed.isdisjoint(node.output):
            moved.insert(0, node)
        else:
            kept.insert(0, node)
            needed.update(node.input)
            needed.update(
                name for a in node.attribute for g in (a.g, *a.graphs) for name in _read(g)
            )
    inner = helper.make_tensor_value_info(f"{output}_inner", TensorProto.FLOAT, None)
    for node in moved:
        node.output[:] = [f"{output}_computed" if name == output else name for name in node.output]
    moved.append(helper.make_node("Identity", [f"{output}_computed"], [inner.name]))
    empty = numpy_helper.from_array(np.zeros((0, 0, 0), np.float32))
    nothing = helper.make_node("Constant", [], [inner.name], value=empty)
    choose = helper.make_node(
        "If",
        [switch],
        [output],
        then_branch=helper.make_graph(moved, "with", [], [inner]),
        else_branch=helper.make_graph([nothing], "without", [], [inner]),
    )
    inside = {name for node in moved for name in node.output}
    shapes = [value for value in graph.value_info if value.name not in inside]
    del graph.value_info[:]
    graph.value_info.extend(shapes)
    del graph.node[:]
    graph.node.extend([*kept, choose])
    graph.input.append(helper.make_tensor_value_info(switch, TensorProto.BOOL, []))
    graph.initializer.append(numpy_helper.from_array(np.array(True), switch))


def _read(graph: onnx.GraphProto) -> Iterator[str]:
    return (name for node in graph.node for name in node.input)
