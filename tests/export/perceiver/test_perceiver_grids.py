"""The histogram rewriting: its error as the grid grows, and the choice of the grid."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from infonet_export.perceiver import export as perceiver_export
from infonet_export.perceiver import grids
from infonet_export.perceiver.export import export_perceiver
from infonet_export.perceiver.graphs import PerceiverCore
from infonet_export.perceiver.grids import (
    GRIDS,
    LIMIT,
    MARGIN,
    GridError,
    between_nodes,
    choose,
    grid_errors,
)
from infonet_export.perceiver.parity import parity_samples
from random_perceivers import ODD, SMALL, random_net, write_published


@pytest.fixture(scope="module", params=[SMALL, ODD], ids=["minmax", "over_n"])
def net(request):
    return random_net(request.param)


def test_errors_fall_as_the_grid_grows(net):
    errors = grid_errors(net, parity_samples(20), (8, 32, 128, 512))
    assert [error.grid for error in errors] == [8, 32, 128, 512]
    for coarse, fine in pairwise(errors):
        assert fine.table < coarse.table / 3  # 16 in the limit, for 4 times as many nodes
        assert fine.mi < max(coarse.mi / 2, 1e-6)
    assert errors[0].table > 5e-3
    assert errors[-1].table < 2e-4
    assert errors[-1].mi < 1e-5


def test_errors_are_those_of_the_exported_form(net):
    """The largest over all samples, and over some that lie between the nodes."""
    config = net.config
    samples = parity_samples(20)[:2]
    (found,) = grid_errors(net, samples, (16,))
    worst = np.zeros(2)
    exact, blurred = PerceiverCore(net), PerceiverCore(net, 16)
    with torch.no_grad():
        for batch in samples:
            ranks = torch.ops.infonet.soft_rank(
                torch.from_numpy(batch), config.eps, config.normalize
            )
            pair = zip(exact(ranks), blurred(ranks), strict=True)
            worst = np.maximum(worst, [float((a - b).abs().max()) for a, b in pair])
        pair = zip(exact(between_nodes(16)), blurred(between_nodes(16)), strict=True)
        between = [float((a - b).abs().max()) for a, b in pair]
    assert (found.mi, found.table) == pytest.approx(tuple(np.maximum(worst, between)), abs=1e-6)


@pytest.mark.parametrize("grid", [2, 3, 64, 513])
def test_between_nodes(grid):
    ranks = between_nodes(grid)
    assert ranks.shape == (1, 500, 2)
    assert ranks.dtype == torch.float32
    assert ranks[0, 0].tolist() == [0, 0]
    assert ranks[0, 1].tolist() == [1, 1]
    place = ranks[0, 2:].double() * (grid - 1)
    np.testing.assert_allclose(place % 1, 0.5, atol=1e-4)  # as far from nodes as can be
    assert place.min() > 0
    assert place.max() < grid - 1
    if grid >= 64:
        assert np.corrcoef(ranks[0].T)[0, 1] > 0.7  # dependent, so that MI is at stake
    assert torch.equal(between_nodes(grid), ranks)


def test_text_of_an_error():
    error = GridError(64, 1.234e-5, 0.00987)
    assert str(error) == "histogram of 64 nodes: mi 1.2e-05, table 9.9e-03"


def test_choice():
    def errors(*mi):
        return [GridError(grid, value, 1.0) for grid, value in zip(GRIDS, mi, strict=False)]

    allowed = LIMIT / MARGIN
    assert allowed == pytest.approx(2e-4)  # what the help of --grid says
    assert choose(errors(1e-5, 1e-6, 1e-7, 1e-8)) == 64
    assert choose(errors(2.1e-4, 1.9e-4, 0, 0)) == 128
    assert choose(errors(1, np.nan, 1e-3, 0)) == 512
    for refused in ((3e-4,), (1.0, 0.5, 0.1, 5e-4), (np.nan,)):
        message = (
            rf"{refused[-1]:.1e} nats with .* allowed is 2e-04: .*--grid, or .*--rewrite exact"
        )
        with pytest.raises(ValueError, match=message):
            choose(errors(*refused))


def test_an_export_that_no_grid_fits_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(perceiver_export, "GRIDS", (2, 4))
    monkeypatch.setattr(grids, "LIMIT", 1e-6)
    monkeypatch.setattr(perceiver_export, "trace", None)
    path = write_published(tmp_path / "a.pt", random_net(SMALL))
    with pytest.raises(ValueError, match="with 4 nodes, .*--rewrite exact"):
        export_perceiver(path, tmp_path / "out.onnx", rewrite="histogram")
    assert list(tmp_path.iterdir()) == [path]


def test_cost_of_the_network_does_not_grow_with_n():
    """Nothing behind the histograms knows how many samples there were."""
    core, shapes = PerceiverCore(random_net(SMALL), 32), []
    for module in core.modules():
        module.register_forward_pre_hook(
            lambda _, inputs: shapes[-1].append([t.shape for t in inputs if torch.is_tensor(t)])
        )
    for n in (50, 5000):
        shapes.append([])
        with torch.no_grad():
            core(torch.rand(1, n, 2))
        assert shapes[-1].pop(0) == [torch.Size([1, n, 2])]
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 10
