"""What a polynomial of a condition foretells of a column: least squares on normal scores.

Copulas take a condition out one variable, or one direction, at a time, and a direction that is
known up to 3 % leaves 3 % of an effect. Where the effect is ten times the noise, that is a third of
it. The same trace is left in x and in y, and tests find it. The error of least squares is a share
of the noise instead, however strong the effect is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from infonet.model.libraries import kernels
from infonet.vines.copula import Array, Ranks

_FOR_EACH = 20  # samples for each coefficient
_PRODUCTS = 8  # variables up to which their products count, too
_RIDGE = 1e-9  # against variables that are functions of each other
# Share of the variance that is left of a column, for each variable and sample, below which what is
# not known of the shape of an effect is as large as the noise. By simulation: linear effects of
# five variables and products of two, three and ten times the noise.
_TRACE = 8.0


class Polynomial:
    """Powers of normal scores of variables, and products of two.

    Args:
        parts: mid-ranks [n] of each variable. Where samples are few, there are fewer powers; with
            fewer than `_FOR_EACH` for each variable nothing is foretold.
    """

    def __init__(self, parts: Sequence[Ranks]) -> None:
        n = parts[0].size if parts else 0
        scores = [kernels().normal_scores(part) for part in parts]
        rows = list(scores)
        if 0 < len(scores) <= _PRODUCTS:
            rows += [a * b for a, b in combinations(scores, 2)]
        for power in (2, 3):
            rows += [score**power for score in scores]
        most = n // _FOR_EACH
        if most < len(rows):
            rows = rows[: len(scores)] if most >= len(scores) else []
        self._variables = len(scores)
        centred = np.stack(rows) if rows else np.zeros((0, n))
        self._rows: Array = centred - centred.mean(axis=1, keepdims=True)
        self._moments = kernels().products(self._rows)
        self._moments += _RIDGE * np.diag(np.diag(self._moments))

    def foretold(self, column: Ranks) -> Array | None:
        """The polynomial that is nearest to the normal scores of a column, [n]; None: no terms."""
        if not len(self._rows):
            return None
        scores = kernels().normal_scores(column)
        told = np.einsum("pn,n->p", self._rows, scores)
        coefficients = np.linalg.solve(self._moments, told)
        found: Array = np.einsum("p,pn->n", coefficients, self._rows)
        return found

    def without(self, column: Ranks) -> Array:
        """Normal scores of a column less what is foretold of them, [n]."""
        scores: Array = kernels().normal_scores(column)
        foretold = self.foretold(column)
        if foretold is not None:
            scores -= foretold
        return scores

    def leaves_a_trace(self, column: Ranks) -> bool:
        """Whether the variables tell so much of a column that little of the rest is its own."""
        scores = kernels().normal_scores(column)
        left = float(self.without(column).var() / scores.var())
        return bool(len(self._rows)) and left * column.size < _TRACE * self._variables
