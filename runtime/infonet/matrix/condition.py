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
from infonet.model.load import Model
from infonet.pairs.engine import PairEngine
from infonet.vines.condition import Condition, prepare
from infonet.vines.estimate import check_model
from infonet.vines.variables import MOST_SAMPLES, MOST_VARIABLES, Group, known_places


def check_condition(model: Model, count: int) -> None:
    """Refuse a condition of too many columns, or a model that cannot answer for conditions.

    Raises:
        InputError: either of these.
    """
    check_model(model)
    if count > MOST_VARIABLES - 2:
        raise InputError(
            f"given names {count} columns, at most {MOST_VARIABLES - 2} are allowed: name fewer"
        )


@dataclass(frozen=True)
class TableCondition:
    """A condition prepared for the columns of one table. May be used by many threads at once.

    Attributes:
        names: of its columns.
        columns: float or other real numbers [n] each, with gaps.
        nominal: whether each holds codes of categories without an order.
        present: mask [n] of the rows without gaps in the condition.
        digest: fingerprint of its ranks and gaps, hexadecimal.
        engine: with the model and the seed.
        group: its columns at all rows of `present`, ranked.
        whole: the condition of these.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    nominal: tuple[bool, ...]
    present: NDArray[np.bool_]
    digest: str
    engine: PairEngine
    group: Group
    whole: Condition

    @staticmethod
    def of(
        engine: PairEngine,
        given: Sequence[tuple[str, Callable[[], Column], bool]],
        n: int,
        nan: Missing,
        threads: int,
    ) -> TableCondition:
        """Read and rank the condition.

        Args:
            engine: with the model and the seed.
            given: name of each column, what reads it, and whether it holds codes of categories.
            n: rows of the table.
            nan: "omit" leaves out rows with gaps.
            threads: for ranking.

        Raises:
            InputError: gaps that are refused, too few rows, too many rows or columns, or a model
                that cannot answer for conditions.
        """
        check_condition(engine.model, len(given))
        if n > MOST_SAMPLES:
            raise InputError(
                f"the table has {n:,} rows, at most {MOST_SAMPLES:,} are allowed with given: pass "
                "a part of them"
            )
        columns = []
        for name, load, _ in given:
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
        names, nominal = [name for name, *_ in given], [flag for *_, flag in given]
        label = f"given {', '.join(names)}"
        check_length(int(present.sum()), engine.model.n_min, label)
        group = Group.ranked(
            *([column[present] for column in columns], engine.seed, threads),
            names=names,
            nominal=nominal,
        )
        found = hashlib.sha256(present.tobytes())
        for row in group.ranks:
            found.update(row.tobytes())
        digest = found.hexdigest()[:32]
        return TableCondition(
            *(tuple(names), tuple(columns), tuple(nominal), present, digest, engine, group),
            prepare(engine, group),
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
        some = values[keep]
        column = Group.ranked([some], self.engine.seed)
        ranks = column.ranks
        group, condition = self.group, self.whole
        if not np.array_equal(keep, self.present):  # rows of its own: conditioned anew
            group = Group.ranked(
                *([column[keep] for column in self.columns], self.engine.seed),
                names=self.names,
                nominal=self.nominal,
            )
            condition = prepare(self.engine, group)
        known = bool(known_places(column, group))
        rest[keep] = condition.out_of(ranks[0], some) if ranks and not known else 0.5
        return rest
