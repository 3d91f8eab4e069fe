"""How far the estimates of a GPU are from those of the CPU, on the evaluation's data sets.

    python tests/gpu/report/agreement.py [--device cuda] [--count 500] [--seed 1]

The data sets are those of ``infonet evaluate``: mixtures, tasks of benchmark-mi, families held out
of training, strong and discrete dependence, at n = 500 and 5,000. In float32 the model of the
package is compared, in float16 the file that the bundle brings; both with the CPU in float32. The
exit code is 1 if a difference is beyond its tolerance or a number is not finite.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import infonet
import numpy as np
import stage
from infonet_export.evaluation import cases
from infonet_export.evaluation.cases import Case

SIZES = (500, 5000)
TOLERANCES = {"fp32": 1e-4, "fp16": 5e-3}  # nats
SUITES = {
    "mixtures": cases.fresh_mixture_cases,
    "benchmark-mi": cases.benchmark_mi_cases,
    "held-out": cases.held_out_cases,
    "high": cases.high_information_cases,
    "discrete": cases.discrete_cases,
}
COUNTS = {"mixtures": 13, "benchmark-mi": 6, "held-out": 4, "high": 2, "discrete": 4}
BATCH = 64


@dataclass(frozen=True)
class Difference:
    """Largest and mean |difference| of MI (nats) over data sets; worst: where the largest is."""

    count: int
    largest: float
    mean: float
    worst: str


def data_sets(count: int, seed: int) -> list[Case]:
    """``count`` data sets, at one n after the other, in turns of all suites."""
    found: list[Case] = []
    for place, n in enumerate(SIZES):
        wanted = (count * (place + 1)) // len(SIZES) - len(found)
        suites = [SUITES[name](COUNTS[name], n, seed) for name in SUITES]
        found += islice(in_turns(suites), wanted)
    if len(found) < count:
        raise ValueError(f"--count is {count}, there are {len(found)} data sets: give no more")
    return found


def in_turns(sources: list[Iterator[Case]]) -> Iterator[Case]:
    """One of each as long as there are any."""
    while sources:
        for source in [*sources]:
            try:
                yield next(source)
            except StopIteration:
                sources.remove(source)


def estimates(estimator: infonet.Estimator, sets: list[Case]) -> np.ndarray:
    """MI of every data set, in nats, in batches of one n."""
    found = []
    for n in dict.fromkeys(len(case.samples) for case in sets):
        alike = [case.samples for case in sets if len(case.samples) == n]
        for start in range(0, len(alike), BATCH):
            found.append(estimator.mi(np.stack(alike[start : start + BATCH]), progress=False))
    return np.concatenate(found)


def compare(found: np.ndarray, expected: np.ndarray, sets: list[Case]) -> Difference:
    """A number that is not finite is infinitely far."""
    difference = np.nan_to_num(np.abs(found - expected), nan=np.inf, posinf=np.inf)
    place = int(difference.argmax())
    worst = f"{sets[place].group}, n = {len(sets[place].samples)}: {found[place]:.5f}"
    worst += f" where the CPU has {expected[place]:.5f}"
    return Difference(len(sets), float(difference.max()), float(difference.mean()), worst)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="what is compared with the CPU")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--half-model", type=Path, default=stage.FILES / stage.HALF_MODEL)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", infonet.InfoNetWarning)  # constants and ties are meant
    sets = data_sets(options.count, options.seed)
    expected = estimates(infonet.Estimator(device="cpu"), sets)
    wrong = 0
    for precision, path in (("fp32", None), ("fp16", options.half_model)):
        if path is not None and not path.is_file():
            print(f"{precision}: there is no model {path}; carry group base of the bundle")
            wrong += 1
            continue
        try:
            found = estimates(infonet.Estimator(path, device=options.device), sets)
        except (infonet.InfoNetError, RuntimeError) as error:  # the other precision still runs
            print(f"{precision}: {error}")
            wrong += 1
            continue
        got = compare(found, expected, sets)
        within = got.largest <= TOLERANCES[precision]
        wrong += not within
        print(
            f"{precision}: {got.count} data sets, largest difference {got.largest:.2e}, mean "
            f"{got.mean:.2e}, allowed {TOLERANCES[precision]:g}: {'passes' if within else 'FAILS'}"
            f" (worst: {got.worst})"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
