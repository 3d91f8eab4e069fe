"""A small model file in the format of the paper's network, whose answers NumPy can work out.

The critic is T(x, y) = slope x y + x, with slope the mean product of the prepared samples; `mi` is
its Donsker-Varadhan bound over all pairs of samples, and `table` its values on nodes from -1 to 1,
y along the first axis, as the exporter writes them. The table is behind an If on the optional input
`with_table`.
"""

from __future__ import annotations

import json

import infonet_kernels
import numpy as np
import pytest
from infonet_export.onnx.table_switch import put_behind_switch
from onnx import TensorProto, helper, numpy_helper, save

GRID = 9
NODES = np.linspace(-1, 1, GRID)


def metadata(eps, normalize, **changes):
    return {
        "infonet.format_version": "1",
        "infonet.architecture": "perceiver",
        "infonet.graph": "samples",
        "infonet.preprocessing": json.dumps({"eps": eps, "normalize": normalize}),
        "infonet.histogram_grid": "0",
        "infonet.table_grid": str(GRID),
        "infonet.table_layout": json.dumps({"first_axis": "y", "low": -1.0, "high": 1.0}),
        "infonet.quantile_levels": "[]",
        "infonet.n_min": "10",
        "infonet.n_max": "5000",
        "infonet.precision": "fp32",
        "infonet.parameters": "0",
        "infonet.null_distribution": "",
        "infonet.version": "0",
        "infonet.checkpoint_sha256": "0" * 64,
        **changes,
    }


def write(path, eps=0.1, normalize="minmax", table_fails=False, switch=True, **changes):
    """Write the file; `table_fails` makes every evaluation of the table's branch an error."""
    constants = {
        "one": np.array([1]),
        "last": np.array([2]),
        "rows": np.array([1, 2]),
        "nodes": NODES.astype(np.float32),
        "nodes_y": NODES.astype(np.float32)[:, None],
        "far": np.array([99]),
    }
    make = helper.make_node
    nodes = [
        make("SoftRank", ["samples"], ["r"], domain="infonet", eps=eps, normalize=normalize),
        make("Split", ["r"], ["x", "y"], axis=2, num_outputs=2),  # [b, n, 1] each
        make("Mul", ["x", "y"], ["xy"]),
        make("ReduceMean", ["xy", "rows"], ["slope"], keepdims=1),  # [b, 1, 1]
        make("Mul", ["slope", "xy"], ["bilinear"]),
        make("Add", ["bilinear", "x"], ["t"]),
        make("ReduceMean", ["t", "rows"], ["joint"], keepdims=0),
        make("Transpose", ["y"], ["y_row"], perm=[0, 2, 1]),
        make("MatMul", ["x", "y_row"], ["products"]),  # [b, n, n], x along the second axis
        make("Mul", ["slope", "products"], ["bilinears"]),
        make("Add", ["bilinears", "x"], ["all_t"]),
        make("Exp", ["all_t"], ["exp"]),
        make("ReduceMean", ["exp", "rows"], ["mean_exp"], keepdims=0),
        make("Log", ["mean_exp"], ["marginal"]),
        make("Sub", ["joint", "marginal"], ["mi"]),
        make("Mul", ["nodes", "nodes_y"], ["grid"]),  # [y, x]
        make("Mul", ["slope", "grid"], ["scaled"]),
        make("Add", ["scaled", "nodes"], ["table_"]),
        make("Gather", ["table_", "far"], ["table"], axis=1)
        if table_fails
        else make("Identity", ["table_"], ["table"]),
    ]
    shapes = {"mi": ["batch"], "table": ["batch", None, GRID]}
    graph = helper.make_graph(
        nodes,
        "fake",
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["batch", "n", 2])],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("infonet", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, metadata(eps, normalize, **changes))
    if switch:
        put_behind_switch(model)
    save(model, path)
    return path


def by_hand(x, y, eps=0.1, normalize="minmax"):
    """(mi, table [x, y]) in double precision."""
    columns = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    ranks = infonet_kernels.soft_rank(columns, eps, normalize).astype(np.float64)
    slope = (ranks[0] * ranks[1]).mean()
    joint = (slope * ranks[0] * ranks[1] + ranks[0]).mean()
    marginal = np.log(np.exp(slope * np.outer(*ranks) + ranks[0][:, None]).mean())
    return joint - marginal, slope * np.outer(NODES, NODES) + NODES[:, None]


def check_table(found, expected, mi, x, y, eps=0.1, normalize="minmax"):
    """`found` is `expected` but for a constant, by which its mean over the samples is `mi`."""
    difference = found.astype(np.float64) - expected
    np.testing.assert_allclose(difference, difference.mean(), atol=2e-6)
    columns = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    ranks = infonet_kernels.soft_rank(columns, eps, normalize).astype(np.float64)
    joint = ((ranks[0] * ranks[1]).mean() * ranks[0] * ranks[1] + ranks[0]).mean()
    # exp of the table is a little larger between nodes, a quarter apart, than at the samples
    assert joint + difference.mean() == pytest.approx(mi, abs=0.01)
