"""The columns of x, y and the condition, checked and ranked for a vine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from infonet.errors import InputError
from infonet.inputs.checks import (
    Column,
    Missing,
    check_finite,
    check_length,
    finite_rows,
)
from infonet.inputs.variables import NamedColumn, NamedColumns
from infonet.pairs.ranking import fingerprint, in_random_order, rank_columns
from infonet.result import TIES_NOTE
from infonet.vines.copula import Ranks

MOST_VARIABLES = 128
MOST_SAMPLES = 1_000_000
FEW_NOTE = "there are few samples for so many variables: the estimate may be far off"
SHARED_NOTE = "x and y share a column: the mutual information of continuous ones is infinite"
_ROOM = 10  # samples for each pair of variables below which there are few


@dataclass
class Group:
    """The columns of x, of y or of the condition.

    Attributes:
        names: of the columns, for people.
        labels: of the columns, for messages.
        columns: values [n] each.
        nominal: whether the values of each are codes of categories without an order.
        ranks: mid-ranks without ties, float32 [n] each, once they are ranked.
        tied: whether ties of each column were broken.
    """

    names: list[str]
    labels: list[str]
    columns: list[Column]
    nominal: list[bool]
    ranks: list[Ranks] = field(default_factory=list)
    tied: list[bool] = field(default_factory=list)

    @staticmethod
    def of(variable: NamedColumns) -> Group:
        """The columns of a variable that was read."""
        columns = variable.columns
        return Group(
            variable.names,
            list(variable.labels),
            [column.values for column in columns],
            [column.nominal for column in columns],
        )

    @staticmethod
    def ranked(
        columns: Sequence[Column],
        seed: int,
        threads: int = 1,
        *,
        names: Sequence[str] = (),
        nominal: Sequence[bool] = (),
    ) -> Group:
        """Columns [n] of finite numbers, ranked; see `rank_groups`. They need no names, and without
        `nominal` none is of categories."""
        called = list(names) or [str(place) for place in range(len(columns))]
        group = Group(called, called, list(columns), list(nominal) or [False] * len(columns))
        rank_groups([group], seed, threads)
        return group

    def copy(self) -> Group:
        """The same columns in lists of their own."""
        return Group(**{f.name: list(getattr(self, f.name)) for f in fields(self)})

    def only(self, places: Sequence[int]) -> Group:
        """A group of these columns, in this order."""
        some = self.copy()
        some.keep(places)
        return some

    def keep(self, places: Sequence[int]) -> None:
        """Keep these columns, in this order."""
        for f in fields(self):
            values = getattr(self, f.name)
            setattr(self, f.name, [values[place] for place in places])

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Keep some of the samples; before ranking."""
        self.columns = [column[rows] for column in self.columns]

    @property
    def key(self) -> tuple[int, list[int]]:
        """Of the ranks alone, whatever the order in which the columns came."""
        return len(self.ranks), sorted(map(fingerprint, self.ranks))

    @property
    def alone(self) -> NamedColumn | None:
        """The column, if there is only one."""
        if len(self.columns) != 1:
            return None
        return NamedColumn(self.names[0], self.columns[0], (), self.nominal[0])


def check(groups: Sequence[Group], nan: Missing, n_min: int) -> int:
    """Check lengths, limits and missing values of all groups, and leave out rows if asked to.

    Returns:
        The number of samples.

    Raises:
        InputError: as `estimate` says.
    """
    every = [(label, c) for g in groups for label, c in zip(g.labels, g.columns, strict=True)]
    first, n = every[0][0], every[0][1].size
    for label, column in every:
        if column.size != n:
            raise InputError(
                f"{first} and {label} differ in length ({n} and {column.size}): pass one row of "
                "each variable per sample"
            )
    if len(every) > MOST_VARIABLES:
        raise InputError(
            f"{len(every)} variables in all, at most {MOST_VARIABLES} are allowed: leave some out, "
            "or use sliced mutual information"
        )
    label = first
    if nan == "omit":
        keep = finite_rows(*[column for _, column in every])
        if not keep.all():
            label = f"{first} with the others, rows with missing values left out,"
            n = int(keep.sum())
            for group in groups:
                group.take(keep)
    check_length(n, n_min, label)
    if n > MOST_SAMPLES:
        raise InputError(
            f"{first} has {n:,} samples, at most {MOST_SAMPLES:,} are allowed for several "
            "variables: pass a part of them"
        )
    for group in groups:
        for name, column in zip(group.labels, group.columns, strict=True):
            check_finite(column, name)
    return n


def rank_groups(
    groups: Sequence[Group], seed: int, threads: int = 1
) -> tuple[list[str], list[str]]:
    """Rank all columns, ties in a random order by `seed`. Constant columns are left out, and so is
    a copy of a column of the same group, because they add nothing.

    Returns:
        Names of the columns left out because they are constant, and because they are copies.
    """
    constant: list[str] = []
    copies: list[str] = []
    for group in groups:
        ranked = rank_columns(group.columns, threads=threads)
        group.ranks, group.tied = [], ranked.tied.tolist()
        kept: dict[int, int] = {}
        for place, row in enumerate(ranked.rows):
            key = fingerprint(row)
            if ranked.constant[place]:
                constant.append(group.names[place])
            elif key in kept:
                copies.append(group.names[place])
            else:
                kept[key] = place
            # In the order of `RankedVariable.untied`, but even a few ties are broken here. The
            # entropy of a column without any is infinite.
            ties = np.isfinite(ranked.entropy[place])
            group.ranks.append(in_random_order(row, (seed, key, 0)) if ties else row)
        # The order of columns must not matter: they stand by their ranks.
        group.keep([kept[key] for key in sorted(kept)])
    return constant, copies


def left_out_notes(constant: list[str], copies: list[str], known: list[str]) -> list[str]:
    """Notes that say which columns tell nothing, or nothing more, by their names."""
    notes = []
    if constant:
        notes.append(f"{' and '.join(constant)} constant: left out, as it tells nothing")
    if copies:
        notes.append(f"{' and '.join(copies)} left out: a copy of another column")
    if known:
        notes.append(f"{' and '.join(known)} given: known already, so left out")
    return notes


def least_samples(size: int) -> int:
    """Samples below which there are few for so many variables, those of a condition included."""
    return _ROOM * size * (size - 1) // 2


def remarks(groups: Sequence[Group], n: int) -> list[str]:
    """Notes on ranked columns of x, y and the condition: ties, few samples, a column in common."""
    notes = []
    if any(tied for group in groups for tied in group.tied):
        notes.append(TIES_NOTE)
    size = sum(len(group.ranks) for group in groups)
    if n < least_samples(size):
        notes.append(FEW_NOTE)
    x, y, *_ = *groups, groups[0]
    if len(groups) > 1 and set(map(_key, x.ranks)) & set(map(_key, y.ranks)):
        notes.append(SHARED_NOTE)
    return notes


def leave_out_known(x: Group, y: Group, given: Group | None) -> list[str]:
    """Leave out columns of x and y that are given; their names."""
    known = set(map(_key, given.ranks)) if given else set()
    found = []
    for group in (x, y):
        places = [i for i, row in enumerate(group.ranks) if _key(row) not in known]
        found += [name for i, name in enumerate(group.names) if i not in places]
        group.keep(places)
    return found


def _key(ranks: Ranks) -> bytes:
    return ranks.tobytes()
