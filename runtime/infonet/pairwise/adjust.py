"""p-values of many pairs: adjusted for their number, or the reason why there are none.

Methods of adjustment are named as in statsmodels.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.null import NullDistribution

Method = Literal["bonferroni", "holm", "fdr_bh", "fdr_by"]
METHODS: tuple[Method, ...] = get_args(Method)


def check_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method not in METHODS:
        raise InputError(f"the method is {method!r}, allowed are {', '.join(map(repr, METHODS))}")


def adjust(p_values: NDArray[Any], method: str) -> NDArray[np.float64]:
    """Adjusted p-values; NaN stays NaN and does not count as a test.

    Args:
        p_values: of any shape.
        method: "bonferroni" and "holm" (Holm 1979) bound the probability of any false discovery,
            "fdr_bh" (Benjamini & Hochberg 1995) the expected share of false ones for independent
            or positively dependent tests, "fdr_by" (Benjamini & Yekutieli 2001) for any tests.

    Raises:
        InputError: another method.
    """
    check_method(method)
    adjusted = np.array(p_values, np.float64)
    tested = ~np.isnan(adjusted)
    p = adjusted[tested]
    m = p.size
    if not m:
        return adjusted
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, m + 1)
    ordered = p[order]
    if method == "bonferroni":
        ordered *= m
    elif method == "holm":
        ordered = np.maximum.accumulate(ordered * (m + 1 - rank))
    else:
        weight = np.sum(1 / rank) if method == "fdr_by" else 1.0
        ordered = np.minimum.accumulate((ordered * (m * weight) / rank)[::-1])[::-1]
    p[order] = np.minimum(ordered, 1.0)
    adjusted[tested] = p
    return adjusted


def why_none(null: NullDistribution | None, without: int, pairs: int) -> tuple[str, ...]:
    """One sentence on pairs that could be tested but have no p-value; empty if all have one.

    Args:
        null: distribution of the statistic under independence, if the model has it.
        without: how many these are.
        pairs: number of all pairs.
    """
    if not without:
        return ()
    those = "no p-values" if without == pairs else f"no p-value of {without:,} pair(s)"
    why = "the model has no null distribution"
    if null is not None:
        low, high = int(null.n[0]), int(null.n[-1])
        why = f"the null distribution is known for {low:,} to {high:,} rows"
    return (f"{those}: {why}; Estimator.estimate(x, y, permutations=999) tests one pair",)
