"""Mutual information of all pairs of columns of a table."""

from infonet.matrix.options import Options, check_executor
from infonet.matrix.result import PairwiseResult
from infonet.matrix.run import pairwise

__all__ = ["Options", "PairwiseResult", "check_executor", "pairwise"]
