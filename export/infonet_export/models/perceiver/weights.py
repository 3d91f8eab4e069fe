"""What is wrong with the weights in a file, before any of them is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from infonet_export.models.perceiver.config import PerceiverConfig
from infonet_export.models.perceiver.network import Perceiver


def problems(
    weights: Mapping[str, Any],
    config: PerceiverConfig,
    names: Mapping[str, str] | None = None,
    shapes: bool = True,
) -> list[str]:
    """Every unknown, missing, mis-shaped or unusable entry of ``weights``, sorted.

    config: the sizes that are expected; ``shapes=False`` leaves out what depends on them.
    names: how the file calls our names, where it does so differently.
    """
    names = names or {}
    with torch.device("meta"):
        net = Perceiver(config)
    expected = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    found = [f"unknown {names.get(name, name)}" for name in weights.keys() - expected.keys()]
    found += [f"missing {name} (our name)" for name in expected.keys() - weights.keys()]
    for name in weights.keys() & expected.keys():
        flaw = flaw_of(weights[name], expected[name] if shapes else None)
        if flaw:
            found.append(f"{names.get(name, name)} {flaw}")
    return sorted(found)


def flaw_of(value: Any, shape: tuple[int, ...] | None = None) -> str | None:
    """Why ``value`` is no tensor of finite numbers (of ``shape``), or None if it is one."""
    if not isinstance(value, Tensor):
        return f"is {type(value).__name__}, not a tensor"
    if shape is not None and tuple(value.shape) != shape:
        return f"is {list(value.shape)}, not {list(shape)}"
    if value.layout != torch.strided or not value.is_floating_point():
        return f"is of type {value.dtype} ({value.layout}), dense floating point is needed"
    # a file of a few bytes may claim any shape: such tensors must not be unfolded
    if value.is_meta or value.untyped_storage().nbytes() < value.numel() * value.element_size():
        return "holds fewer values than its shape says"
    if not bool(torch.isfinite(value.float()).all()):
        return "holds values that are not finite numbers"
    return None
