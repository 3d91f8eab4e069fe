"""How the custom PyTorch operators become nodes of the ONNX domain ``infonet``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import torch
from onnxscript import values

import infonet_export.torch_ops.registered  # noqa: F401  registers torch.ops.infonet

OPSET = 18
DOMAIN = values.Opset("infonet", 1)


def _schema(name: str, attributes: list[Any]) -> onnx.defs.OpSchema:
    schema = onnx.defs.OpSchema
    tensor = ("T", ["tensor(float)"], "")
    return schema(
        name,
        "infonet",
        1,
        inputs=[schema.FormalParameter("X", "T")],
        outputs=[schema.FormalParameter("Y", "T")],
        type_constraints=[tensor],
        attributes=attributes,
    )


_Attribute = onnx.defs.OpSchema.Attribute
_Type = onnx.defs.OpSchema.AttrType
# a bare Opset call fails for an unknown domain; an Op with its schema works
_SOFT_RANK = values.Op(
    DOMAIN,
    "SoftRank",
    _schema(
        "SoftRank",
        [
            _Attribute("eps", _Type.FLOAT, required=True),
            _Attribute("normalize", _Type.STRING, required=True),
        ],
    ),
)
_JOINT_HISTOGRAM = values.Op(
    DOMAIN,
    "JointHistogram",
    _schema("JointHistogram", [_Attribute("grid", _Type.INT, required=True)]),
)


def _soft_rank(samples: Any, eps: float, normalize: str) -> Any:
    return _SOFT_RANK(samples, eps=eps, normalize=normalize)


def _joint_histogram(ranks: Any, grid: int) -> Any:
    return _JOINT_HISTOGRAM(ranks, grid=grid)


def translation_table() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For ``torch.onnx.export(custom_translation_table=...)``."""
    return {
        torch.ops.infonet.soft_rank.default: _soft_rank,
        torch.ops.infonet.joint_histogram.default: _joint_histogram,
    }
