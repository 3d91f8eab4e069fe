"""The read-out of tables against brute force over all pairs, SciPy and PyTorch's own sampler."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import perceiver_twin as twin
import pytest
import torch
from infonet_export.perceiver import mutual_information
from infonet_export.perceiver.network import smoothing_kernel
from infonet_export.perceiver.read_out import (
    PERMUTATIONS,
    axis_position,
    axis_weights,
    log_mean_exp_all_pairs,
    log_mean_exp_shuffled,
    look_up,
    permutation,
)
from scipy.ndimage import map_coordinates
from torch.nn import functional as F

KERNEL = smoothing_kernel()[0, 0].double().numpy()


def _rough_table(size, amplitude, seed=0):
    """Noise smoothed as the network's tables are: the roughest that can be."""
    noise = amplitude * np.random.default_rng(seed).standard_normal((size, size))
    return twin.smooth(noise, KERNEL)


def _ridge(size, width):
    """The true table of y = x + width * noise, but for a constant."""
    nodes = np.linspace(-1, 1, size)
    return -((nodes[None] - nodes[:, None]) ** 2) / (2 * width**2)


def _ridge_ranks(n, width, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    return np.stack([x, np.clip(x + width * rng.standard_normal(n), 0, 1)], 1)


def _mi(table, ranks, dtype=torch.float64):
    batch = (torch.from_numpy(np.asarray(a)).to(dtype)[None] for a in (table, ranks))
    return float(mutual_information(*batch))


def _positions(ranks, size):
    return [axis_position(ranks[..., axis], size) for axis in (0, 1)]


def _coordinates():
    """Anywhere on the axes, at nodes, at 0 and 1, and beyond the ends."""
    points = torch.rand(2, 300, 2, generator=torch.Generator().manual_seed(0)).double() * 2.4 - 1.2
    points[:, :4] = torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, 1.0], [0.0, -1.0]])
    return points


@pytest.mark.parametrize("size", [2, 9, 24, 65])
def test_look_up_equals_scipy_and_grid_sample(size):
    table = torch.from_numpy(np.random.default_rng(size).standard_normal((2, size, size)))
    points = _coordinates()
    found = look_up(table, *_positions(points, size))
    sampled = F.grid_sample(
        table[:, None], points[:, None], mode="bilinear", padding_mode="border", align_corners=True
    )[:, 0, 0]
    torch.testing.assert_close(found, sampled, rtol=0, atol=1e-12)
    for b in range(2):
        x, y = (points[b].numpy().T + 1) / 2 * (size - 1)
        expected = map_coordinates(table[b].numpy(), [y, x], order=1, mode="nearest")
        np.testing.assert_allclose(found[b], expected, atol=1e-12)
        expected = twin.bilinear(table[b].numpy(), *points[b].T)
        np.testing.assert_allclose(found[b], expected, atol=1e-12)


@pytest.mark.parametrize("size", [24, 65])
def test_axes_that_were_cut_off(size):
    """Positions from the middle on, as the exported graph has them, are the same places."""
    ranks = torch.rand(1, 50).double()
    ranks[0, :2] = torch.tensor([0.0, 1.0])
    middle = (size - 1) // 2
    whole, cut = axis_position(ranks, size), axis_position(ranks, size, middle)
    assert torch.equal(whole.cell - middle, cut.cell)
    torch.testing.assert_close(whole.part, cut.part)
    assert int(cut.cell.min()) == 0
    assert int(cut.cell.max()) == size - middle - 2


def test_weights_of_axes():
    x = axis_position(torch.tensor([[-1, 0, 0.5, 0.6, 1]], dtype=torch.float64), 5)
    share, bend = axis_weights(x, 5)
    np.testing.assert_allclose(share, [[0.2, 0, 0.2, 0.2 + 0.16, 0.04 + 0.2]], atol=1e-12)
    np.testing.assert_allclose(bend, [[0, 0, 0, 0.2 * 0.8 / 2 / 5]], atol=1e-12)


# The largest error allowed grows with the third power of the step from node to node, which the
# roughness sets: about 0.06, 0.4 and 1.5 nats here.
@pytest.mark.parametrize(("roughness", "error"), [(1, 2e-6), (5, 1e-4), (20, 5e-3)])
@pytest.mark.parametrize("n", [1, 2, 40, 200])
def test_all_pairs_equal_brute_force_on_rough_tables(roughness, error, n):
    for seed, size in enumerate((24, 65, 128)):
        table = _rough_table(size, roughness, seed)
        ranks = np.random.default_rng(seed).random((n, 2))
        assert _mi(table, ranks) == pytest.approx(twin.donsker_varadhan(table, ranks), abs=error)


# (nodes a side, width of the ridge in ranks, MI of the bound, error allowed)
@pytest.mark.parametrize(
    ("size", "width", "mi", "error"),
    [(200, 0.2, 0.5, 1e-6), (200, 0.05, 1.7, 1e-4), (1000, 0.05, 1.7, 1e-6), (1000, 0.01, 3, 1e-4)],
)
def test_all_pairs_equal_brute_force_on_sharp_dependence(size, width, mi, error):
    table, ranks = _ridge(size, width), _ridge_ranks(300, width)
    expected = twin.donsker_varadhan(table, ranks)
    assert expected == pytest.approx(mi, abs=0.4)
    assert _mi(table, ranks) == pytest.approx(expected, abs=error)
    assert _mi(table, ranks, torch.float32) == pytest.approx(expected, abs=error + 2e-6)


def test_error_falls_with_the_third_power_of_the_steps():
    """A plane, one sample: the pair mean is exp(T) itself, so MI is 0."""
    plane = np.add.outer(np.arange(24.0), -np.arange(24.0))
    ranks = np.array([[0.37, 0.82]])
    errors = [abs(_mi(step * plane, ranks)) for step in (0.4, 0.2, 0.1)]
    assert errors[0] < 0.02 * 0.4**3
    for coarse, fine in pairwise(errors):
        assert fine < coarse / 6


def test_samples_on_nodes_need_no_correction():
    table = np.random.default_rng(0).standard_normal((9, 9)) * 3  # rough from node to node
    ranks = np.random.default_rng(1).integers(0, 5, (30, 2)) / 4
    assert _mi(table, ranks) == pytest.approx(twin.donsker_varadhan(table, ranks), abs=1e-12)
    corners = np.array([[0.0, 0.0], [1.0, 1.0]])
    a, b, c, d = table[4, 4], table[8, 8], table[4, 8], table[8, 4]
    expected = (a + b) / 2 - np.log(np.mean(np.exp([a, b, c, d])))
    assert _mi(table, corners) == pytest.approx(expected, abs=1e-12)
    for corner in corners:
        assert _mi(table, corner[None]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("height", [50.0, 200.0])
def test_nodes_without_samples_do_not_count(height):
    """Three quarters of a table are beyond all ranks; training leaves anything there."""
    table = _rough_table(24, 3)
    ranks = np.random.default_rng(0).random((50, 2))
    expected = twin.donsker_varadhan(table, ranks)
    table[:11] += height  # rank 0 lies between nodes 11 and 12
    table[:, :11] += height
    assert _mi(table, ranks, torch.float32) == pytest.approx(expected, abs=1e-4)


def test_constants_and_offsets():
    table, ranks = _rough_table(24, 3), np.random.default_rng(0).random((50, 2))
    assert _mi(np.full((24, 24), 300.0), ranks, torch.float32) == pytest.approx(0, abs=1e-4)
    expected = _mi(table, ranks)
    assert _mi(table - 500, ranks) == pytest.approx(expected, abs=1e-10)
    same = np.repeat(ranks[:1], 7, 0)
    assert _mi(table, same) == pytest.approx(_mi(table, ranks[:1]), abs=1e-12)


def test_rows_belong_to_y():
    table = np.zeros((9, 9))
    table[8, 4] = 5.0  # y = 1, x = 0
    joint, marginal = 5.0, np.log((np.exp(5) + 3) / 4)
    assert _mi(table, np.array([[0.0, 1.0], [0.0, 1.0]])) == pytest.approx(0, abs=1e-9)
    mi = _mi(table, np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert mi == pytest.approx(joint / 2 - marginal, abs=1e-9)


def test_batches_are_independent():
    tables = torch.stack([torch.from_numpy(_rough_table(24, 5, seed)) for seed in range(3)])
    ranks = torch.rand(3, 40, 2, generator=torch.Generator().manual_seed(0)).double()
    together = mutual_information(tables, ranks)
    for b in range(3):
        alone = mutual_information(tables[b : b + 1], ranks[b : b + 1])
        torch.testing.assert_close(together[b], alone[0], rtol=0, atol=1e-12)
    assert mutual_information(tables[:0], ranks[:0]).shape == (0,)


@pytest.mark.parametrize("marginal", ["all_pairs", "shuffle"])
def test_gradients_are_exact(marginal):
    generator = torch.Generator().manual_seed(0)
    table = torch.from_numpy(_rough_table(10, 5))[None].requires_grad_()
    cells, parts = torch.rand(2, 1, 12, 2, generator=generator).double()
    ranks = ((cells * 4).floor() + 0.6 + 0.8 * parts) / 4.5  # nodes are at (k + 1/2) / 4.5

    def bound(table, ranks):
        return mutual_information(table, ranks, marginal, torch.Generator().manual_seed(1))

    assert torch.autograd.gradcheck(bound, (table, ranks.requires_grad_()))


def test_gradients_are_finite_at_the_ends():
    table = torch.from_numpy(_rough_table(24, 20)).float()[None].requires_grad_()
    ranks = torch.tensor([[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.5]]], requires_grad=True)
    mutual_information(table, ranks).sum().backward()
    for value in (table, ranks):
        assert torch.isfinite(value.grad).all()
        assert value.grad.abs().max() > 0


def test_shuffling_as_published():
    table, ranks = _rough_table(24, 5), np.random.default_rng(0).random((60, 2))
    tensors = torch.from_numpy(table)[None], torch.from_numpy(ranks)[None]
    found = mutual_information(*tensors, "shuffle", torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    means = []
    for _ in range(5):
        y = ranks[torch.randperm(60, generator=generator).numpy(), 1]
        means.append(np.log(np.exp(twin.bilinear(table, ranks[:, 0], y)).mean()))
    expected = twin.bilinear(table, *ranks.T).mean() - np.mean(means)
    assert float(found) == pytest.approx(expected, abs=1e-10)
    assert not torch.equal(found, mutual_information(*tensors, "shuffle"))


def test_unknown_marginal():
    with pytest.raises(ValueError, match="'pairs'.* 'all_pairs' and 'shuffle'"):
        mutual_information(torch.zeros(1, 8, 8), torch.zeros(1, 3, 2), "pairs")


@pytest.mark.parametrize("n", [1, 2, 1151, 50_000])
def test_permutations_of_the_graph(n):
    orders = [permutation(n, index) for index in range(PERMUTATIONS)]
    for order in orders:
        assert torch.equal(order.sort().values, torch.arange(n))
    if n < 1000:
        return
    expected = torch.arange(n).double()
    for i, order in enumerate(orders):
        assert int((order == torch.arange(n)).sum()) < 10  # one fixed point is expected
        for other in [expected, *orders[:i]]:
            correlation = np.corrcoef(order.numpy(), other.numpy())[0, 1]
            assert abs(correlation) < 5 / np.sqrt(n)
        neighbours = np.corrcoef(order[:-1].numpy(), order[1:].numpy())[0, 1]
        assert abs(neighbours) < 5 / np.sqrt(n)


def test_permutations_of_the_graph_estimate_all_pairs():
    table = torch.from_numpy(_rough_table(24, 5))[None]
    generator = torch.Generator().manual_seed(2)
    x, y = _positions(torch.rand(1, 5000, 2, generator=generator).double(), 24)
    exact = float(log_mean_exp_all_pairs(table, x, y))
    many = [float(log_mean_exp_shuffled(table, x, y, [permutation(5000, i)])) for i in range(60)]
    orders = [torch.randperm(5000, generator=generator) for _ in range(60)]
    drawn = [float(log_mean_exp_shuffled(table, x, y, [order])) for order in orders]
    assert np.std(many) == pytest.approx(np.std(drawn), rel=0.4)
    assert abs(np.mean(many) - exact) < 4 * np.std(drawn) / np.sqrt(60)
