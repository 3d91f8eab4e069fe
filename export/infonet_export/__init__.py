"""InfoNet with PyTorch: models, training, export to ONNX, and differentiable ranks and MI.

    >>> from infonet_export import MutualInformationLoss, soft_rank

The names are imported when they are asked for: the commands of this package start without PyTorch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infonet_export.differentiable import (
        MutualInformationLoss,
        joint_histogram,
        soft_rank,
        straight_through_rank,
    )

__all__ = ["MutualInformationLoss", "joint_histogram", "soft_rank", "straight_through_rank"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'infonet_export' has no attribute {name!r}")
    from infonet_export import differentiable

    return getattr(differentiable, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
