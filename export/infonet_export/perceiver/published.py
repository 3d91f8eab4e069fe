"""Any checkpoint of the paper's network: the authors' own, or one of ``infonet train``.

Two published formats exist (github.com/datou30/InfoNet): the softrank branch wrote Lightning
checkpoints (``.ckpt``: a dictionary whose ``state_dict`` has names below ``model.``), the main
branch plain state dictionaries (``.pt``). The names inside are the same, the spelling ``qeury``
included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from infonet_export.checkpoints import Checkpoint, open_checkpoint
from infonet_export.perceiver.network import Perceiver
from infonet_export.perceiver.sizes import PRESETS, PerceiverConfig

FORMAT = "infonet-perceiver-1"
_ACCEPTED = (
    "give a checkpoint of the paper's authors (.ckpt or .pt) or a model.pt of  infonet train"
)
# published name -> ours, applied in order
_RENAMES = (
    (r"^mild\.kernel$", "kernel"),
    (r"^query_gen\.", "query."),
    (r"^decoder\.cross_attn\.", "decoder."),
    (r"^encoder\.cross_attn_block\.", "encoder.read."),
    (r"^encoder\.self_attn_block\.", "encoder.process."),
    (r"\.(cross|self)_attention\.", "."),
    (r"\.qeury\.", ".query."),
    (r"\.q_norm\.", ".norm."),
    (r"\.kv_norm\.", ".source_norm."),
    (r"\.mlp\.mlp\.0\.", ".feed_forward.norm."),
    (r"\.mlp\.mlp\.1\.", ".feed_forward.widen."),
    (r"\.mlp\.mlp\.3\.", ".feed_forward.narrow."),
    (r"^query\.query$", "query.tokens"),
    (r"\.mlp_x\.0\.", ".embedding.first."),
    (r"\.mlp_x\.2\.", ".embedding.second."),
    (r"\.mlp_x\.4\.", ".embedding.third."),
    (r"\.norm_q\.", ".token_norm."),
    (r"\.norm_k\.", ".key_norm."),
    (r"\.norm_v\.", ".value_norm."),
)
_UNUSED = re.compile(r"^query_gen\.mlp_y\.[024]\.(weight|bias)$")  # never run by the published code
_PREFIX = "model."  # Lightning's
_BLOCK = re.compile(r"^encoder\.self_attn_block\.(\d+)\.")
_SHOW_SIZES = {  # published names, and the number of axes
    "encoder.latents": 2,
    "query_gen.query": 3,
    "query_gen.mlp_x.0.weight": 2,
    "query_gen.mlp_x.4.weight": 2,
    "encoder.cross_attn_block.mlp.mlp.1.weight": 2,
}


def our_name(published: str) -> str:
    """Name of our parameter for a published one (without Lightning's ``model.``)."""
    for pattern, replacement in _RENAMES:
        published = re.sub(pattern, replacement, published)
    return published


def is_published(state: Any) -> bool:
    """Whether a loaded file is a checkpoint of the paper's authors, in either format."""
    weights = _weights(state)
    return weights is not None and any(name.startswith("query_gen.") for name in weights)


def from_published(state: Any, source: str, preset: str | None = None) -> Perceiver:
    """Build the network of a loaded published checkpoint, in evaluation mode.

    Sizes come from the tensors. Preprocessing leaves no trace in them: ``preset`` names it
    ("perceiver_softrank" or "perceiver_rank"); None means that of the branch whose format this is.

    Raises ValueError that lists every unknown, missing and mis-shaped name.
    """
    weights = _weights(state)
    if weights is None:
        raise ValueError(f"{source} holds no weights of the paper's network")
    if preset is None:
        lightning = isinstance(state.get("state_dict"), dict)
        preset = "perceiver_softrank" if lightning else "perceiver_rank"
    if preset not in PRESETS:
        raise ValueError(f"preset is {preset!r}, allowed are {', '.join(PRESETS)}")
    used = [name for name in weights if not _UNUSED.match(name)]
    names = {our_name(name): name for name in used}
    named = {ours: weights[published] for ours, published in names.items()}
    found = [f"{name} appears twice" for name in used if name not in names.values()]
    blocks = {match[1] for name in used if (match := _BLOCK.match(name))}
    config = replace(PRESETS[preset], blocks=len(blocks))
    try:
        config = sizes(weights, config)
        found += problems(named, config, names)
    except ValueError as error:
        found += [str(error), *problems(named, config, names, shapes=False)]
    if found:
        raise ValueError(f"{source} does not fit the paper's network: {'; '.join(found)}")
    net = Perceiver(config)
    net.load_state_dict({name: value.float() for name, value in named.items()})
    return net.eval()


def sizes(weights: dict[str, Any], config: PerceiverConfig) -> PerceiverConfig:
    """``config`` with the sizes that the tensors of a published state dictionary show.

    Raises ValueError if they show none, or such as the network cannot have.
    """
    wrong = [
        f"{name} ({axes} axes)"
        for name, axes in _SHOW_SIZES.items()
        if flaw_of(weights.get(name)) or weights[name].ndim != axes
    ]
    if wrong:
        raise ValueError(f"no sizes can be read from {', '.join(wrong)}")
    (latents, latent_dim), (_, _, grid), (hidden, _), (width, _), (inner, _) = (
        tuple(weights[name].shape) for name in _SHOW_SIZES
    )
    return replace(
        config,
        latents=latents,
        latent_dim=latent_dim,
        table_grid=grid,
        widening=max(inner // max(latent_dim, 1), 1),
        embedding=(hidden, width),
    )


def _weights(state: Any) -> dict[str, Any] | None:
    """The state dictionary without Lightning's prefix; None for anything else."""
    if not isinstance(state, dict):
        return None
    inner = state.get("state_dict")
    weights = inner if isinstance(inner, dict) else state
    if not all(isinstance(name, str) for name in weights):
        return None
    plain = {name.removeprefix(_PREFIX): value for name, value in weights.items()}
    return plain if len(plain) == len(weights) else dict(weights)  # nothing may be lost


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


def is_perceiver(state: Any) -> bool:
    """Whether a loaded file holds the paper's network."""
    trained = isinstance(state, dict) and state.get("format") == FORMAT
    return trained or is_published(state)


def load_perceiver(source: Path | Checkpoint, preset: str | None = None) -> Perceiver:
    """Build the network of a checkpoint, in evaluation mode, without executing anything in it.

    preset: preprocessing of a published checkpoint, which does not name it; None for that of the
    branch that wrote such files. Raises ValueError for anything that is not the paper's network.
    """
    checkpoint = open_checkpoint(source)
    path, state = checkpoint.path, checkpoint.state
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
