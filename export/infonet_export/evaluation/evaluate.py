"""Run a model beside KSG and the oracle on the same samples, and print a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from infonet import Estimator
from numpy.typing import NDArray

from infonet_export.evaluation.baselines import ksg
from infonet_export.evaluation.cases import Case
from infonet_export.evaluation.metrics import coverage, order_accuracy, score

Array = NDArray[np.float64]
BATCH = 64


@dataclass(frozen=True)
class GroupResult:
    """One line of the table. What was not measured (KSG, oracle, order) is NaN."""

    group: str
    count: int
    mean_mi: float
    rmse: float
    bias: float
    coverage: float
    ksg_rmse: float
    oracle_rmse: float
    order: float
    order_ksg: float


def run(estimator: Estimator, cases: Iterable[Case], *, with_ksg: bool = True) -> list[GroupResult]:
    """Every case through the model (and KSG), grouped by ``Case.group`` in order of appearance.

    Cases of a group must have one length n. The last line, 'all', pools every case.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    parts = {name: _measure(estimator, members, with_ksg) for name, members in groups.items()}
    results = [_summarise(name, groups[name], parts[name]) for name in groups]
    if len(groups) > 1:
        everyone = [case for members in groups.values() for case in members]
        pooled = {
            key: np.concatenate([p[key] for p in parts.values()])
            for key in parts[next(iter(parts))]
        }
        orders = {
            key: float(np.mean([getattr(r, key) for r in results]))
            for key in ("order", "order_ksg")
        }
        results.append(_summarise("all", everyone, pooled, orders))
    return results


def _measure(estimator: Estimator, members: list[Case], with_ksg: bool) -> dict[str, Array]:
    batches = [
        np.stack([case.samples for case in members[start : start + BATCH]])
        for start in range(0, len(members), BATCH)
    ]
    if estimator.model.quantile_levels:
        parts = np.concatenate([estimator.quantiles(batch) for batch in batches])
        low, mi, high = parts.astype(np.float64).T
    else:  # the paper's network gives no interval
        mi = np.concatenate([estimator.mi(batch) for batch in batches])
        low = high = np.full(len(mi), np.nan)
    rival = np.array([ksg(c.samples) for c in members]) if with_ksg else np.full(len(mi), np.nan)
    return {"low": low, "mi": mi, "high": high, "ksg": rival}


def _summarise(
    name: str, members: list[Case], part: dict[str, Array], orders: dict[str, float] | None = None
) -> GroupResult:
    truth = np.array([case.mi for case in members])
    oracle = np.array([case.oracle for case in members])
    rivals = np.array([case.rival for case in members])
    ours = score(part["mi"], truth)
    if orders is None:
        ranked = bool((rivals >= 0).all())
        orders = {
            key: order_accuracy(part[column], truth, rivals) if ranked else float("nan")
            for key, column in (("order", "mi"), ("order_ksg", "ksg"))
        }
    return GroupResult(
        group=name,
        count=len(members),
        mean_mi=float(truth.mean()),
        rmse=ours.rmse,
        bias=ours.bias,
        coverage=coverage(part["low"], part["high"], truth),
        ksg_rmse=score(part["ksg"], truth).rmse,
        oracle_rmse=score(oracle, truth).rmse,
        **orders,
    )


def table(results: list[GroupResult]) -> str:
    """A Markdown table; RMSE and bias in nats."""
    head = (
        "cases, count, mean MI, RMSE, bias, 90 % coverage, KSG RMSE, oracle RMSE, order, KSG order"
    )
    rows = ["| " + " | ".join(head.split(", ")) + " |", "|---|" + "---:|" * 9]
    for r in results:
        cells = [
            r.group,
            str(r.count),
            f"{r.mean_mi:.3f}",
            f"{r.rmse:.4f}",
            f"{r.bias:+.4f}",
            _percent(r.coverage),
            _number(r.ksg_rmse),
            _number(r.oracle_rmse),
            _percent(r.order),
            _percent(r.order_ksg),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.1f} %"
