"""Mutual information of all pairs of columns of a table."""

from infonet.pairwise.options import Options
from infonet.pairwise.result import PairwiseResult
from infonet.pairwise.run import pairwise

__all__ = ["Options", "PairwiseResult", "pairwise"]
