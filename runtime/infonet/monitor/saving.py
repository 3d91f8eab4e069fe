"""The state of a monitor as plain values, and back.

The values carry a hash, `content_sha256`, so that none of them is changed unseen. It does not
depend on how they are written: 1 and 1.0 are the same number, lists and tuples the same list.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.api import default_estimator
from infonet.errors import InputError
from infonet.monitor.decisions import Reference, Sample, State
from infonet.result import Estimate, Terms

if TYPE_CHECKING:
    from infonet.estimator import Estimator
    from infonet.model.load import Model
    from infonet.monitor.monitor import Monitor

_FORMAT = 1
_HASH, _GIVEN = "content_sha256", "given"
_OPTIONS = ("window", "stride", "false_alarms", "nan", "seed")
_FIELDS = {
    *("format", "model", *_OPTIONS, "variables", "pairs", "rows", "skipped", "complete", "next"),
    *("columns", "states"),
}
_LARGEST = 2**53  # rows of a stream


def to_dict(monitor: Monitor) -> dict[str, Any]:
    """See `Monitor.to_dict`."""
    saved = {
        "format": _FORMAT,
        "model": monitor._engine.model.checkpoint_sha256,
        "window": monitor.window,
        "variables": list(monitor.variables),
        "pairs": [list(pair) for pair in monitor.pairs],
        "stride": monitor.stride,
        "false_alarms": monitor.false_alarms,
        "nan": monitor.nan,
        "seed": monitor.seed,
        "rows": monitor.rows,
        "skipped": monitor.skipped,
        "complete": monitor._window.rows,
        "next": monitor._next,
        "columns": monitor._window.columns().tolist(),
        "states": [asdict(state) for state in monitor._states],
        # left out where there is none, so that earlier versions read it
        **({_GIVEN: list(monitor._given)} if monitor._given else {}),
    }
    return {**saved, _HASH: _digest(saved)}


def from_dict(cls: type[Monitor], saved: dict[str, Any], estimator: Estimator | None) -> Monitor:
    """See `Monitor.from_dict`."""
    found = saved.get("format") if isinstance(saved, dict) else type(saved).__name__
    if type(found) is not int or found != _FORMAT:
        raise InputError(
            f"the saved monitor has format {_shown(found)}, this infonet reads {_FORMAT}: give "
            "what Monitor.to_dict returned"
        )
    try:
        _check_fields(saved)
        _check_model(saved, (estimator or default_estimator()).model)
        # monitors that were saved by earlier versions have no hash
        if _HASH in saved and saved[_HASH] != _digest(saved):
            raise ValueError("it does not have the hash that was written into it")
        return _restored(cls, saved, estimator)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the saved monitor is damaged ({reason}): save it again") from None


def _check_fields(saved: dict[str, Any]) -> None:
    may_lack = {_HASH, _GIVEN}
    odd = (saved.keys() | may_lack) ^ (_FIELDS | may_lack)
    if odd:
        raise ValueError(
            f"it lacks, or has beside its own, {', '.join(sorted(map(_shown, odd))[:3])}"
        )


def _check_model(saved: dict[str, Any], model: Model) -> None:
    if _text(saved["model"], "model") != model.checkpoint_sha256:
        raise InputError(
            f"the monitor was saved with another model than {model.path.name}: give an estimator "
            f"with the model of checkpoint {_shown(saved['model'])[1:13]}"
        )


def _restored(cls: type[Monitor], saved: dict[str, Any], estimator: Estimator | None) -> Monitor:
    variables = [_text(name, "a variable") for name in _list(saved["variables"], "variables")]
    pairs = [
        tuple(_count(place, "a variable of a pair", 0, len(variables) - 1) for place in pair)
        for pair in _lists(saved["pairs"], "pairs", 2)
    ]
    given = None
    if _GIVEN in saved:
        places = _list(saved[_GIVEN], _GIVEN)
        given = [_count(place, "a variable of given", 0, len(variables) - 1) for place in places]
    columns, states = _columns(saved["columns"]), _list(saved["states"], "states")
    counts = {name: _count(saved[name], name, 0) for name in ("rows", "skipped", "complete")}
    window, stride = (_count(saved[name], name, 1) for name in ("window", "stride"))
    rows = min(counts["complete"], window)
    if columns.shape != (len(variables), rows):
        raise ValueError(
            f"its window has shape {list(columns.shape)}, not {[len(variables), rows]}"
        )
    following = window
    if counts["complete"] >= window:
        following += stride * ((counts["complete"] - window) // stride + 1)
    if _count(saved["next"], "next", 1) != following:
        raise ValueError(f"its next evaluation is at row {saved['next']}, not {following}")
    if counts["skipped"] > counts["rows"]:
        raise ValueError(f"of {counts['rows']} rows it skipped {counts['skipped']}")
    if len(states) != len(pairs):
        raise ValueError(f"it has {len(states)} states for {len(pairs)} pairs")
    monitor = cls(
        window=window,
        variables=variables,
        pairs=[(first, second) for first, second in pairs],
        stride=stride,
        false_alarms=_number(saved["false_alarms"], "false_alarms"),
        nan=saved["nan"],
        seed=_count(saved["seed"], "seed", 0, None),
        estimator=estimator,
        given=given,
    )
    monitor.rows, monitor.skipped = counts["rows"], counts["skipped"]
    monitor._window.resume(columns, counts["complete"])
    monitor._next = following
    last = counts["complete"]
    monitor._states = [_state(state, last, window, monitor.limits.parts) for state in states]
    return monitor


def _state(saved: Any, last: int, window: int, parts: int) -> State:
    """Of one pair, after `last` complete rows."""
    _expect(
        isinstance(saved, dict) and saved.keys() == {"dependent", "settled", "reference"}, saved
    )
    dependent, found = saved["dependent"], saved["reference"]
    _expect(dependent is None or isinstance(dependent, bool), dependent)
    settled = _count(saved["settled"], "settled", 0, last + window)
    if found is None:
        return State(dependent, settled, None)
    keys = {"rows", "estimate", "whole", "parts"}
    _expect(bool(dependent) and isinstance(found, dict) and found.keys() == keys, found)
    samples = _list(found["parts"], "parts")
    _expect(len(samples) == parts, samples)
    reference = Reference(
        _count(found["rows"], "the rows of a reference", window, last),
        _estimate(found["estimate"]),
        _sample(found["whole"]),
        tuple(_sample(sample) for sample in samples),
    )
    return State(dependent, settled, reference)


def _estimate(saved: Any) -> Estimate:
    _expect(isinstance(saved, dict) and saved.get("table") is None, saved)
    interval, p = saved["interval"], saved["p_value"]
    if interval is not None:
        _expect(len(_list(interval, "interval")) == 2, interval)
        interval = tuple(_number(bound, "a bound") for bound in interval)
    if p is not None:
        _expect(0 <= _number(p, "a p-value") <= 1, p)
    _expect(len(_list(saved["names"], "names")) == 2, saved["names"])
    known = {
        "mi": _number(saved["mi"], "an estimate"),
        "interval": interval,
        "p_value": p,
        "n": _count(saved["n"], "n", 1),
        "names": tuple(_text(name, "a name") for name in saved["names"]),
        "notes": tuple(_text(note, "a note") for note in _list(saved["notes"], "notes")),
        "given": tuple(_text(name, "a name") for name in _list(saved.get("given", []), "given")),
        "terms": Terms(),
    }
    _expect(not saved.get("terms"), saved)
    return Estimate(**{**saved, **known})


def _sample(saved: Any) -> Sample:
    _expect(isinstance(saved, dict) and saved.keys() == {"mi", "error", "p"}, saved)
    sample = Sample(*(_number(saved[name], name) for name in ("mi", "error", "p")))
    _expect(sample.error >= 0 and 0 <= sample.p <= 1, saved)
    return sample


def _columns(saved: Any) -> NDArray[np.float64]:
    """The window, float64 [d, rows], finite."""
    columns = np.asarray(_list(saved, "columns"))
    if columns.dtype.kind not in "iuf" or columns.ndim != 2:
        raise ValueError("its window is not one list of numbers for each variable")
    if not np.isfinite(columns).all():
        raise ValueError("its window holds a number that is not finite")
    return columns.astype(np.float64)


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{what} is {_shown(value)}, not a list")
    return list(value)


def _lists(value: Any, what: str, length: int) -> list[list[Any]]:
    found = [_list(entry, f"one of {what}") for entry in _list(value, what)]
    for entry in found:
        _expect(len(entry) == length, entry)
    return found


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is {_shown(value)}, not a text")
    return value


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is {_shown(value)}, not a finite number")
    return float(value)


def _count(value: Any, what: str, low: int, high: int | None = _LARGEST) -> int:
    # 5.0 is what other programs that read and write JSON make of 5
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or number < low or (high is not None and number > high):
        raise ValueError(f"{what} is {_shown(value)}, not a whole number from {low}")
    return int(number)


def _expect(condition: bool, value: Any) -> None:
    if not condition:
        raise ValueError(f"it holds {_shown(value)} where that cannot be")


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "a huge number"
    return text if len(text) <= 60 else f"{text[:60]}..."


def _digest(saved: dict[str, Any]) -> str:
    """SHA-256, hexadecimal, of all fields but the hash."""
    rest = {name: value for name, value in saved.items() if name not in (_HASH, "columns")}
    digest = hashlib.sha256(json.dumps(_plain(rest), sort_keys=True).encode())
    digest.update((_columns(saved["columns"]) + 0.0).tobytes())  # -0.0 is 0.0
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST:
        return int(value)
    return value
