"""Checkpoints of the paper's authors, read without executing anything in them.

Two formats exist (github.com/datou30/InfoNet): the softrank branch wrote Lightning checkpoints
(``.ckpt``: a dictionary whose ``state_dict`` has names below ``model.``), the main branch plain
state dictionaries (``.pt``). The names inside are the same, the spelling ``qeury`` included.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from infonet_export.models.perceiver.config import PRESETS, PerceiverConfig
from infonet_export.models.perceiver.network import KERNEL_SIZE, Perceiver

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


def our_name(published: str) -> str:
    """Name of our parameter for a published one (without Lightning's ``model.``)."""
    for pattern, replacement in _RENAMES:
        published = re.sub(pattern, replacement, published)
    return published


def is_published(state: Any) -> bool:
    """Whether a loaded file is a checkpoint of the paper's authors, in either format."""
    weights = _weights(state)
    return weights is not None and "query_gen.query" in weights


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
    used = {name: value for name, value in weights.items() if not _UNUSED.match(name)}
    config = sizes(used, PRESETS[preset], source)
    with torch.device("meta"):
        expected = {name: tuple(t.shape) for name, t in Perceiver(config).state_dict().items()}
    named = {our_name(name): (name, value) for name, value in used.items()}
    theirs = {ours: published for ours, (published, _) in named.items()}
    problems = [f"unknown {theirs[name]}" for name in named.keys() - expected.keys()]
    problems += [f"missing {name} (our name)" for name in expected.keys() - named.keys()]
    for name in named.keys() & expected.keys():
        value = named[name][1]
        if not isinstance(value, Tensor):
            problems.append(f"{theirs[name]} is {type(value).__name__}, not a tensor")
        elif tuple(value.shape) != expected[name]:
            problems.append(f"{theirs[name]} is {list(value.shape)}, not {list(expected[name])}")
        elif not (value.is_floating_point() and bool(torch.isfinite(value).all())):
            problems.append(f"{theirs[name]} holds values that are not finite numbers")
    if problems:
        raise ValueError(
            f"{source} does not fit the paper's network: {'; '.join(sorted(problems))}"
        )
    net = Perceiver(config)
    net.load_state_dict({name: value.float() for name, (_, value) in named.items()})
    return net.eval()


def sizes(weights: dict[str, Any], preset: PerceiverConfig, source: str) -> PerceiverConfig:
    """The sizes that the tensors of a published state dictionary show, the rest from ``preset``."""

    def shape(name: str, rank: int) -> tuple[int, ...]:
        value = weights.get(name)
        if not isinstance(value, Tensor) or value.ndim != rank:
            found = list(value.shape) if isinstance(value, Tensor) else "nothing"
            raise ValueError(
                f"{source} does not fit the paper's network: {name} is {found}, "
                f"a tensor of rank {rank} is needed"
            )
        return tuple(value.shape)

    latents, latent_dim = shape("encoder.latents", 2)
    grid = shape("query_gen.query", 3)[-1]
    hidden = shape("query_gen.mlp_x.0.weight", 2)[0]
    width = shape("query_gen.mlp_x.4.weight", 2)[0]
    inner = shape("encoder.cross_attn_block.mlp.mlp.1.weight", 2)[0]
    kernel = shape("mild.kernel", 4)
    if kernel[2:] != (KERNEL_SIZE, KERNEL_SIZE):
        raise ValueError(f"{source}: mild.kernel is {list(kernel)}, not [1, 1, 15, 15]")
    blocks = [re.match(r"encoder\.self_attn_block\.(\d+)\.", name) for name in weights]
    try:
        return PerceiverConfig(
            latents=latents,
            latent_dim=latent_dim,
            table_grid=grid,
            blocks=len({match[1] for match in blocks if match}),
            widening=inner // latent_dim,
            embedding=(hidden, width),
            eps=preset.eps,
            normalize=preset.normalize,
            n_min=preset.n_min,
            n_max=preset.n_max,
        )
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f"{source} has sizes that do not fit the paper's network: {error}"
        ) from error


def _weights(state: Any) -> dict[str, Any] | None:
    """The state dictionary without Lightning's prefix; None for anything else."""
    if not isinstance(state, dict):
        return None
    inner = state.get("state_dict")
    weights = inner if isinstance(inner, dict) else state
    if not all(isinstance(name, str) for name in weights):
        return None
    return {str(name).removeprefix(_PREFIX): value for name, value in weights.items()}


def read_file(path: Path) -> Any:
    """What ``torch.load`` finds, weights only. Raises ValueError without executing anything."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # torch raises many kinds: pickle, zip, EOF, key errors
        # its own message advises to load the file unsafely, and is not repeated
        raise ValueError(
            f"{path} is damaged, holds more than weights, or is not a PyTorch file "
            f"({type(error).__name__})"
        ) from error
