"""Start a training from the weights of another model."""

from __future__ import annotations

from pathlib import Path

import torch

from infonet_export.models.copula import CopulaNet
from infonet_export.training.checkpoint import read_checkpoint


@torch.no_grad()
def start_from(net: CopulaNet, path: Path) -> CopulaNet:
    """Copy the averaged weights of the checkpoint at ``path`` into ``net``, in place.

    Layers that the checkpoint lacks keep their random weights; where ``net`` reads further inputs,
    behind those of the checkpoint, their weights are 0, so that ``net`` begins with its answers.

    Raises ValueError for a file that is missing or of another kind, or weights that do not fit.
    """
    if not path.exists():
        raise ValueError(
            f"training.start_from is {path}, which does not exist: run the training that writes it "
            "first, or take the key out of the configuration to start on random weights"
        )
    weights = read_checkpoint(path)["average"]
    target = net.state_dict()
    foreign = sorted(weights.keys() - target.keys())
    if foreign:
        raise ValueError(f"{path} holds {foreign[0]}, which this model lacks: start from another")
    for name, value in weights.items():
        own = target[name]
        if own.ndim != value.ndim or any(
            a < b if axis == 1 else a != b
            for axis, (a, b) in enumerate(zip(own.shape, value.shape, strict=True))
        ):
            raise ValueError(
                f"{path} has {name} of shape {list(value.shape)}, the model {list(own.shape)}: "
                "give the model section of the configuration the sizes of that checkpoint"
            )
        own.zero_()
        own[tuple(slice(size) for size in value.shape)] = value
    return net
