"""Ranks, histograms and mutual information with gradients."""

from infonet_export.differentiable.bound import donsker_varadhan
from infonet_export.differentiable.frozen import FrozenEstimator, FrozenModel, Reading
from infonet_export.differentiable.loss import MutualInformationLoss
from infonet_export.differentiable.onnx_model import open_model
from infonet_export.differentiable.operators import joint_histogram, soft_rank
from infonet_export.differentiable.straight_through import straight_through_rank

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
