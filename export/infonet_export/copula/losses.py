"""The losses of the copula model, and the symmetries that leave MI unchanged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from infonet_export.copula.network import QUANTILE_LEVELS


def cross_sample_donsker_varadhan(table: Tensor, scoring: Tensor) -> Tensor:
    """Donsker-Varadhan value [B] (nats) of tables [B, T, T] on histograms of *other* samples.

    The sample that is scored was not read, so memorising noise does not pay: the expectation is the
    bound that the table gives for the population.
    """
    joint = scoring / scoring.sum((1, 2), keepdim=True)
    product = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
    top = table.detach().amax((1, 2), keepdim=True)
    mean_exp = (product * torch.exp(table - top)).sum((1, 2))
    return (joint * table).sum((1, 2)) - torch.log(mean_exp) - top[:, 0, 0]


def error_scale(mi: Tensor, n: Tensor) -> Tensor:
    """A typical error of the best possible estimator: sd(log density ratio) / sqrt(n) with the
    variance of the bivariate normal, 1 - exp(-2 MI), plus a floor for what a grid can resolve."""
    oracle = -torch.expm1(-2 * mi) / n + 1 / n**2
    return torch.sqrt(oracle + (0.01 + 0.005 * mi) ** 2)


def quantile_loss(quantiles: Tensor, mi: Tensor, n: Tensor) -> Tensor:
    """Pinball loss (Koenker & Bassett 1978) of quantiles [B, 3] in units of error_scale, averaged
    over the pairs whose truth is known."""
    known = torch.isfinite(mi)
    mi = torch.where(known, mi, 0.0)
    error = (mi[:, None] - quantiles) / error_scale(mi, n)[:, None]
    levels = torch.tensor(QUANTILE_LEVELS, device=mi.device)
    loss = torch.maximum(levels * error, (levels - 1) * error).sum(1)
    return (loss * known).sum() / known.sum().clamp(min=1)


def detection_loss(score: Tensor, mi: Tensor) -> Tensor:
    """Cross-entropy of scores [B] (log odds) for "dependent": every truth but 0, NaN too.

    The best such score is the likelihood ratio of dependence, over the mix of training, against
    independence: by Neyman and Pearson the most powerful test statistic for that mix.
    """
    return F.binary_cross_entropy_with_logits(score, (mi != 0).float())


def apply_symmetry(histogram: Tensor, index: int) -> Tensor:
    """A symmetry of the square, 0 to 7, on [B, G, G]: bit 0 flips x, 1 flips y, 2 swaps them."""
    flips = [axis for bit, axis in ((1, 1), (2, 2)) if index & bit]
    if flips:
        histogram = torch.flip(histogram, flips)
    return histogram.transpose(1, 2) if index & 4 else histogram
