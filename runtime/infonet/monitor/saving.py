"""The state of a monitor as plain values, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from infonet.errors import InputError
from infonet.monitor.decisions import Reference, Sample, State
from infonet.result import Estimate

if TYPE_CHECKING:
    from infonet.estimator import Estimator
    from infonet.monitor.monitor import Monitor

_FORMAT = 1


def to_dict(monitor: Monitor) -> dict[str, Any]:
    """See `Monitor.to_dict`."""
    return {
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
    }


def from_dict(cls: type[Monitor], saved: dict[str, Any], estimator: Estimator | None) -> Monitor:
    """See `Monitor.from_dict`."""
    if not isinstance(saved, dict) or saved.get("format") != _FORMAT:
        found = saved.get("format") if isinstance(saved, dict) else type(saved).__name__
        raise InputError(
            f"the saved monitor has format {found!r}, this infonet reads {_FORMAT}: give what "
            "Monitor.to_dict returned"
        )
    try:
        options = ("window", "stride", "false_alarms", "nan", "seed")
        monitor = cls(
            variables=saved["variables"],
            pairs=[(first, second) for first, second in saved["pairs"]],
            estimator=estimator,
            **{name: saved[name] for name in options},
        )
        model = monitor._engine.model
        if saved["model"] != model.checkpoint_sha256:
            raise InputError(
                f"the monitor was saved with another model than {model.path.name}: give an "
                f"estimator with the model of checkpoint {saved['model'][:12]}"
            )
        monitor.rows, monitor.skipped = saved["rows"], saved["skipped"]
        columns = np.array(saved["columns"], np.float64)
        if columns.shape != (len(monitor.variables), min(saved["complete"], monitor.window)):
            raise InputError("the saved monitor is damaged: its window has another shape")
        monitor._window.resume(columns, saved["complete"])
        monitor._next = saved["next"]
        monitor._states = [_state_from_dict(state) for state in saved["states"]]
    except (KeyError, TypeError) as error:
        raise InputError(f"the saved monitor is damaged ({error!r}): save it again") from None
    return monitor


def _state_from_dict(saved: dict[str, Any]) -> State:
    reference = saved["reference"]
    if reference is not None:
        fields = reference["estimate"]
        lists = {name: tuple(fields[name]) for name in ("interval", "names", "notes")}
        reference = Reference(
            reference["rows"],
            Estimate(**{**fields, **lists}),
            Sample(**reference["whole"]),
            tuple(Sample(**part) for part in reference["parts"]),
        )
    return State(saved["dependent"], saved["settled"], reference)
