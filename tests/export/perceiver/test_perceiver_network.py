"""The network, and what is folded for export, against a slow NumPy twin in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import perceiver_twin as twin
import pytest
import torch
from infonet_export.perceiver import PRESETS, PerceiverConfig, mutual_information
from infonet_export.perceiver.graphs import PerceiverCore, Smoothing, joint_histogram, node_weights
from infonet_export.perceiver.network import smoothing_kernel
from infonet_export.perceiver.read_out import axis_position
from random_perceivers import ODD, SMALL, published_state, random_net
from scipy.stats import norm

CONFIGS = {
    "small": SMALL,
    "odd": ODD,
    "no blocks": replace(SMALL, blocks=0, table_grid=40, widening=3),
    "tiny table": replace(SMALL, table_grid=8),
    "one head": replace(
        ODD, table_grid=33, read_heads=1, process_heads=1, query_heads=1, decode_heads=1
    ),
}


def _ranks(n, seed=0):
    """Dependent, with repeated values, x = y, and the ends of the range."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    ranks = np.stack([x, (x + 0.2 * rng.random(n)) % 1], 1)
    ranks[: n // 10] = ranks[n // 10]
    ranks[n // 2, 1] = ranks[n // 2, 0]
    ranks[0], ranks[-1] = (0, 1), (1, 1)
    return ranks.astype(np.float32)


def _twin(net, ranks):
    c = net.config
    return twin.run(
        published_state(net), ranks, c.read_heads, c.process_heads, c.query_heads, c.decode_heads
    )


@pytest.mark.parametrize("n", [2, 20, 257])
@pytest.mark.parametrize("name", CONFIGS)
def test_network_equals_the_twin(name, n):
    net, ranks = random_net(CONFIGS[name], seed=n), _ranks(n)
    batch = torch.from_numpy(np.stack([ranks, ranks[::-1, ::-1]]))  # x and y exchanged
    with torch.no_grad():
        output = net(batch)
        mi = mutual_information(output.table, batch)
    tables = []
    for b in range(2):
        expected = _twin(net, batch[b].numpy())
        for got, want in zip(output, expected, strict=True):
            np.testing.assert_allclose(got[b], want, atol=5e-6 * max(1, np.abs(want).max()))
        assert float(mi[b]) == pytest.approx(
            twin.donsker_varadhan(expected[3], batch[b].numpy()), abs=5e-4
        )
        tables.append(expected[3])
    assert np.abs(tables[0] - tables[1]).max() > 0.05  # so the samples were read


@pytest.mark.parametrize("n", [2, 20, 257])
@pytest.mark.parametrize("name", CONFIGS)
def test_exported_form_equals_the_twin(name, n):
    """A misunderstanding that network and folding share would show here."""
    net, ranks = random_net(CONFIGS[name], seed=n), _ranks(n)
    core = PerceiverCore(net)
    with torch.no_grad():
        mi, table = core(torch.from_numpy(ranks)[None])
        reference = net(torch.from_numpy(ranks)[None]).table
        expected_mi = mutual_information(reference, torch.from_numpy(ranks)[None])
    expected = _twin(net, ranks)[3]
    np.testing.assert_allclose(table[0], expected, atol=5e-6 * max(1, np.abs(expected).max()))
    torch.testing.assert_close(mi, expected_mi, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", CONFIGS)
def test_histogram_form_comes_close_to_the_twin(name):
    net, ranks = random_net(CONFIGS[name]), _ranks(257)
    expected = _twin(net, ranks)[3]
    with torch.no_grad():
        for grid, error in ((32, 0.05), (256, 2e-3)):
            mi, table = PerceiverCore(net, grid)(torch.from_numpy(ranks)[None])
            np.testing.assert_allclose(table[0], expected, atol=error)
        assert float(mi) == pytest.approx(twin.donsker_varadhan(expected, ranks), abs=1e-3)


def test_histogram_form_is_exact_on_nodes():
    """Ranks on nodes are not blurred; signs still are, between nodes that lie very close."""
    net = random_net(SMALL)
    ranks = np.random.default_rng(0).integers(0, 17, (1, 200, 2)).astype(np.float32) / 16
    with torch.no_grad():
        exact, blurred = (PerceiverCore(net, grid)(torch.from_numpy(ranks)) for grid in (0, 17))
    for a, b in zip(exact, blurred, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=5e-5)


@pytest.mark.parametrize("splat", ["scatter", "dense"])
@pytest.mark.parametrize("grid", [2, 7, 64])
def test_joint_histogram(grid, splat):
    ranks = torch.rand(2, 50, 2, generator=torch.Generator().manual_seed(0)).double()
    ranks[:, :2] = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    axes = (axis_position(2 * ranks[..., a] - 1, grid) for a in (0, 1))
    found = joint_histogram(*axes, grid, splat)
    expected = np.zeros((2, grid, grid))
    for b in range(2):
        for x, y in ranks[b].numpy() * (grid - 1):
            for i in range(grid):
                for j in range(grid):
                    expected[b, i, j] += max(0, 1 - abs(x - i)) * max(0, 1 - abs(y - j)) / 50
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize(("nodes", "first"), [(2, 0), (25, 0), (25, 12), (1000, 499)])
def test_node_weights_in_both_ways(nodes, first):
    """Samples on nodes, at both ends and beyond them included."""
    coordinates = torch.rand(3, 400, generator=torch.Generator().manual_seed(0)) * 2.2 - 1.1
    coordinates[0] = torch.linspace(-1, 1, 400)
    coordinates[1, :nodes] = torch.linspace(-1, 1, nodes)[:400]
    position = axis_position(coordinates, nodes, first)
    scatter, dense = (node_weights(position, nodes - first, way) for way in ("scatter", "dense"))
    for a, b in zip(dense, scatter, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    torch.testing.assert_close(dense[0].sum(1), torch.ones(3), rtol=0, atol=1e-5)


@pytest.mark.parametrize("grid", [0, 16])
def test_cores_that_count_in_either_way_agree(grid):
    net = random_net(SMALL)
    ranks = torch.rand(2, 300, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        scatter, dense = (
            PerceiverCore(net, grid, splat=way)(ranks) for way in ("scatter", "dense")
        )
    for a, b in zip(dense, scatter, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=2e-5)


@pytest.mark.parametrize("size", [8, 24, 129, 300])
def test_smoothing_as_exported(size):
    raw = np.random.default_rng(size).standard_normal((2, size, size)).astype(np.float32)
    kernel = smoothing_kernel()
    smoothing = Smoothing(kernel, size)
    expected = np.stack([twin.smooth(r, kernel[0, 0].double().numpy()) for r in raw])
    np.testing.assert_allclose(smoothing(torch.from_numpy(raw)), expected, atol=2e-6)
    wanted = (size - 1) // 2
    first = max(0, wanted - 7)
    part = smoothing(torch.from_numpy(raw[:, first:, first:].copy()), first, wanted)
    np.testing.assert_allclose(part, expected[:, wanted:, wanted:], atol=2e-6)


def test_smoothing_refuses_a_kernel_that_is_no_outer_product():
    kernel = smoothing_kernel()
    kernel[0, 0, 3, 4] += 1e-3
    with pytest.raises(ValueError, match=r"mild\.kernel.* outer product"):
        Smoothing(kernel, 24)


def test_kernel():
    """15 cells from -3 to 3, each the root of the mass of a normal distribution in it."""
    edges = np.linspace(-3 - 7 / 30, 3 + 7 / 30, 16)
    root = np.sqrt(np.outer(*[np.diff(norm.cdf(edges))] * 2))
    np.testing.assert_allclose(smoothing_kernel()[0, 0], root / root.sum(), rtol=1e-5)


def test_presets():
    soft, rank = PRESETS["perceiver_softrank"], PRESETS["perceiver_rank"]
    assert (soft.latents, soft.latent_dim, soft.table_grid) == (512, 512, 1000)
    assert (soft.eps, soft.normalize, soft.n_max) == (0.1, "minmax", 5000)
    assert (rank.latents, rank.latent_dim, rank.table_grid) == (256, 256, 1000)
    assert (rank.eps, rank.normalize, rank.n_max) == (0.0, "over_n", 2000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dim": 24}, "latent_dim is 24, it must be a multiple of process_heads"),
        ({"latent_dim": 20, "process_heads": 4}, "latent_dim is 20, .* multiple of read_heads"),
        ({"table_grid": 20}, "table_grid is 20, it must be a multiple of query_heads"),
        ({"table_grid": 24, "decode_heads": 5}, "multiple of decode_heads"),
        ({"table_grid": 1, "query_heads": 1, "decode_heads": 1}, "table_grid is 1, .* 2"),
        ({"read_heads": 0}, "read_heads is 0"),
        ({"latents": 0}, "latents is 0, .* at least 1"),
        ({"latents": 8.0}, "latents is 8.0, .* whole number"),
        ({"latents": True}, "latents is True"),
        ({"blocks": -1}, "blocks is -1, .* at least 0"),
        ({"widening": 0}, "widening is 0"),
        ({"embedding": (3, 0)}, r"embedding is \(3, 0\)"),
        ({"embedding": (3,)}, r"embedding is \(3,\)"),
        ({"n_min": 0}, "n_min is 0"),
        ({"n_max": 10}, r"n_max is 10, .* n_min \(20\)"),
        ({"normalize": "rank"}, "normalize is 'rank', allowed are midrank, over_n and minmax"),
        ({"eps": -1.0}, "eps is -1.0"),
        ({"eps": float("nan")}, "eps is nan"),
        ({"eps": float("inf")}, "eps is inf"),
    ],
)
def test_sizes_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        PerceiverConfig(**changes)
