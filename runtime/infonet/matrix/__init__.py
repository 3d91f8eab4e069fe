"""Mutual information of all pairs of columns of a table."""

from infonet.matrix.result import PairwiseResult
from infonet.matrix.run import Options, check_executor, pairwise

__all__ = ["Options", "PairwiseResult", "check_executor", "pairwise"]
