"""When an alert is raised, how often falsely, and what it reports.

Each evaluation makes one test for each pair. It divides the window into M parts, each of every M-th
row, and asks for the same finding in all of them. For independent rows the parts are independent,
so a finding that one part makes with probability a comes with a^M. That needs only levels a that
the null distribution of the model and the width of its intervals hold well (a >= 0.01), where the
tail of the estimate for the whole window is heavy and its quantiles beyond 0.001 are unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from infonet.errors import InputError
from infonet.result import Estimate
from infonet.units import unit_scale

Kind = Literal["appears", "vanishes", "drifts"]


@dataclass(frozen=True)
class Alert:
    """Dependence of one pair has changed.

    Attributes:
        kind: "appears", "vanishes" or "drifts" (it changed in strength).
        pair: names of the two variables.
        row: rows pushed up to and with the newest one of the window.
        time: the time pushed with that row, or None.
        estimate: of this window.
        reference: of the earlier window that is compared with; None where there was none.
    """

    kind: Kind
    pair: tuple[str, str]
    row: int
    time: Any
    estimate: Estimate
    reference: Estimate | None

    def describe(self, unit: str = "nats") -> str:
        """One line for people, in "nats" or "bits"."""
        before = "" if self.reference is None else f", was {_short(self.reference, unit)}"
        given = self.estimate.given
        condition = f" given {', '.join(given)}" if given else ""
        return (
            f"dependence of {self.pair[0]} and {self.pair[1]}{condition} {self.kind}: "
            f"{_short(self.estimate, unit)} {unit}{before}"
        )

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON if the time is."""
        return {
            "alert": self.kind,
            "pair": list(self.pair),
            "row": self.row,
            "time": self.time,
            "estimate": self.estimate.to_dict(unit),
            "reference": None if self.reference is None else self.reference.to_dict(unit),
        }


def _short(estimate: Estimate, unit: str) -> str:
    return f"{estimate.mi * unit_scale(unit):.4f}"


# Levels that parts are tested at: not below this one, and divided by this factor, because p-values
# of a table made by simulation may be off by a fifth.
_LOWEST, _P_MARGIN = 0.01, 1.25
# Estimates of some weak dependences scatter 1.2 times as much as their intervals say.
_WIDER = 1.25
_MOST = 0.1  # a level per test above which nothing is gained
_MIN_PART = 50  # samples
# A look at the whole window comes first, so that parts are rarely estimated.
_LOOK_P, _LOOK_Z = 0.1, 1.0
# Dependence is gone where the p-value is above the first after an alert or a change, and above the
# second, as in half of all windows of independent variables, later.
_GONE, _NO_SIGN = 0.05, 0.5


@dataclass(frozen=True)
class Limits:
    """Levels of the tests.

    Attributes:
        alpha: probability of a false alert of one pair at one evaluation, at most.
        parts: M.
        p: in each part dependence is found where its p-value is at most this.
        z: in each part a change is found where it is this many standard errors.
    """

    alpha: float
    parts: int
    p: float
    z: float


def limits(false_alarms: float, window: int, stride: int, pairs: int) -> Limits:
    """Levels for at most `false_alarms` false alerts in `window` rows, expected, of all pairs.

    Expectations add up, so the overlap of windows and the dependence of pairs do not matter.

    Raises:
        InputError: the window is too small for so small a number.
    """
    alpha = min(false_alarms * stride / window / pairs, _MOST)
    parts = 2
    # alpha may be 0, of a number too small for a float: more parts than the window has do not help
    while alpha ** (1 / parts) / _P_MARGIN < _LOWEST and window // parts >= _MIN_PART:
        parts += 1
    if window // parts < _MIN_PART:
        raise InputError(
            f"a window of {window} rows is too small: false_alarms={false_alarms:g} for {pairs} "
            f"pair(s) and a stride of {stride} need {parts * _MIN_PART} rows. Enlarge the window, "
            "or watch fewer pairs, or allow more false alarms"
        )
    p = alpha ** (1 / parts) / _P_MARGIN
    z = -normal_quantile((alpha / 2) ** (1 / parts))
    return Limits(alpha, parts, p, z)


def normal_quantile(p: float) -> float:
    """Quantile of the standard normal distribution."""
    from statistics import NormalDist  # deferred: it is a third of the import time of this package

    return NormalDist().inv_cdf(p)


@dataclass(frozen=True)
class Sample:
    """The estimate from a window or from a part of it, ties broken at random.

    Attributes:
        mi: nats.
        error: standard error, from the interval.
        p: p-value under independence.
    """

    mi: float
    error: float
    p: float

    def change(self, since: Sample) -> float:
        """Change in standard errors, those of the intervals widened."""
        error = _WIDER * float((self.error**2 + since.error**2) ** 0.5)
        return (self.mi - since.mi) / error if error else 0.0


@dataclass(frozen=True)
class Reference:
    """What later windows are compared with: rows up to `rows`."""

    rows: int
    estimate: Estimate
    whole: Sample
    parts: tuple[Sample, ...]


@dataclass(frozen=True)
class State:
    """What is held about one pair.

    Attributes:
        dependent: None before the first evaluation.
        settled: rows from which on no row of the window has been part of an alert.
        reference: None while there is none.
    """

    dependent: bool | None = None
    settled: int = 0
    reference: Reference | None = None


@dataclass(frozen=True)
class Look:
    """One pair in one window.

    Attributes:
        rows: rows of the stream so far.
        window: rows of the window.
        estimate: what users see.
        whole: the same with ties broken.
        parts: estimates the parts when called.
    """

    rows: int
    window: int
    estimate: Estimate
    whole: Sample
    parts: Callable[[], tuple[Sample, ...]]


def step(state: State, look: Look, limits: Limits) -> tuple[State, Kind | None]:
    """The state after an evaluation, and the kind of alert that it raises.

    After an alert a pair rests until the window holds none of the rows that raised it, since those
    were selected for being unusual. Dependence that is not seen in that new window has vanished
    (or was a false alarm). Otherwise that window is the reference for changes. A window without any
    sign of dependence ends a dependence too, so that a false alarm confirmed by chance does not
    last.
    """
    settled = look.rows + look.window
    if not state.dependent:
        found = look.whole.p <= _LOOK_P and all(s.p <= limits.p for s in look.parts())
        kind: Kind | None = "appears" if found and state.dependent is not None else None
        return State(found, settled if found else 0), kind
    if look.rows < state.settled:
        return state, None
    gone = look.whole.p > _GONE
    if look.whole.p > _NO_SIGN or (gone and state.reference is None):
        return State(False), "vanishes"
    if state.reference is None:
        reference = Reference(look.rows, look.estimate, look.whole, look.parts())
        return replace(state, settled=settled, reference=reference), None
    if not _changed(state.reference, look, limits):
        return state, None
    return (State(False), "vanishes") if gone else (State(True, settled), "drifts")


def _changed(reference: Reference, look: Look, limits: Limits) -> bool:
    change = look.whole.change(reference.whole)
    if abs(change) < _LOOK_Z:
        return False
    sign = 1 if change > 0 else -1
    pairs = zip(look.parts(), reference.parts, strict=True)
    return all(sign * now.change(then) >= limits.z for now, then in pairs)
