"""Mutual information as a loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from infonet_export.differentiable.frozen import FrozenEstimator, open_model

MutualInformation = Callable[[Tensor], Tensor]


class MutualInformationLoss(nn.Module):
    """Minus the mutual information of two variables (nats), as a pre-trained model estimates it.

    Minimising the loss maximises the mutual information. No network is trained: the model is
    frozen, and one reading of the samples gives both the estimate and the gradient.

    The value is the model's estimate (for the default model, that of `infonet.estimate`). The
    gradient is not the derivative of that number, which is a step function of the samples. It is
    the gradient of the Donsker-Varadhan bound of the model's table, the table held fixed
    (`FrozenEstimator` says why); ranks are exact, and differentiated as if smoothed
    (`straight_through_rank`), except for the paper's model, whose soft ranks have a gradient of
    their own. For Gaussian data, n = 5000 and the default model it points within 5 degrees of the
    true gradient of MI(w'x, y) by w, and is 3 to 4 % too short (docs/how-to/maximise.md). Where the
    model sees no dependence the gradient is noise: start from several places.

    What is maximised is an estimate from these samples. With as many parameters as samples it can
    be driven up on noise: judge the result on samples that took no part.

    Args:
        model: path of an ONNX file of `infonet export`, or of a checkpoint (of `infonet train`, or
            a published one of the paper); None for the ONNX file in the package, which every
            installation has. Or any differentiable callable that takes samples [B, n, 2] to mutual
            information [B].
        reduction: "mean" over pairs, or "none".

    Raises:
        ValueError: a file that is no such model; another reduction.
        infonet.ModelError: an ONNX file that is missing or damaged.
    """

    def __init__(
        self,
        model: str | Path | MutualInformation | None = None,
        reduction: Literal["mean", "none"] = "mean",
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "none"):
            raise ValueError(f"reduction: got {reduction!r}; allowed are 'mean' and 'none'")
        self.estimator = model if callable(model) else FrozenEstimator(open_model(model))
        self.reduction = reduction

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Minus the mutual information of x and y, float32 or float64 [n] or [B, n], in nats.

        Either may require gradients. The default model reads 20 samples or more; a useful gradient
        takes hundreds.

        Returns a scalar; with reduction "none" and [B, n], one loss a pair, [B].

        Raises ValueError for other shapes or dtypes, too few samples, and values that are not
        finite. On a GPU (float32) nothing waits to look for those: their pair becomes NaN.
        """
        if x.shape != y.shape or x.ndim not in (1, 2):
            raise ValueError(
                f"x has shape {list(x.shape)} and y {list(y.shape)}; "
                "both must be [n], or both [B, n]"
            )
        samples = torch.stack([x, y], -1)
        if x.ndim == 1:
            return -self.estimator(samples[None])[0]
        mi = self.estimator(samples)
        return -mi.mean() if self.reduction == "mean" else -mi
