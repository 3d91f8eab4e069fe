"""Time series: mutual information at lags, and transfer entropy.

`shifts` reads series and puts them side by side at different times, `blocks` tests independence of
series with memory, `lagged` and `transfer` are what users call, and `profile` is the answer at many
lags.
"""

from infonet.series.lagged import lagged
from infonet.series.profile import LagProfile
from infonet.series.transfer import transfer_entropy

__all__ = ["LagProfile", "lagged", "transfer_entropy"]
