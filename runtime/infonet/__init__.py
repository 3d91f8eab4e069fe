"""InfoNet: mutual information of real data in one forward pass of a pre-trained network.

    >>> import infonet
    >>> infonet.mutual_information(x, y)       # nats
    >>> infonet.estimate(x, y)                 # with interval and p-value
    >>> infonet.estimate(xs, y, given=z)       # of several columns, given others
    >>> infonet.lagged(x, y)                   # of two series at lags
    >>> infonet.pairwise(table)                # all pairs of columns
    >>> infonet.sliced_mutual_information(x, y)  # variables of several dimensions

All values are in nats. The method is that of Hu et al., "InfoNet: Neural Estimation of Mutual
Information without Test-Time Optimization", ICML 2024, https://arxiv.org/abs/2402.10158.
"""

from typing import TYPE_CHECKING

from infonet.api import (
    conditional_independence,
    estimate,
    lagged,
    mutual_information,
    pairwise,
    sliced_mutual_information,
    total_correlation,
    transfer_entropy,
)
from infonet.errors import (
    DeviceError,
    InfoNetError,
    InfoNetWarning,
    InputError,
    MissingExtraError,
    ModelError,
    OutOfMemoryError,
)
from infonet.estimator import Estimator
from infonet.matrix import PairwiseResult
from infonet.model.load import Model, load_model
from infonet.monitor import Monitor
from infonet.result import Estimate, IndependenceTest, SlicedEstimate, Term, Terms
from infonet.series.profile import LagProfile

if TYPE_CHECKING:
    from infonet import causal as causal
    from infonet import plotting as plotting
    from infonet import sklearn as sklearn
else:
    # Public modules that most programs do without, two of which need an extra: imported when asked.
    _ON_DEMAND = ("causal", "plotting", "sklearn")

    def __getattr__(name: str) -> object:
        if name not in _ON_DEMAND:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return import_module(f"{__name__}.{name}")


__version__ = "0.1.0"  # the build reads it from here
__all__ = [
    "DeviceError",
    "Estimate",
    "Estimator",
    "IndependenceTest",
    "InfoNetError",
    "InfoNetWarning",
    "InputError",
    "LagProfile",
    "MissingExtraError",
    "Model",
    "ModelError",
    "Monitor",
    "OutOfMemoryError",
    "PairwiseResult",
    "SlicedEstimate",
    "Term",
    "Terms",
    "__version__",
    "conditional_independence",
    "estimate",
    "lagged",
    "load_model",
    "mutual_information",
    "pairwise",
    "sliced_mutual_information",
    "total_correlation",
    "transfer_entropy",
]
