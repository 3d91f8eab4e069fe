"""Small random networks of the paper's kind, and files that hold them in the published formats."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from infonet_export.perceiver import Perceiver, PerceiverConfig
from infonet_export.perceiver.published import FORMAT

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
SMALL = PerceiverConfig(
    latents=8, latent_dim=16, table_grid=24, blocks=1, embedding=(8, 16), n_max=500
)
# nothing as published: odd table, other heads, wider layers, one sample is enough
ODD = PerceiverConfig(
    latents=6, latent_dim=12, table_grid=21, blocks=2, widening=2, embedding=(5, 9),
    read_heads=2, process_heads=3, query_heads=3, decode_heads=1,
    eps=0.0, normalize="over_n", n_min=1, n_max=500,
)  # fmt: skip


def fixture_file(name):
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"needs {name} of the shared fixtures")
    return path


def random_net(config=SMALL, seed=0):
    """Every weight matters: no layer is near the identity, attention is far from uniform."""
    torch.manual_seed(seed)
    net = Perceiver(config)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        net.query.embedding.first.weight.mul_(6)
        for attention in (net.encoder.read.attention, net.query.attention):
            attention.query.weight.mul_(3)
            attention.key.weight.mul_(3)
            attention.value.weight.mul_(2)
        net.decoder.feed_forward.narrow.weight.mul_(12)
    return net.eval()


def published_state(net):
    """The state dictionary as the main branch of the authors wrote it; names put together here."""
    state = {f"query_gen.mlp_y.{i}.{kind}": torch.randn(3) for i in (0, 2, 4) for kind in _KINDS}
    taken = net.state_dict()
    for theirs, ours in _names(net.config.blocks):
        state[theirs] = taken.pop(ours)
    assert not taken
    return state


def write_published(path, net, lightning=False, **top):
    """A file of the main branch (.pt) or, with Lightning's other entries, the softrank branch."""
    state = published_state(net)
    if lightning:
        state = {
            "epoch": 3, "global_step": 12, "pytorch-lightning_version": "2.0.0",
            "state_dict": {f"model.{name}": value for name, value in state.items()},
            "loops": {"fit_loop": {"state_dict": {}}}, "optimizer_states": [{"state": {0: 1.5}}],
            **top,
        }  # fmt: skip
    torch.save(state, path)
    return path


def write_trained(path, net, **changes):
    """A model.pt of `infonet train`; ``changes`` to its sizes."""
    sizes = {**asdict(net.config), **changes}
    torch.save({"format": FORMAT, "config": {"model": sizes}, "model": net.state_dict()}, path)
    return path


def with_preset(config, preset):
    """The sizes of ``config`` with the preprocessing of ``preset``."""
    names = ("eps", "normalize", "n_min", "n_max")
    return replace(config, **{name: getattr(preset, name) for name in names})


_KINDS = ("weight", "bias")


def _names(blocks):
    """(published name, our name) of every tensor."""
    yield "mild.kernel", "kernel"
    yield "encoder.latents", "encoder.latents"
    yield "query_gen.query", "query.tokens"
    layers = {"query_gen.attention": "query.attention"}
    for k, name in ((0, "first"), (2, "second"), (4, "third")):
        layers[f"query_gen.mlp_x.{k}"] = f"query.embedding.{name}"
    for theirs, ours in (("q", "token"), ("k", "key"), ("v", "value")):
        layers[f"query_gen.norm_{theirs}"] = f"query.{ours}_norm"
    block = {
        "attention": "attention", "mlp.mlp.0": "feed_forward.norm",
        "mlp.mlp.1": "feed_forward.widen", "mlp.mlp.3": "feed_forward.narrow",
    }  # fmt: skip
    cross = {"attention": "attention", "q_norm": "norm", "kv_norm": "source_norm"}
    for theirs, ours in (
        ("encoder.cross_attn_block", "encoder.read"),
        ("decoder.cross_attn", "decoder"),
    ):
        layers |= {f"{theirs}.cross_attention.{a}": f"{ours}.{b}" for a, b in cross.items()}
        layers |= {f"{theirs}.{a}": f"{ours}.{b}" for a, b in block.items() if a != "attention"}
    for i in range(blocks):
        theirs, ours = f"encoder.self_attn_block.{i}", f"encoder.process.{i}"
        for a in ("attention", "norm"):
            layers[f"{theirs}.self_attention.{a}"] = f"{ours}.{a}"
        layers |= {f"{theirs}.{a}": f"{ours}.{b}" for a, b in block.items() if a != "attention"}
    for theirs, ours in layers.items():
        inner = ("qeury", "key", "value", "projection") if theirs.endswith("attention") else ("",)
        for part in inner:
            a = f"{theirs}.{part}" if part else theirs
            b = f"{ours}.{part.replace('qeury', 'query')}" if part else ours
            for kind in _KINDS:
                yield f"{a}.{kind}", f"{b}.{kind}"
