"""Exact ranks with the gradient of smoothed ones, and the bound that uses them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from infonet_export import soft_rank, straight_through_rank
from infonet_export.differentiable import donsker_varadhan
from torch.autograd import gradcheck

COLUMNS = {
    "normal": lambda g, n: torch.randn(n, generator=g, dtype=torch.float64),
    "cauchy": lambda g, n: torch.randn(n, 2, generator=g, dtype=torch.float64).prod(1) ** 3,
    "ties": lambda g, n: torch.randint(0, 5, (n,), generator=g).double(),
    "half equal": lambda g, n: torch.randn(n, generator=g, dtype=torch.float64).clamp(min=0.3),
}


def samples(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([draw(generator, n) for draw in COLUMNS.values()], 1)[None]


def smoothed_ranks(column):
    """mean_j K(x_i - x_j), all pairs at once; the width of the ramp K held constant."""
    n = len(column)
    x = np.sort(column.detach().numpy())
    quarter = (n - 1) // 4
    spread, middle = x.std(), (x[n - 1 - quarter] - x[quarter]) / 1.34
    half = 1.74 * 0.9 * (min(spread, middle) if middle > 0 else spread) * n**-0.2
    return ((column[:, None] - column) / (2 * half) + 0.5).clamp(0, 1).mean(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("normalize", ["midrank", "over_n"])
def test_forward_is_the_exact_rank(normalize, dtype):
    values = samples(333).to(dtype)
    ranks = straight_through_rank(values.clone().requires_grad_(), normalize)
    torch.testing.assert_close(ranks.detach(), soft_rank(values, 0.0, normalize), rtol=0, atol=0)


@pytest.mark.parametrize("n", [2, 5, 20, 501])
def test_backward_is_that_of_smoothed_ranks(n):
    values, weights = samples(n).requires_grad_(), samples(n, seed=1)
    (got,) = torch.autograd.grad(straight_through_rank(values), values, weights)
    for column, name in enumerate(COLUMNS):
        x = values.detach()[0, :, column].clone().requires_grad_()
        if x.min() == x.max():
            continue
        (expected,) = torch.autograd.grad(smoothed_ranks(x), x, weights[0, :, column])
        scale = max(1.0, float(expected.abs().max()))
        np.testing.assert_allclose(
            got[0, :, column], expected, rtol=0, atol=1e-10 * scale, err_msg=name
        )


def test_slope_is_the_density():
    """Moving one sample of n = 20,000 moves its rank by its density."""
    quantiles = torch.erfinv(torch.linspace(-1, 1, 20_002, dtype=torch.float64)[1:-1])
    x = np.sqrt(2) * quantiles
    values = x[None, :, None].requires_grad_()
    for at in (-1.5, 0.0, 0.8):
        i = int((x - at).abs().argmin())
        one = torch.zeros_like(values)
        one[0, i] = 1
        (gradient,) = torch.autograd.grad(straight_through_rank(values), values, one)
        density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
        assert float(gradient[0, i, 0]) == pytest.approx(density, rel=0.02)
        assert float(gradient.sum()) == pytest.approx(0, abs=1e-9)


def test_nothing_moves_a_constant_or_infinity():
    values = torch.randn(1, 40, 3)
    values[..., 1] = 2.5
    values[0, 0, 2], values[0, 1, 2] = torch.inf, -torch.inf
    values.requires_grad_()
    straight_through_rank(values).square().sum().backward()
    assert torch.isfinite(values.grad).all()
    assert values.grad[..., 0].any()
    assert not values.grad[..., 1].any()
    assert not values.grad[0, :2, 2].any()


@pytest.mark.parametrize("shape", [(0, 5, 2), (2, 0, 2), (2, 1, 2), (2, 5, 0)])
def test_awkward_shapes(shape):
    values = torch.zeros(shape, requires_grad=True)
    straight_through_rank(values).sum().backward()
    assert values.grad.shape == shape
    assert not values.grad.any()


def test_other_normalizations_are_refused():
    with pytest.raises(ValueError, match="got 'minmax'; allowed are 'midrank' and 'over_n'"):
        straight_through_rank(torch.zeros(1, 4, 2), "minmax")


def bilinear(table, u, v):
    """T at (u, v): a slow reading of cell centres, constant beyond the outer ones."""
    size = len(table)
    place = np.clip(np.stack([u, v]) * size - 0.5, 0, size - 1)
    near = np.maximum(0, 1 - np.abs(place[:, :, None] - np.arange(size)))
    return np.einsum("ni,nj,ij->n", near[0], near[1], table), near.mean(1)


def test_bound_equals_a_plain_sum():
    random = np.random.default_rng(0)
    table, ranks = 3 * random.standard_normal((2, 12, 12)), random.random((2, 300, 2))
    got = donsker_varadhan(torch.tensor(table), torch.tensor(ranks))
    for value, t, r in zip(got, table, ranks, strict=True):
        at_samples, (x, y) = bilinear(t, *r.T)
        expected = at_samples.mean() - np.log(x @ np.exp(t) @ y)
        assert float(value) == pytest.approx(expected, abs=1e-12)
    high = donsker_varadhan(torch.tensor(table + 800), torch.tensor(ranks))  # exp would overflow
    torch.testing.assert_close(high, got, rtol=0, atol=1e-9)


def test_bound_gradcheck():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(2, 6, 6, generator=generator, dtype=torch.float64).requires_grad_()
    ranks = torch.rand(2, 15, 2, generator=generator, dtype=torch.float64).requires_grad_()
    assert gradcheck(donsker_varadhan, (table, ranks))
