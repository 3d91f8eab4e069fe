"""Checkpoints of the paper's network: both published formats and ours; whatever else a file holds
is refused in one line, and nothing in it is executed."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from infonet_export.perceiver import PRESETS, Perceiver
from infonet_export.perceiver.published import FORMAT, load_perceiver
from random_perceivers import (
    ODD,
    SMALL,
    published_state,
    random_net,
    with_preset,
    write_published,
    write_trained,
)

NET = random_net(SMALL)
# a file of the authors shows no heads: those are always as published
PUBLISHED = with_preset(SMALL, PRESETS["perceiver_softrank"])


def _same_weights(a, b):
    b = b.state_dict()
    assert a.state_dict().keys() == b.keys()
    assert all(torch.equal(value, b[name]) for name, value in a.state_dict().items())


def _refused(path, *words, preset=None):
    with pytest.raises(ValueError, match=".") as caught:
        load_perceiver(path, preset)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message
    return message


def _altered(path, lightning=False, **changes):
    """The published state with ``changes``; None deletes a name."""
    state = {**published_state(NET), **changes}
    state = {name: value for name, value in state.items() if value is not None}
    if lightning:
        state = {"state_dict": {f"model.{name}": value for name, value in state.items()}}
    torch.save(state, path)
    return path


@pytest.mark.parametrize("lightning", [True, False])
@pytest.mark.parametrize("preset", [None, "perceiver_softrank", "perceiver_rank"])
def test_published_formats(tmp_path, lightning, preset):
    path = write_published(tmp_path / "any.name", NET, lightning)
    net = load_perceiver(path, preset)
    _same_weights(net, NET)
    expected = preset or ("perceiver_softrank" if lightning else "perceiver_rank")
    assert net.config == with_preset(SMALL, PRESETS[expected])
    assert not net.training


def test_a_lightning_file_with_plain_names_and_a_plain_one_with_long_names(tmp_path):
    state = published_state(NET)
    torch.save({"state_dict": OrderedDict(state), "epoch": 1}, tmp_path / "a")
    torch.save({f"model.{name}": value for name, value in state.items()}, tmp_path / "b")
    for name, preset in (("a", "perceiver_softrank"), ("b", "perceiver_rank")):
        net = load_perceiver(tmp_path / name)
        _same_weights(net, NET)
        assert net.config == with_preset(SMALL, PRESETS[preset])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(tmp_path, dtype):
    state = {name: value.to(dtype) for name, value in published_state(NET).items()}
    torch.save(state, tmp_path / "a.pt")
    for name, value in load_perceiver(tmp_path / "a.pt").state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, NET.state_dict()[name].to(dtype).float())


def test_parameters_and_strided_tensors(tmp_path):
    latents = torch.nn.Parameter(NET.encoder.latents.detach().T.contiguous().T)
    path = _altered(tmp_path / "a.pt", **{"encoder.latents": latents})
    _same_weights(load_perceiver(path), NET)


def test_other_blocks_and_widening(tmp_path):
    for blocks, widening in ((0, 1), (3, 2)):
        net = random_net(type(SMALL)(**{**SMALL.__dict__, "blocks": blocks, "widening": widening}))
        loaded = load_perceiver(write_published(tmp_path / "a.pt", net))
        assert (loaded.config.blocks, loaded.config.widening) == (blocks, widening)
        _same_weights(loaded, net)


def test_the_unused_branch_may_lack(tmp_path):
    state = {k: v for k, v in published_state(NET).items() if "mlp_y" not in k}
    torch.save(state, tmp_path / "a.pt")
    _same_weights(load_perceiver(tmp_path / "a.pt"), NET)


def test_trained_here(tmp_path):
    net = random_net(ODD)
    path = write_trained(tmp_path / "model.pt", net)
    loaded = load_perceiver(path)
    assert loaded.config == ODD
    _same_weights(loaded, net)
    _refused(path, "perceiver_rank", "leave out", preset="perceiver_rank")


@pytest.mark.parametrize("lightning", [True, False])
def test_every_problem_is_in_one_error(tmp_path, lightning):
    path = _altered(
        tmp_path / "a",
        lightning,
        **{
            "encoder.head.weight": torch.zeros(3),
            "encoder.self_attn_block.0.self_attention.norm.gain": torch.zeros(16),
            "query_gen.norm_k.bias": None,
            "decoder.cross_attn.mlp.mlp.3.weight": None,
            "query_gen.attention.key.weight": torch.zeros(24, 17),
            "mild.kernel": torch.zeros(1, 1, 13, 13),
            "query_gen.norm_q.weight": torch.full((24,), torch.nan),
            "query_gen.norm_q.bias": torch.zeros(24, dtype=torch.int64),
            "query_gen.norm_v.bias": "zeros",
        },
    )
    _refused(
        path,
        "does not fit the paper's network",
        "unknown encoder.head.weight",
        "unknown encoder.self_attn_block.0.self_attention.norm.gain",
        "missing query.key_norm.bias",
        "missing decoder.feed_forward.narrow.weight",
        "query_gen.attention.key.weight is [24, 17], not [24, 16]",
        "mild.kernel is [1, 1, 13, 13], not [1, 1, 15, 15]",
        "query_gen.norm_q.weight holds values that are not finite",
        "query_gen.norm_q.bias is of type torch.int64",
        "query_gen.norm_v.bias is str, not a tensor",
    )


def test_every_problem_is_in_one_error_where_sizes_cannot_be_read(tmp_path):
    path = _altered(
        tmp_path / "a",
        **{
            "encoder.latents": torch.zeros(8),
            "query_gen.query": None,
            "query_gen.mlp_x.4.weight": 3,
            "decoder.extra": torch.zeros(3),
        },
    )
    message = _refused(
        path, "no sizes can be read from", "encoder.latents (2 axes)", "query_gen.query (3 axes)",
        "query_gen.mlp_x.4.weight", "unknown decoder.extra", "missing query.tokens",
    )  # fmt: skip
    assert "norm" not in message  # no more than what is wrong


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("encoder.latents", torch.full((8, 16), torch.inf), "encoder.latents"),
        ("encoder.latents", torch.zeros(8, 17), "latent_dim is 17, it must be a multiple of"),
        ("encoder.latents", torch.zeros(8, 0), "latent_dim is 0"),
        ("encoder.latents", torch.zeros(0, 16), "latents is 0"),
        ("encoder.latents", torch.zeros(8, 16).to_sparse(), "encoder.latents"),
        ("encoder.latents", torch.zeros(8, 16, dtype=torch.complex64), "encoder.latents"),
        ("encoder.latents", torch.zeros(8, 16, device="meta"), "encoder.latents"),
        ("query_gen.query", torch.zeros(1, 24, 20), "table_grid is 20"),
        ("query_gen.query", torch.zeros(2, 24, 24), "query_gen.query is [2, 24, 24], not [1, 24"),
        ("query_gen.norm_q.weight", torch.zeros(24).to_sparse(), "sparse"),
        ("query_gen.norm_q.weight", torch.zeros(24, device="meta"), "fewer values"),
        ("query_gen.norm_q.weight", torch.full((24,), 1e300, dtype=torch.float64), "not finite"),
        ("query_gen.norm_q.weight", torch.zeros(24, dtype=torch.bool), "torch.bool"),
        ("encoder.cross_attn_block.mlp.mlp.1.weight", torch.zeros(24, 16), "[24, 16], not [16"),
    ],
)  # fmt: skip
def test_a_bad_tensor(tmp_path, name, value, words):
    _refused(_altered(tmp_path / "a.pt", **{name: value}), words)


@pytest.mark.parametrize("name", ["encoder.latents", "query_gen.query", "query_gen.norm_q.weight"])
def test_a_small_file_that_claims_huge_tensors(tmp_path, name):
    """One stored number may stand for a tensor of 10^15: it must not be unfolded."""
    shape = {2: (10**8, 10**7), 3: (1, 10**8, 10**7), 1: (10**15,)}[published_state(NET)[name].ndim]
    path = _altered(tmp_path / "a.pt", **{name: torch.zeros(1).expand(*shape)})
    assert path.stat().st_size < 10**5
    _refused(path, name)


def test_names_twice(tmp_path):
    state = published_state(NET)
    latents = {"model.encoder.latents": state["encoder.latents"] + 1}
    torch.save({**state, **latents}, tmp_path / "a.pt")
    _refused(tmp_path / "a.pt", "unknown model.encoder.latents")
    path = _altered(tmp_path / "b.pt", **{"query_gen.tokens": state["query_gen.query"] + 1})
    _refused(path, "query_gen.query appears twice")


def test_blocks_that_do_not_follow_each_other(tmp_path):
    names = [name for name in published_state(NET) if "self_attn_block.0" in name]
    moved = {n.replace("block.0", "block.7"): published_state(NET)[n] for n in names}
    path = _altered(tmp_path / "a.pt", **dict.fromkeys(names), **moved)
    _refused(path, "unknown encoder.self_attn_block.7", "missing encoder.process.0")


class _Command:
    """Unpickling it runs a command of the shell."""

    def __init__(self, evidence):
        self.evidence = evidence

    def __reduce__(self):
        return os.system, (f"touch '{self.evidence}'",)


@pytest.mark.parametrize("place", ["top", "beside", "among weights", "optimizer"])
@pytest.mark.parametrize("container", ["zip", "legacy", "pickle"])
def test_code_in_a_file_does_not_run(tmp_path, place, container):
    evidence, path = tmp_path / "executed", tmp_path / "evil.ckpt"
    bomb = _Command(evidence)
    state = published_state(NET)
    state = {
        "top": bomb,
        "beside": {"state_dict": state, "hyper_parameters": bomb},
        "among weights": {**state, "encoder.latents": bomb},
        "optimizer": {"state_dict": state, "optimizer_states": [{"state": {0: [bomb]}}]},
    }[place]
    if container == "pickle":
        path.write_bytes(pickle.dumps(state))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=container == "zip")
    message = _refused(path, "UnpicklingError")
    assert not evidence.exists()
    assert "weights_only" not in message  # PyTorch's advice to load it anyway is not passed on
    pickle.loads(pickle.dumps(bomb))
    assert evidence.exists()  # it would have worked


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("lightning", [True, False])
def test_truncated(tmp_path, lightning, share):
    path = write_published(tmp_path / "a.ckpt", NET, lightning)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    _refused(path, "damaged", "authors")


def test_damaged_inside(tmp_path):
    path = write_published(tmp_path / "a.pt", NET)
    content = bytearray(path.read_bytes())
    content[200:2000] = os.urandom(1800)  # the pickle, in front of the tensors
    path.write_bytes(content)
    _refused(path)


def _npz(path):
    np.savez(path.with_suffix(".npz"), **{"query_gen.query": np.zeros((1, 24, 24))})
    path.with_suffix(".npz").rename(path)


@pytest.mark.parametrize(
    "write",
    [
        _npz,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("a text, not weights\n" * 100),
        lambda path: path.write_bytes(b"\x80\x02}q\x00."),
        lambda path: path.write_bytes(pickle.dumps(np.zeros((1, 24, 24)))),
        lambda path: torch.save(NET, path),
        lambda path: torch.save(torch.zeros(3), path),
        lambda path: torch.save([published_state(NET)], path),
        lambda path: torch.save({}, path),
        lambda path: torch.save({"state_dict": {}}, path),
        lambda path: torch.save({"state_dict": None, "epoch": 3}, path),
        lambda path: torch.save({1: torch.zeros(3), "query_gen.query": torch.zeros(3)}, path),
        lambda path: torch.save({"fc.weight": torch.zeros(3, 3), "fc.bias": torch.zeros(3)}, path),
        lambda path: torch.save({"format": "infonet-copula-1", "config": {}}, path),
        lambda path: torch.save({"format": FORMAT, "config": {"model": {}}}, path),
        lambda path: torch.save({"format": FORMAT, "config": 3, "model": {}}, path),
        lambda path: torch.save({"format": FORMAT, "config": {"model": {}}, "model": {}}, path),
    ],
)  # fmt: skip
def test_something_else(tmp_path, write):
    path = tmp_path / "other.pt"
    write(path)
    _refused(path)


def test_a_folder_and_a_file_that_is_not_there(tmp_path):
    _refused(tmp_path, "cannot be read", "directory")
    _refused(tmp_path / "absent.pt", "cannot be read", "No such file")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latents": 9}, ("encoder.latents is [8, 16], not [9, 16]",)),
        ({"latents": 10**12, "table_grid": 24 * 10**9}, ("does not fit",)),
        ({"blocks": 10**9}, ("1000000000 blocks",)),
        ({"blocks": 2}, ("missing encoder.process.1.norm.weight",)),
        ({"blocks": 0}, ("unknown encoder.process.0.norm.weight",)),
        ({"widening": "2"}, ("widening is '2'",)),
        ({"read_heads": 3}, ("read_heads",)),
        ({"embedding": 7}, ("does not fit",)),
        ({"normalize": "z"}, ("normalize is 'z'",)),
        ({"colour": 1}, ("unknown sizes colour",)),
    ],
)
def test_a_trained_file_with_other_sizes(tmp_path, changes, words):
    _refused(write_trained(tmp_path / "a.pt", NET, **changes), *words)


def test_a_trained_file_with_bad_weights(tmp_path):
    net = random_net(SMALL)
    with torch.no_grad():
        net.decoder.norm.bias[3] = torch.nan
    _refused(write_trained(tmp_path / "a.pt", net), "decoder.norm.bias holds values that are not")


def test_unknown_preset(tmp_path):
    path = write_published(tmp_path / "a.pt", NET)
    with pytest.raises(ValueError, match="'rank', allowed are perceiver_softrank, perceiver_rank"):
        load_perceiver(path, "rank")


def test_names_are_those_of_the_network():
    """The names of `random_perceivers`, put together by hand, cover the network and no more."""
    assert len(published_state(NET)) == len(Perceiver(SMALL).state_dict()) + 6
