"""The accuracy of a model beside other estimators and the oracle: docs/explanation/accuracy.md.

    python benchmarks/accuracy.py [MODEL.onnx] [--output DIR] [--quick] [...]

The same as `infonet evaluate --suite all --threads 1`, and the same options, on the paper's
evaluation mixtures (../shared/fixtures/gmm_eval.npz) where they are there; and how much the
estimate depends on which variable comes first.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
from infonet import Estimator
from infonet_export.commands.evaluate import evaluate
from infonet_export.evaluation.cases import fresh_mixture_cases
from infonet_export.evaluation.report import markdown, number

MIXTURES = Path(__file__).parents[2] / "shared" / "fixtures" / "gmm_eval.npz"


def main() -> None:
    """Print every table; options that are given win over those below."""
    defaults = ["--suite", "all"] if "--suite" not in sys.argv else []
    if MIXTURES.exists():
        defaults += ["--mixtures", str(MIXTURES)]
    context = evaluate.make_context("accuracy.py", [*defaults, "--threads", "1", *sys.argv[1:]])
    with context:
        evaluate.invoke(context)
    print_swaps(Estimator(context.params["model"], threads=1), context.params["seed"])


def print_swaps(estimator: Estimator, seed: int) -> None:
    """How much the estimate depends on which variable comes first."""
    rows = []
    for n in (100, 1000, 5000):
        samples = np.stack([case.samples for case in fresh_mixture_cases(50, n, seed)])
        change = np.abs(estimator.mi(samples) - estimator.mi(samples[:, :, ::-1]))
        rows.append([f"{n:,}", number(float(change.mean())), number(float(change.max()))])
    print("### x and y swapped, 200 mixtures\n")
    print(markdown(["n", "mean difference", "largest"], rows))


if __name__ == "__main__":
    try:
        main()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
