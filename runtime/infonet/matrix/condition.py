"""Take a condition out of the columns of a table, so that its pairs are conditional ones.

Each column x becomes F(x | Z), which is uniform and independent of Z and has no ties. What two of
these tell of each other is their conditional mutual information under the assumption that the
copula of a pair is one and the same for all values of Z; see `infonet.vines`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import Column, Missing, check_finite, check_length, finite_rows
from infonet.pairs.engine import PairEngine
from infonet.pairs.ranking import fingerprint, in_random_order
from infonet.vines.conditioning import Condition
from infonet.vines.copula import PairCopulas, Ranks, rank
from infonet.vines.discrete import levels_of
from infonet.vines.estimate import check_model
from infonet.vines.variables import MOST_SAMPLES, MOST_VARIABLES, Variable, rank_variables


@dataclass(frozen=True)
class TableCondition:
    """A condition prepared for the columns of one table. May be used by many threads at once.

    Attributes:
        names: of its columns.
        columns: float or other real numbers [n] each, with gaps.
        present: mask [n] of the rows without gaps in the condition.
        digest: fingerprint of its ranks and gaps, hexadecimal.
        engine: with the model and the seed.
        whole: the condition at all rows of `present`.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    present: NDArray[np.bool_]
    digest: str
    engine: PairEngine
    whole: _Prepared

    @staticmethod
    def of(
        engine: PairEngine,
        given: Sequence[tuple[str, Callable[[], Column]]],
        n: int,
        nan: Missing,
        threads: int,
    ) -> TableCondition:
        """Read and rank the condition.

        Args:
            engine: with the model and the seed.
            given: name of each column, and what reads it.
            n: rows of the table.
            nan: "omit" leaves out rows with gaps.
            threads: for ranking.

        Raises:
            InputError: gaps that are refused, too few rows, too many rows or columns, or a model
                that cannot answer for conditions.
        """
        check_model(engine.model)
        if len(given) > MOST_VARIABLES - 2:
            raise InputError(
                f"given names {len(given)} columns, at most {MOST_VARIABLES - 2} are allowed: name "
                "fewer"
            )
        if n > MOST_SAMPLES:
            raise InputError(
                f"the table has {n:,} rows, at most {MOST_SAMPLES:,} are allowed with given: pass "
                "a part of them"
            )
        columns = []
        for name, load in given:
            values = load()
            if values.size != n:
                raise InputError(
                    f"column {name!r} has {values.size} rows and the table {n}: pass columns of "
                    "one length"
                )
            if nan == "raise":
                check_finite(values, f"column {name!r}")
            columns.append(values)
        present = finite_rows(*columns)
        label = f"given {', '.join(name for name, _ in given)}"
        check_length(int(present.sum()), engine.model.n_min, label)
        known = _ranked([column[present] for column in columns], engine.seed, threads)
        found = hashlib.sha256(present.tobytes())
        for row in known.ranks:
            found.update(row.tobytes())
        names = tuple(name for name, _ in given)
        digest = found.hexdigest()[:32]
        return TableCondition(
            names, tuple(columns), present, digest, engine, _Prepared(engine, known)
        )

    def out_of(self, values: Column, name: str) -> Column:
        """F(values | condition) as mid-ranks, float32 [n]; NaN where either is missing.

        Constants stay constant, and a column that repeats one of the condition becomes one: it is
        known already. Too few rows become none.
        """
        keep = self.present & finite_rows(values)
        rest = np.full(values.size, np.nan, np.float32)
        if keep.sum() < self.engine.model.n_min:
            return rest
        ranks = _ranked([values[keep]], self.engine.seed).ranks
        condition = self.whole
        if not np.array_equal(keep, self.present):  # rows of its own: conditioned anew
            columns = [column[keep] for column in self.columns]
            condition = _Prepared(self.engine, _ranked(columns, self.engine.seed))
        rest[keep] = condition.out_of(ranks[0]) if ranks else 0.5
        return rest


class _Prepared:
    """A condition at rows without gaps: its levels where they are few, else its continuous copulas.

    Args:
        engine: with the model and the seed.
        given: the ranked columns; those that do not vary were left out.
    """

    def __init__(self, engine: PairEngine, given: Variable) -> None:
        self._seed, self._given = engine.seed, given
        n = given.ranks[0].size if given.ranks else 0
        self._levels = levels_of(given, n)
        self._condition = None
        if given.ranks and self._levels is None:
            self._condition = Condition(PairCopulas(engine), given.ranks)

    def out_of(self, ranks: Ranks) -> Ranks:
        """F(column | condition), or a constant if the column is one of the condition."""
        if any(np.array_equal(ranks, row) for row in self._given.ranks):
            return np.full_like(ranks, 0.5)
        if self._levels is not None:
            # Ranks within each level; those of levels of one size are equal, in a random order.
            within = np.empty_like(ranks)
            for samples in self._levels:
                within[samples] = rank([ranks[samples]])[0]
            within = rank([within])[0]
            return in_random_order(within, (self._seed, fingerprint(ranks), 0))
        return ranks if self._condition is None else self._condition.out_of(ranks)


def _ranked(columns: Sequence[Column], seed: int, threads: int = 1) -> Variable:
    """As `estimate(x, y, given=...)` ranks its columns: ties in random order by the seed."""
    names = [str(i) for i in range(len(columns))]
    variable = Variable("given", names, list(names), list(columns))
    rank_variables([variable], seed, threads)
    return variable
