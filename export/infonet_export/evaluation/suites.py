"""The parts of an evaluation, by the names that the command knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from infonet_export.evaluation.accuracy_suites import (
    benchmark_mi,
    discrete,
    held_out,
    high,
    mixtures,
)
from infonet_export.evaluation.run import Run, Section
from infonet_export.evaluation.significance_suites import independence, power_suite

SUITES: dict[str, Callable[[Run], Iterator[Section]]] = {
    "mixtures": mixtures,
    "benchmark-mi": benchmark_mi,
    "held-out": held_out,
    "high": high,
    "discrete": discrete,
    "independence": independence,
    "power": power_suite,
}
