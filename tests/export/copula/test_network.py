"""The copula network: shapes, order of the quantiles, and what must not matter."""

from __future__ import annotations

import infonet_kernels
import numpy as np
import pytest
import torch
from infonet_export.copula.losses import cross_sample_donsker_varadhan, detection_loss
from infonet_export.copula.network import CopulaConfig, CopulaNet, _legendre
from scipy.stats import spearmanr
from tiny_models import random_net

SMALL = CopulaConfig(histogram_grid=32, channels=(16, 16), hidden=16, n_min=20, n_max=500)
DEFAULT = CopulaConfig(channels=(16, 32, 64, 128))


def _histograms(count, grid, n=300, seed=0):
    """Multinomial counts of smooth random densities."""
    rng = np.random.default_rng(seed)
    t = np.linspace(-2, 2, grid)
    drawn = []
    for _ in range(count):
        slope, width = rng.normal(), rng.uniform(0.2, 2)
        p = np.exp(-(((t[:, None] - slope * t) / width) ** 2)) + 0.01
        drawn.append(rng.multinomial(n, (p / p.sum()).ravel()).reshape(grid, grid))
    return torch.tensor(np.array(drawn), dtype=torch.float32)


@pytest.fixture(scope="module")
def net():
    return random_net(SMALL)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        DEFAULT,
        CopulaConfig(histogram_grid=16, channels=(8,)),
        CopulaConfig(histogram_grid=64, channels=(8, 8, 16), hidden=8),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_shapes(config, batch):
    with torch.no_grad():
        out = random_net(config)(_histograms(batch, config.histogram_grid))
    side = config.histogram_grid // 2
    assert out.table.shape == (batch, side, side)
    assert out.quantiles.shape == (batch, 3)
    assert out.dv.shape == (batch,)
    for tensor in out:
        assert tensor.dtype == torch.float32
        assert torch.isfinite(tensor).all()


def test_quantiles_are_in_order(net):
    with torch.no_grad():
        for n in (20, 300, 5000):
            low, middle, high = net(_histograms(40, 32, n)).quantiles.T
            assert (low < middle).all()
            assert (middle < high).all()


def test_the_reported_value_is_donsker_varadhan_of_the_reported_table(net):
    histogram = _histograms(6, 32)
    with torch.no_grad():
        out = net(histogram)
    folded = histogram.view(6, 16, 2, 16, 2).sum((2, 4))
    expected = cross_sample_donsker_varadhan(out.table.double(), folded.double())
    torch.testing.assert_close(out.dv.double(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("n", [50, 2000])
def test_a_normalised_table_has_the_constant_of_pointwise_mutual_information(net, n):
    histogram = _histograms(6, 32, n)
    with torch.no_grad():
        out = net(histogram)
        table = net.normalised(histogram, out).double()
    joint = histogram.view(6, 16, 2, 16, 2).sum((2, 4)).double() / n
    product = joint.sum(2)[:, :, None] * joint.sum(1)[:, None]
    one = torch.ones(6, dtype=torch.float64)
    torch.testing.assert_close((product * table.exp()).sum((1, 2)), one, atol=1e-5, rtol=0)
    torch.testing.assert_close((joint * table).sum((1, 2)), out.dv.double(), atol=1e-5, rtol=0)
    difference = (table - out.table.double()).flatten(1)
    torch.testing.assert_close(
        difference, difference[:, :1].expand_as(difference), atol=1e-5, rtol=0
    )


def test_an_answer_does_not_depend_on_its_place_in_the_batch(net):
    histogram = _histograms(9, 32)
    with torch.no_grad():
        together = net(histogram)
        order = torch.tensor([4, 8, 0, 2, 1, 7, 3, 6, 5])
        shuffled = net(histogram[order])
        for i in range(9):
            alone = net(histogram[i : i + 1])
            torch.testing.assert_close(alone.quantiles[0], together.quantiles[i])
            torch.testing.assert_close(alone.table[0], together.table[i])
    torch.testing.assert_close(shuffled.quantiles, together.quantiles[order])


def test_above_n_max_counts_are_scaled_back(net):
    histogram = _histograms(4, 32, n=500)
    with torch.no_grad():
        at_most, beyond = net(histogram), net(200 * histogram)
        fewer = net(histogram / 5)
    torch.testing.assert_close(beyond.quantiles, at_most.quantiles)
    torch.testing.assert_close(beyond.table, at_most.table)
    # below n_max the number of samples matters
    assert (fewer.quantiles - at_most.quantiles).abs().max() > 1e-3


def test_log_n(net):
    histogram = torch.cat([_histograms(1, 32, n=n) for n in (20, 130, 500, 40_000)])
    with torch.no_grad():
        got = net.log_n(histogram).flatten().tolist()
    assert got == pytest.approx(np.log([20, 130, 500, 500]), abs=1e-5)


@pytest.mark.parametrize("n", [20, 500, 1_000_000])
@pytest.mark.parametrize("shape", ["cell", "corner", "row", "column", "diagonal", "flat"])
def test_degenerate_histograms_are_finite(net, shape, n):
    h = torch.zeros(1, 32, 32)
    if shape == "cell":
        h[0, 15, 16] = n
    elif shape == "corner":
        h[0, 0, 31] = n
    elif shape == "row":
        h[0, 15] = n / 32
    elif shape == "column":
        h[0, :, 15] = n / 32
    elif shape == "diagonal":
        h[0] = torch.eye(32) * n / 32
    else:
        h[0] = n / 32**2
    for model in (net, CopulaNet(SMALL)):
        out = model(h)
        assert all(torch.isfinite(tensor).all() for tensor in out)
        (out.quantiles.sum() + out.score.sum()).backward()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters())
        model.zero_grad()


def test_the_table_of_an_untrained_network_is_a_lower_bound_that_training_can_raise():
    # a fresh table is nearly flat: its value is near 0, and a step along the gradient raises it
    torch.manual_seed(0)
    model = CopulaNet(SMALL)
    reading, scoring = _histograms(8, 32, 500), _histograms(8, 32, 500, seed=0)
    scoring = scoring.view(8, 16, 2, 16, 2).sum((2, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    values = []
    for _ in range(20):
        value = cross_sample_donsker_varadhan(model(reading).table, scoring).mean()
        optimizer.zero_grad()
        (-value).backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] > values[0] + 0.01


def test_seeded_construction_is_reproducible():
    a, b = random_net(SMALL, 5), random_net(SMALL, 5)
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("side", [4, 32])
def test_polynomials_are_orthonormal_on_cells(side):
    basis = _legendre(side, min(5, side - 1)).numpy()
    np.testing.assert_allclose(basis @ basis.T / side, np.eye(len(basis)), atol=1e-12)
    np.testing.assert_allclose(basis.sum(1), 0, atol=1e-12)
    slope = np.polyfit(np.arange(side), basis[0], 1)
    np.testing.assert_allclose(np.polyval(slope, np.arange(side)), basis[0], atol=1e-12)
    assert slope[0] > 0


def test_the_first_smooth_component_is_the_rank_correlation():
    """n times its square is what the head reads: chi-squared if x and y are independent."""
    net = CopulaNet(CopulaConfig(histogram_grid=128, channels=(8,), hidden=8))
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    y = 0.5 * x + rng.normal(size=4000)
    ranks = infonet_kernels.soft_rank(np.stack([x, y]).astype(np.float32))
    histogram = torch.from_numpy(infonet_kernels.joint_histogram(ranks[:1], ranks[1:], 128))
    quarter = net._densities(histogram)[2]
    components = torch.nn.functional.conv2d(quarter, net.polynomials).flatten()
    assert components[0].item() == pytest.approx(spearmanr(x, y)[0], abs=0.01)


def test_detection_loss_by_hand():
    loss = detection_loss(torch.tensor([2.0, -1.0, 0.5]), torch.tensor([0.3, 0.0, float("nan")]))
    expected = np.mean([np.log1p(np.exp(-2)), np.log1p(np.exp(-1)), np.log1p(np.exp(-0.5))])
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_the_statistic_adds_inverse_p_values(net):
    generator = torch.Generator().manual_seed(0)
    side = net.config.histogram_grid
    # rank pairs without ties: uniform margins
    histograms, expected = [], []
    mi, score = torch.tensor([0.0, 0.3, 2.0]), torch.tensor([-2.0, 4.0, 60.0])
    for i, n in enumerate((side, 8 * side, 1024 * side)):
        x = torch.arange(n)
        y = torch.randperm(n, generator=generator) if i else x
        cells = (x * side // n) * side + y * side // n
        counts = torch.bincount(cells, minlength=side * side).reshape(side, side).float()
        histograms.append(counts)
        blocks = counts.reshape(side // 4, 4, side // 4, 4).sum((1, 3)).numpy() / n
        grid = np.linspace(-1, 1, side // 4)
        grid /= np.sqrt(np.mean(grid**2))
        size = min(n, net.config.n_max)
        parts = [
            2 * np.sqrt(size * float(mi[i]) + 0.25) - 1,
            float(score[i]) + 0.5,
            0.5 * size * (grid @ blocks @ grid) ** 2,
        ]
        expected.append(np.logaddexp.reduce(parts))
    with torch.no_grad():
        got = net.statistic(torch.stack(histograms), mi, score).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4)
