"""What one evaluation is, and the sections that it consists of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from infonet import Estimator

from infonet_export.evaluation.baselines import Baseline
from infonet_export.evaluation.cases import Case
from infonet_export.evaluation.measure import Measurements, Progress, measure
from infonet_export.evaluation.significance import Power


@dataclass(frozen=True)
class Section:
    """A title, Markdown, and what is drawn: ``measured`` or ``power``, under the key ``figure``."""

    title: str
    text: str
    figure: str = ""
    measured: Measurements | None = None
    power: list[Power] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """What is evaluated, and how thoroughly.

    count: distributions of each family, or None for what each suite thinks right. sizes: numbers of
    samples, or None likewise. mixtures: gmm_eval.npz, or None for fresh mixtures. quick: a tenth of
    the cases and no long samples. with_baselines: KSG and the others, which take most of the time.
    """

    estimator: Estimator
    seed: int = 1
    count: int | None = None
    sizes: tuple[int, ...] | None = None
    mixtures: Path | None = None
    quick: bool = False
    with_baselines: bool = True

    def number(self, full: int) -> int:
        """Cases where a full evaluation has ``full``."""
        if self.count is not None:
            return self.count
        return max(6, full // 10) if self.quick else full

    def at(self, *sizes: int) -> tuple[int, ...]:
        """Numbers of samples where a full evaluation has ``sizes``."""
        if self.sizes is not None:
            return self.sizes
        return tuple(n for n in sizes if n <= 5000 or not self.quick)

    def measure(
        self, title: str, drawn: Iterable[Case], baselines: dict[str, Baseline]
    ) -> Measurements:
        """Estimates of the model and of ``baselines`` on all cases of ``drawn``, with a bar."""
        with Progress(title) as bar:
            return measure(self.estimator, drawn, baselines if self.with_baselines else {}, bar)
