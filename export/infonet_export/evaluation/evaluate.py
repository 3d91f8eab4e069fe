"""Temporary: what a training that began before the rework imports when it ends. Delete after it."""

from __future__ import annotations

from collections.abc import Iterable

from infonet import Estimator

from infonet_export.evaluation import baselines
from infonet_export.evaluation.cases import Case
from infonet_export.evaluation.measure import Measurements, measure
from infonet_export.evaluation.tables import score_table, with_total


def run(estimator: Estimator, cases: Iterable[Case], *, with_ksg: bool = True) -> Measurements:
    return measure(estimator, cases, baselines.CONTINUOUS if with_ksg else {})


def table(measured: Measurements) -> str:
    return score_table("cases", with_total(measured.groups(), measured))
