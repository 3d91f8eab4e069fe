"""Any checkpoint of the paper's network: the authors' own, or one of ``infonet train``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from infonet_export.models.perceiver.config import PerceiverConfig
from infonet_export.models.perceiver.network import Perceiver
from infonet_export.models.perceiver.published import from_published, is_published
from infonet_export.models.perceiver.weights import problems
from infonet_export.weight_files import read_file

FORMAT = "infonet-perceiver-1"
_ACCEPTED = (
    "give a checkpoint of the paper's authors (.ckpt or .pt) or a model.pt of  infonet train"
)


def is_perceiver(state: Any) -> bool:
    """Whether a loaded file holds the paper's network."""
    trained = isinstance(state, dict) and state.get("format") == FORMAT
    return trained or is_published(state)


def load_perceiver(path: Path, preset: str | None = None) -> Perceiver:
    """Load a checkpoint for use, in evaluation mode, without executing anything in it.

    preset: preprocessing of a published checkpoint, which does not name it; None for that of the
    branch that wrote such files. Raises ValueError for anything that is not the paper's network.
    """
    state = read_file(path)
    if is_published(state):
        return from_published(state, str(path), preset)
    if not is_perceiver(state):
        raise ValueError(f"{path} is not a checkpoint of the paper's network: {_ACCEPTED}")
    if preset is not None:
        raise ValueError(f"{path} names its own preprocessing: leave out the preset {preset!r}")
    return _from_trained(state, str(path))


def _from_trained(state: dict[str, Any], source: str) -> Perceiver:
    sections = state.get("config")
    sizes = sections.get("model") if isinstance(sections, dict) else None
    if not isinstance(sizes, dict) or not isinstance(state.get("model"), dict):
        raise ValueError(f"{source} lacks its configuration or its weights: {_ACCEPTED}")
    unknown = set(sizes) - {field.name for field in fields(PerceiverConfig)}
    if unknown:
        raise ValueError(f"{source} has unknown sizes {', '.join(sorted(map(str, unknown)))}")
    weights = state["model"]
    try:
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in sizes.items()
        }
        config = PerceiverConfig(**values)
        if config.blocks > len(weights):  # before so many are built
            raise ValueError(f"{config.blocks} blocks, but {len(weights)} weights")
        found = problems(weights, config)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        found = [" ".join(str(error).split())]
    if found:
        raise ValueError(f"{source} does not fit the paper's network: {'; '.join(found)}")
    net = Perceiver(config)
    net.load_state_dict(weights)
    return net.eval()
