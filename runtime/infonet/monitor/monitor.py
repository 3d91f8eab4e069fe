"""A monitor of the dependence of variables in a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.api import default_estimator
from infonet.errors import InputError, names_lack_of_memory
from infonet.estimator import Estimator
from infonet.inputs.checks import Missing, as_whole_number, check_missing_policy
from infonet.model.load import Model
from infonet.monitor import saving
from infonet.monitor.decisions import Alert, Look, State, limits, step
from infonet.monitor.given import as_given, check_room, check_watched
from infonet.monitor.window import Window, WindowEstimates, as_row, as_rows
from infonet.result import Estimate


def as_names(variables: Sequence[str] | int) -> tuple[str, ...]:
    """Names of variables given by name, or by how many there are."""
    if not isinstance(variables, (list, tuple)):
        count = as_whole_number(variables, "variables", 2)
        return tuple(str(i) for i in range(count))
    names = tuple(map(str, variables))
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"variables are {list(names)}, allowed are two or more different names")
    return names


def as_pairs(
    pairs: Sequence[tuple[str | int, str | int]] | None,
    names: tuple[str, ...],
    given: Sequence[int] = (),
) -> tuple[tuple[int, int], ...]:
    """Positions of the variables of each pair, for None all pairs of those not given."""
    if pairs is None:
        return tuple(combinations((i for i in range(len(names)) if i not in given), 2))
    found = tuple((_position(first, names), _position(second, names)) for first, second in pairs)
    if not found or any(i == j for i, j in found):
        raise InputError(f"pairs are {pairs!r}, allowed are one or more of two variables each")
    check_watched(found, given, names)
    return found


def _position(name: str | int, names: tuple[str, ...]) -> int:
    if isinstance(name, str) and name in names:
        return names.index(name)
    if isinstance(name, (int, np.integer)) and 0 <= name < len(names):
        return int(name)
    raise InputError(f"there is no variable {name!r}: choose from {', '.join(names)}")


def check_model(model: Model, window: int, parts: int) -> None:
    """Refuse a model that cannot say when to raise an alert, or not for this window."""
    null = model.null
    if null is None or not model.quantile_levels:
        raise InputError(
            f"{model.path.name} gives no intervals or has no null distribution, which alerts need: "
            "take the model in the package"
        )
    if not (null.covers(window) and null.covers(window // parts)):
        raise InputError(
            f"the window is {window}, allowed are {int(null.n[0]) * parts} to {int(null.n[-1])}, "
            "for which the null distribution of the model is known"
        )


@dataclass(frozen=True)
class Evaluation:
    """All pairs in one window.

    Attributes:
        row: rows pushed up to and with the newest one of the window.
        time: the time pushed with that row, or None.
        estimates: one for each pair, in the order of `Monitor.pairs`.
        dependent: whether each pair counts as dependent.
        alerts: what has changed; mostly nothing.
    """

    row: int
    time: Any
    estimates: tuple[Estimate, ...]
    dependent: tuple[bool, ...]
    alerts: tuple[Alert, ...]


class Monitor:
    """Watches a stream: mutual information over a sliding window, and alerts when it changes.

    False alarms: while nothing changes, at most `false_alarms` alerts are expected in `window`
    rows, of all pairs together; each may be taken back once by a "vanishes". This needs rows that
    are independent draws. It holds for "appears" whatever the distributions are, because ranks of
    independent variables are random permutations; "drifts" and "vanishes" rely on the model's
    intervals, widened by a quarter. Of a stream with memory (autocorrelation), push every k-th
    row, or residuals.

    `given` names variables that others may follow: the load, the hour of the day. They are taken
    out of all others, in each window anew, so that a common cause that drifts slowly beside the
    window raises no alert, and its memory does no harm: rows need be independent draws only given
    the condition. The bound on false alarms then holds as far as the condition is taken out, which
    is not all the way for five strong causes at once, or where others begin to follow one at once;
    the documentation of streams has figures. Each pair has one copula for all values of the
    condition, as in `Estimator.pairwise(given=)`: dependence that changes with it is averaged.

    An evaluation every `stride` rows costs one pass of the network for each pair, two for pairs
    with many ties, and now and then some more to confirm; with `given` several for each variable.
    Memory does not grow. One thread may push at a time; monitors may share an estimator. Monitors
    can be pickled, and `to_dict` is for JSON.

    Args:
        window: rows of the window, at least 100.
        variables: their names, or how many there are.
        pairs: pairs to watch, by names or positions; None for all of variables not given.
        stride: rows from one evaluation to the next; None for a tenth of the window.
        false_alarms: expected false alerts in `window` rows, at most.
        nan: "raise" refuses values that are not finite; "omit" leaves out their rows.
        seed: of the order in which tied values are put for the tests.
        estimator: with the model and the threads; None for the model in the package.
        given: names or positions of the variables to condition on, at most 126. Rows hold them as
            all others, and they are in no pair.

    Raises:
        InputError: values out of range, a window too small for so few false alarms or so many
            conditions, or a model without intervals or null distribution.

    Example:
        >>> monitor = infonet.Monitor(1000, ("flow", "pressure", "load"), given=["load"])
        >>> monitor.extend(rows)[-1].estimates[0].given
        ('load',)
    """

    def __init__(
        self,
        window: int,
        variables: Sequence[str] | int = ("x", "y"),
        pairs: Sequence[tuple[str | int, str | int]] | None = None,
        stride: int | None = None,
        false_alarms: float = 0.01,
        nan: Missing = "raise",
        seed: int = 0,
        estimator: Estimator | None = None,
        given: Sequence[str | int] | None = None,
    ) -> None:
        self.window = as_whole_number(window, "window", 1)
        self.variables = as_names(variables)
        self._given = as_given(given, self.variables)
        self.given = tuple(self.variables[place] for place in self._given)
        self.pairs = as_pairs(pairs, self.variables, self._given)
        self.stride = (
            max(self.window // 10, 1) if stride is None else as_whole_number(stride, "stride", 1)
        )
        if self.stride > self.window:
            raise InputError(f"stride is {stride}, allowed are 1 to the window, {self.window}")
        if not 0 < false_alarms <= 1:
            raise InputError(f"false_alarms is {false_alarms!r}, allowed are numbers in (0, 1]")
        check_missing_policy(nan)
        self.false_alarms, self.nan, self.seed = (
            float(false_alarms),
            nan,
            as_whole_number(seed, "seed", 0),
        )
        self.limits = limits(self.false_alarms, self.window, self.stride, len(self.pairs))
        self.rows = 0  # pushed
        self.skipped = 0  # of these, left out
        self._given_estimator = estimator
        self._engine = (estimator or default_estimator()).engine.with_seed(self.seed)
        check_model(self._engine.model, self.window, self.limits.parts)
        check_room(self._engine.model, self.window, len(self._given))
        self._window = Window(self.window, len(self.variables))
        self._next = self.window  # complete rows at the next evaluation
        self._states = [State()] * len(self.pairs)
        self._indices = np.array(self.pairs, np.int64)

    def __repr__(self) -> str:
        return f"Monitor({self.window}, {self.variables!r}, rows={self.rows})"

    @names_lack_of_memory
    def push(self, row: Any, time: Any = None) -> Evaluation | None:
        """Take one row; return the evaluation if it is due.

        Args:
            row: [d] numbers in the order of `variables`, or a mapping from names to numbers.
            time: of the row, any object; alerts carry it.

        Raises:
            InputError: not d real numbers, or not finite with nan="raise". The row is not taken.
        """
        values = as_row(row, self.variables)
        finite = bool(np.isfinite(values).all())
        if not finite and self.nan == "raise":
            raise self._not_finite(values, self.rows)
        self.rows += 1
        if not finite:
            self.skipped += 1
            return None
        self._window.push(values)
        return self._evaluate(self.rows, time) if self._window.rows == self._next else None

    @names_lack_of_memory
    def extend(self, rows: Any, times: Sequence[Any] | None = None) -> list[Evaluation]:
        """Take many rows; return the evaluations that were due, the same as row by row.

        Args:
            rows: [m, d] numbers, a list of rows, or a data frame or mapping with the variables.
            times: m times, or None.

        Raises:
            InputError: as for `push`. No row is taken.
        """
        values = as_rows(rows, self.variables)
        if times is not None and len(times) != len(values):
            raise InputError(f"{len(times)} times for {len(values)} rows: give one for each row")
        finite = np.isfinite(values).all(axis=1)
        if not finite.all() and self.nan == "raise":
            first = int(np.argmin(finite))
            raise self._not_finite(values[first], self.rows + first)
        complete = np.flatnonzero(finite)
        evaluations, before, at = [], self.rows, 0
        while at < complete.size:
            part = complete[at : at + min(self._next - self._window.rows, self.window)]
            at += part.size
            self._window.extend(values[part])
            if self._window.rows == self._next:
                last = int(part[-1])
                time = None if times is None else times[last]
                evaluations.append(self._evaluate(before + last + 1, time))
        self.rows += len(values)
        self.skipped += len(values) - complete.size
        return evaluations

    def _evaluate(self, row: int, time: Any) -> Evaluation:
        self._next += self.stride
        complete = self._window.rows
        columns = self._window.columns()
        names, given = self.variables, self._given
        found = WindowEstimates(self._engine, columns, self._indices, names, given)
        alerts = []
        for i, estimate in enumerate(found.estimates):
            parts = partial(found.parts, i, self.limits.parts)
            look = Look(complete, self.window, estimate, found.whole(i), parts)
            reference = self._states[i].reference
            self._states[i], kind = step(self._states[i], look, self.limits)
            if kind is not None:
                before = None if reference is None else reference.estimate
                alerts.append(Alert(kind, estimate.names, row, time, estimate, before))
        dependent = tuple(bool(state.dependent) for state in self._states)
        return Evaluation(row, time, tuple(found.estimates), dependent, tuple(alerts))

    def to_dict(self) -> dict[str, Any]:
        """All of the state as plain values, ready for JSON; without the model itself.

        They carry a hash: `from_dict` refuses values that were changed.
        """
        return saving.to_dict(self)

    @classmethod
    @names_lack_of_memory
    def from_dict(cls, saved: dict[str, Any], estimator: Estimator | None = None) -> Monitor:
        """The monitor that `to_dict` wrote, which goes on as if it had not been interrupted.

        Raises:
            InputError: not written by `to_dict`, damaged, or with another model than `estimator`
                has.
        """
        return saving.from_dict(cls, saved, estimator)

    def __reduce__(self) -> tuple[Any, ...]:
        return Monitor.from_dict, (self.to_dict(), self._given_estimator)

    def _not_finite(self, values: NDArray[np.float64], row: int) -> InputError:
        bad = int(np.argmin(np.isfinite(values)))
        return InputError(
            f"{self.variables[bad]} is {values[bad]} in row {row + 1}, only finite numbers are "
            'allowed: leave the row out, or pass nan="omit" (--nan omit on the command line)'
        )
