"""Losses against hand calculations; the symmetries of the square."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from infonet_export.copula.losses import (
    apply_symmetry,
    cross_sample_donsker_varadhan,
    error_scale,
    quantile_loss,
)
from references import pmf_mi

SIDE = 6


@pytest.fixture
def pmf():
    """A joint pmf without zeros: a ridge of dependence on a random background."""
    p = np.random.default_rng(0).gamma(1.0, size=(SIDE, SIDE)) + 3 * np.eye(SIDE)
    return p / p.sum()


def _exact_table(pmf):
    return np.log(pmf / np.outer(pmf.sum(1), pmf.sum(0)))


def _dv(table, histogram):
    value = cross_sample_donsker_varadhan(
        torch.tensor(table, dtype=torch.float64)[None],
        torch.tensor(histogram, dtype=torch.float64)[None],
    )
    assert value.shape == (1,)
    return value.item()


def test_the_exact_table_gives_the_mutual_information(pmf):
    assert _dv(_exact_table(pmf), pmf) == pytest.approx(pmf_mi(pmf), abs=1e-12)
    assert _dv(_exact_table(pmf), 1234 * pmf) == pytest.approx(pmf_mi(pmf), abs=1e-12)


@pytest.mark.parametrize("shift", [-50.0, 3.0, 700.0])
def test_a_constant_changes_nothing_and_overflows_nothing(pmf, shift):
    assert _dv(_exact_table(pmf) + shift, pmf) == pytest.approx(pmf_mi(pmf), abs=1e-10)


def test_any_other_table_gives_less(pmf):
    rng = np.random.default_rng(1)
    for size in (1e-3, 0.1, 1.0, 10.0):
        for _ in range(20):
            other = _exact_table(pmf) + size * rng.normal(size=pmf.shape)
            assert _dv(other, pmf) < pmf_mi(pmf)


def test_the_value_by_the_plain_double_sum(pmf):
    table = np.random.default_rng(2).normal(size=pmf.shape)
    left, right = pmf.sum(1), pmf.sum(0)
    mean = mean_exp = 0.0
    for i in range(SIDE):
        for j in range(SIDE):
            mean += pmf[i, j] * table[i, j]
            mean_exp += left[i] * right[j] * math.exp(table[i, j])
    assert _dv(table, pmf) == pytest.approx(mean - math.log(mean_exp), abs=1e-12)


def test_its_gradient_is_the_difference_of_the_two_measures(pmf):
    # d DV / dT = p - q exp(T) / E_q exp(T): zero at the exact table, finite at extreme ones
    table = torch.tensor(_exact_table(pmf))[None].requires_grad_()
    cross_sample_donsker_varadhan(table, torch.tensor(pmf)[None]).sum().backward()
    assert table.grad.abs().max() < 1e-12
    extreme = torch.tensor([[[90.0, -90.0], [0.0, 300.0]]], requires_grad=True)
    cross_sample_donsker_varadhan(extreme, torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])).backward()
    assert torch.isfinite(extreme.grad).all()


def test_the_symmetries_are_those_of_the_square():
    square = torch.arange(9.0).view(1, 3, 3)
    images = [apply_symmetry(square, index) for index in range(8)]
    assert len({tuple(image.flatten().tolist()) for image in images}) == 8
    known = {
        "identity": square,
        "flip x": square.flip(1),
        "flip y": square.flip(2),
        "half turn": square.rot90(2, (1, 2)),
        "transpose": square.transpose(1, 2),
        "quarter turn": square.rot90(1, (1, 2)),
        "back turn": square.rot90(-1, (1, 2)),
        "other transpose": square.rot90(2, (1, 2)).transpose(1, 2),
    }
    for name, expected in known.items():
        assert sum(torch.equal(image, expected) for image in images) == 1, name
    # closed under composition, each with an inverse
    for a in range(8):
        composed = [apply_symmetry(apply_symmetry(square, a), b) for b in range(8)]
        assert all(any(torch.equal(c, image) for image in images) for c in composed)
        assert any(torch.equal(c, square) for c in composed)


@pytest.mark.parametrize("index", range(8))
def test_symmetries_leave_the_value_unchanged(pmf, index):
    table = torch.tensor(np.random.default_rng(3).normal(size=pmf.shape))[None]
    histogram = torch.tensor(pmf)[None]
    turned = cross_sample_donsker_varadhan(
        apply_symmetry(table, index), apply_symmetry(histogram, index)
    )
    assert turned.item() == pytest.approx(
        cross_sample_donsker_varadhan(table, histogram).item(), abs=1e-12
    )
    assert apply_symmetry(histogram, index).sum().item() == pytest.approx(1)


def test_error_scale_by_hand():
    mi, n = torch.tensor([0.0, 2.0]), torch.tensor([100.0, 400.0])
    by_hand = [
        math.sqrt(0 / 100 + 1 / 100**2 + 0.01**2),
        math.sqrt((1 - math.exp(-4)) / 400 + 1 / 400**2 + 0.02**2),
    ]
    assert error_scale(mi, n).tolist() == pytest.approx(by_hand, rel=1e-6)


def test_pinball_loss_by_hand():
    quantiles = torch.tensor([[0.1, 0.5, 0.9], [0.0, 0.2, 0.3]])
    mi, n = torch.tensor([0.6, 0.0]), torch.tensor([100.0, 1000.0])
    # 0.6: above the first two quantiles, below the third; 0.0: at the first, below the others
    first = 0.05 * 0.5 + 0.5 * 0.1 + 0.05 * 0.3
    second = 0.0 + 0.5 * 0.2 + 0.05 * 0.3
    scale = [
        math.sqrt((1 - math.exp(-1.2)) / 100 + 1e-4 + 0.013**2),
        math.sqrt(1e-6 + 1e-4),
    ]
    expected = (first / scale[0] + second / scale[1]) / 2
    assert quantile_loss(quantiles, mi, n).item() == pytest.approx(expected, rel=1e-5)


def test_pinball_loss_is_least_at_the_quantiles():
    truths = torch.tensor(np.random.default_rng(4).random(4001), dtype=torch.float32)
    n = torch.full_like(truths, 1e9)

    def loss(low, middle, high):
        tiled = torch.tensor([[low, middle, high]]).expand(len(truths), 3)
        # weights of the scale are nearly equal on a narrow range of truths
        return quantile_loss(tiled, 5 + 0.001 * truths, n).item()

    best = loss(5.00005, 5.0005, 5.00095)
    for worse in ((5.0002, 5.0005, 5.00095), (5.00005, 5.0003, 5.00095), (5.00005, 5.0005, 5.0008)):
        assert loss(*worse) > best


def test_unknown_truths_do_not_contribute():
    rng = np.random.default_rng(5)
    quantiles = torch.tensor(rng.random((5, 3)), dtype=torch.float32)
    mi = torch.tensor([0.1, float("nan"), 0.4, float("nan"), 0.9])
    n = torch.full((5,), 200.0)
    known = torch.tensor([0, 2, 4])
    expected = quantile_loss(quantiles[known], mi[known], n[known])
    free = quantiles.clone().requires_grad_()
    loss = quantile_loss(free, mi, n)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    assert torch.isfinite(free.grad).all()
    assert (free.grad[[1, 3]] == 0).all()
    assert (free.grad[known] != 0).all()


def test_no_known_truth_is_no_loss():
    quantiles = torch.rand(4, 3, requires_grad=True)
    loss = quantile_loss(quantiles, torch.full((4,), float("nan")), torch.full((4,), 50.0))
    loss.backward()
    assert loss.item() == 0
    assert (quantiles.grad == 0).all()
