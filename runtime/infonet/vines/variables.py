"""The columns of x, y and the condition, checked and ranked for a vine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import product

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
from infonet.vines.alike import NEARLY, is_function, is_relabelling, left_of, order_correlations
from infonet.vines.copula import Array, Ranks, rank

MOST_VARIABLES = 128
MOST_SAMPLES = 1_000_000
FEW_NOTE = "there are few samples for so many variables: the estimate may be far off"
SHARED_NOTE = "x and y share a column: the mutual information of continuous ones is infinite"
ORDER_NOTE = (
    "a column of x and one of y are nearly in the same order: what they tell of each other is more "
    "than ranks hold, so the estimate is only large"
)
VERY_NEARLY = 0.99999  # correlation of ranks from which their difference is more than ranks hold
_ROOM = 10  # samples for each pair of variables below which there are few


@dataclass
class Group:
    """The columns of x, of y or of the condition.

    Attributes:
        names: of the columns, for people.
        labels: of the columns, for messages.
        columns: values [n] each; once they are ranked, what is left of one beside another column of
            the group that is nearly in the same order.
        nominal: whether the values of each are codes of categories without an order.
        ranks: mid-ranks without ties, float32 [n] each, once they are ranked.
        tied: whether ties of each column were broken.
        whole: the values [n] of each as they came, once they are ranked.
    """

    names: list[str]
    labels: list[str]
    columns: list[Column]
    nominal: list[bool]
    ranks: list[Ranks] = field(default_factory=list)
    tied: list[bool] = field(default_factory=list)
    whole: list[Column] = field(default_factory=list)

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


@dataclass(frozen=True)
class LeftOut:
    """Names of columns that were left out, or of which a part was.

    Attributes:
        constant: because all values are equal.
        copies: because they say the same as another column of the group, see `alike`.
        reduced: nearly in the order of another column: what that leaves of them is looked at.
    """

    constant: list[str]
    copies: list[str]
    reduced: list[str]

    def notes(self, known: list[str]) -> list[str]:
        """Notes that say so, and name those that are given."""
        notes = []
        if self.constant:
            names = " and ".join(self.constant)
            notes.append(f"{names} constant: left out, as it tells nothing")
        if self.copies:
            notes.append(f"{' and '.join(self.copies)} left out: a copy of another column")
        if self.reduced:
            notes.append(
                f"{' and '.join(self.reduced)} nearly in the order of another column: looked at is "
                "what a smooth function of that leaves of the values, so a monotone transform may "
                "change the answer"
            )
        if known:
            notes.append(f"{' and '.join(known)} given: known already, so left out")
        return notes


def rank_groups(
    groups: Sequence[Group], seed: int, threads: int = 1, *, reduce: bool = True
) -> LeftOut:
    """Rank all columns, ties in a random order by `seed`. Constant columns are left out, and so is
    a copy of a column of the same group, because they add nothing.

    Args:
        groups: whose columns are ranked.
        seed: of the order of ties.
        threads: results do not depend on it.
        reduce: whether a column that is nearly in the order of another one is replaced by what that
            leaves of it, which together with it says the same.
    """
    left_out = LeftOut([], [], [])
    for group in groups:
        ranked = rank_columns(group.columns, threads=threads)
        group.ranks, group.tied, group.whole = [], ranked.tied.tolist(), list(group.columns)
        keys = []
        for place, row in enumerate(ranked.rows):
            keys.append(fingerprint(row))
            if ranked.constant[place]:
                left_out.constant.append(group.names[place])
            # In the order of `RankedVariable.untied`, but even a few ties are broken here. The
            # entropy of a column without any is infinite.
            ties = np.isfinite(ranked.entropy[place])
            group.ranks.append(in_random_order(row, (seed, keys[place], 0)) if ties else row)
        # The order of columns must not matter: they stand by their ranks.
        places = [place for place in range(len(keys)) if not ranked.constant[place]]
        places.sort(key=lambda place: keys[place])
        if len(places) > 1:
            places = _without_copies(group, places, left_out, reduce)
        group.keep(places)
    return left_out


def _without_copies(
    group: Group, places: Sequence[int], left_out: LeftOut, reduce: bool
) -> list[int]:
    """The places of columns of a ranked group that say something new, each after those before."""
    near = np.abs(order_correlations(group.ranks)) >= NEARLY
    kept: list[int] = []
    for place in places:
        if any(_same(group, other, group, place, bool(near[other, place])) for other in kept):
            left_out.copies.append(group.names[place])
            continue
        others = [other for other in kept if near[other, place] and not group.tied[other]]
        if reduce and others and not group.tied[place]:
            left_out.reduced.append(group.names[place])
            left = left_of(group.whole[others[0]], group.whole[place])
            group.columns[place] = left
            group.ranks[place] = rank([left])[0]
        kept.append(place)
    return kept


def _same(known: Group, one: int, group: Group, other: int, near: bool) -> bool:
    """Whether a column of a ranked group is a function of one that is known, by values; `near`:
    whether they are nearly in the same order, or that turned round."""
    tied = known.tied[one], group.tied[other]
    a, b = known.whole[one], group.whole[other]
    if all(tied) and is_relabelling(a, b):
        return True
    if known.nominal[one] or group.nominal[other]:
        return np.array_equal(a, b)
    if not near or tied == (True, False):  # what has ties holds less than what has none
        return False
    return is_function(a, b) or (not any(tied) and is_function(b, a))


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
    if len(groups) > 1:
        notes += _in_common(*groups[:2])
    return notes


def _in_common(x: Group, y: Group) -> list[str]:
    orders = _orders(x, y)
    for i, j in product(range(len(x.ranks)), range(len(y.ranks))):
        if _same(x, i, y, j, bool(orders[i, j] >= NEARLY)):
            return [SHARED_NOTE]
    return [ORDER_NOTE] * bool((orders > VERY_NEARLY).any())


def shared_levels(x: Group, y: Group) -> tuple[int, int] | None:
    """The places of a column with ties that ranked x and y share, by values; None if there is
    none."""
    for i, j in product(range(len(x.ranks)), range(len(y.ranks))):
        if x.tied[i] and y.tied[j] and is_relabelling(x.whole[i], y.whole[j]):
            return i, j
    return None


def _orders(x: Group, y: Group) -> Array:
    """How nearly columns of ranked x and y are in the same order, or that turned round: Spearman's
    correlations of them as they came, without signs."""
    correlations = order_correlations(rank([*x.whole, *y.whole]))
    return np.abs(correlations[: len(x.ranks), len(x.ranks) :])


def known_places(group: Group, given: Group | None) -> list[int]:
    """The places of columns of a ranked group that say no more than one of the condition does."""
    if given is None or not given.ranks or not group.ranks:
        return []
    orders = _orders(given, group)
    return [
        place
        for place in range(len(group.ranks))
        if any(
            _same(given, one, group, place, bool(orders[one, place] >= NEARLY))
            for one in range(len(given.ranks))
        )
    ]


def leave_out_known(x: Group, y: Group, given: Group | None) -> list[str]:
    """Leave out columns of x and y that are given; their names."""
    found = []
    for group in (x, y):
        known = known_places(group, given)
        found += [group.names[place] for place in known]
        group.keep([place for place in range(len(group.ranks)) if place not in known])
    return found
