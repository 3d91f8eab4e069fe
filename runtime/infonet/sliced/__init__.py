"""Sliced mutual information: the mean over random one-dimensional projections.

Goldfeld & Greenewald, "Sliced Mutual Information: A Scalable Measure of Statistical Dependence",
NeurIPS 2021, https://arxiv.org/abs/2110.05279.

`samples` reads variables in blocks, `variables` checks (by `passes` over them) and projects them,
`pairs` estimates pairs of projections, `projections` goes through all of them and their
permutations in chunks, `stopping` says how many are enough, and `estimate` puts it together.
"""

from infonet.sliced.estimate import sliced
from infonet.sliced.variables import Scale, SlicedOptions

__all__ = ["Scale", "SlicedOptions", "sliced"]
