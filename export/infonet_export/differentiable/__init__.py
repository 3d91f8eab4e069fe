"""Ranks, histograms and mutual information with gradients."""

from infonet_export.differentiable.frozen import (
    FrozenEstimator,
    FrozenModel,
    Reading,
    donsker_varadhan,
    open_model,
)
from infonet_export.differentiable.loss import MutualInformationLoss
from infonet_export.differentiable.straight_through import straight_through_rank
from infonet_export.torch_ops.operators import joint_histogram, soft_rank

__all__ = [
    "FrozenEstimator",
    "FrozenModel",
    "MutualInformationLoss",
    "Reading",
    "donsker_varadhan",
    "joint_histogram",
    "open_model",
    "soft_rank",
    "straight_through_rank",
]
