"""Time series: mutual information at lags, and transfer entropy.

`shifts` reads series and puts them side by side at different times, `blocks` tests independence of
series with memory, `lagged` and `transfer` are what users call, and `profile` is the answer at many
lags.
"""
