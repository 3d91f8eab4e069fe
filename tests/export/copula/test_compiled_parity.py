"""The compiled network against PyTorch in double precision, for networks of random weights."""

from itertools import chain

import infonet_kernels
import numpy as np
import pytest
import torch
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.graphs import Core
from infonet_export.copula.network import CopulaConfig, CopulaNet

pytestmark = pytest.mark.skipif(
    infonet_kernels.network_vectors() == 0,
    reason="this processor, or this installation, has no compiled network",
)
FACTORS = IntervalFactors(
    n=(20.0, 300.0, 5000.0, 20_000.0), low=(1.4, 1.1, 0.9, 1.2), high=(0.8, 1.3, 1.0, 2.0)
)


def random_core(config, seed):
    """All weights random: networks begin with second convolutions of zeros."""
    torch.manual_seed(seed)
    net = CopulaNet(config)
    with torch.no_grad():
        for weight in net.parameters():
            fan = max(1, weight[0].numel()) if weight.ndim > 1 else 4
            weight.copy_(torch.randn_like(weight) / fan**0.5)
    return Core(net, FACTORS).eval()


def counts(grid):
    rng = np.random.default_rng(3)
    found = []
    for n in (20, 129, 1151, 65_537):
        x, noise = rng.standard_normal((2, n)).astype(np.float32)
        for y in (noise, x + noise, np.sin(4 * x) + 0.1 * noise):
            ranks, *_ = infonet_kernels.rank_columns([x, y])
            found.append(infonet_kernels.pair_histograms(ranks, [[0, 1]], grid)[0])
    return np.stack(found)


@pytest.mark.parametrize(
    ("grid", "channels", "hidden"),
    [
        (128, (16, 32, 64, 128), 64),
        (128, (16, 32, 64), 64),
        (64, (32,), 16),
        (64, (64, 16), 32),
        (64, (16, 128), 96),
        (192, (48, 80), 64),
    ],
)
def test_any_sizes(grid, channels, hidden):
    config = CopulaConfig(histogram_grid=grid, channels=channels, hidden=hidden, n_max=20_000)
    core = random_core(config, sum(channels))
    tensors = chain(core.named_parameters(), core.named_buffers())
    arrays = {name: tensor.detach().numpy() for name, tensor in tensors}
    compiled = infonet_kernels.CopulaNetwork(arrays, config.n_max)
    histograms = counts(grid)
    with torch.no_grad():
        expected = [t.numpy() for t in core.double()(torch.from_numpy(histograms).double())]
    found = compiled(histograms, table=True)
    scale = np.abs(expected[2]).max()
    assert scale > 0.1
    np.testing.assert_allclose(found.mi, expected[0], rtol=2e-5, atol=2e-5 * scale)
    np.testing.assert_allclose(found.quantiles, expected[1], rtol=2e-5, atol=2e-5 * scale)
    np.testing.assert_allclose(found.table, expected[2], rtol=0, atol=5e-5 * scale)
    np.testing.assert_allclose(found.score, expected[3], rtol=1e-4, atol=1e-2)
