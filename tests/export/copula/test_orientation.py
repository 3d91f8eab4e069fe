"""Answers that do not depend on the order or the signs of the variables."""

from __future__ import annotations

import infonet_kernels
import numpy as np
import pytest
import torch
from infonet_export.copula.graphs import Core
from infonet_export.copula.losses import apply_symmetry
from infonet_export.copula.network import CopulaConfig, CopulaNet
from infonet_export.copula.orientation import SYMMETRIES, Orientation


def test_all_images_turn_to_the_same():
    orientation = Orientation(64, 32, 16)
    histogram = torch.rand(5, 64, 64)
    images = torch.cat([apply_symmetry(histogram, s) for s in range(SYMMETRIES)])
    symmetry = orientation.choose(images)
    turned = orientation.turn(images, symmetry).reshape(SYMMETRIES, 5, 64, 64)
    assert (turned == turned[0]).all()
    # each is one of the images of its histogram, and all eight symmetries were needed
    for own, s, image in zip(images, symmetry.tolist(), turned.flatten(0, 1), strict=True):
        assert torch.equal(apply_symmetry(own[None], s)[0], image)
    assert set(symmetry.tolist()) == set(range(SYMMETRIES))


def test_undo_is_the_inverse():
    orientation = Orientation(64, 32, 16)
    table = torch.rand(SYMMETRIES, 32, 32)
    symmetry = torch.arange(SYMMETRIES)
    turned = torch.cat(
        [apply_symmetry(t[None], int(s)) for t, s in zip(table, symmetry, strict=True)]
    )
    assert torch.equal(orientation.undo(turned, symmetry), table)


@pytest.mark.parametrize("n", [20, 129, 5000])
def test_core_is_invariant_and_its_table_equivariant(n):
    torch.manual_seed(n)
    config = CopulaConfig(histogram_grid=32, channels=(8, 8), hidden=8)
    core = Core(CopulaNet(config)).eval()
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    y = np.sin(2 * x) + rng.normal(size=n)

    def run(a, b):
        ranks = infonet_kernels.soft_rank(np.stack([a, b]).astype(np.float32))
        histogram = infonet_kernels.joint_histogram(ranks[:1], ranks[1:], 32)
        with torch.no_grad():
            return [out[0].numpy() for out in core(torch.from_numpy(histogram))]

    mi, quantiles, table, score = run(x, y)
    images = {
        (0, 0, 1): table.T,
        (1, 0, 0): table[::-1],
        (0, 1, 0): table[:, ::-1],
        (1, 1, 1): table[::-1, ::-1].T,
    }
    for (flip_x, flip_y, swap), expected in images.items():
        a, b = (-x if flip_x else x), (-y if flip_y else y)
        got = run(b, a) if swap else run(a, b)
        assert got[0] == pytest.approx(mi, abs=1e-6)
        np.testing.assert_allclose(got[1], quantiles, atol=1e-6)
        np.testing.assert_allclose(got[2], expected, atol=1e-4)
        assert got[3] == pytest.approx(score, rel=1e-6, abs=1e-5)
