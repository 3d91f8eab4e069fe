"""Checkpoints of the paper's authors, read without executing anything in them.

Two formats exist (github.com/datou30/InfoNet): the softrank branch wrote Lightning checkpoints
(``.ckpt``: a dictionary whose ``state_dict`` has names below ``model.``), the main branch plain
state dictionaries (``.pt``). The names inside are the same, the spelling ``qeury`` included.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from infonet_export.models.perceiver.config import PRESETS, PerceiverConfig
from infonet_export.models.perceiver.network import Perceiver
from infonet_export.models.perceiver.weights import flaw_of, problems

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
