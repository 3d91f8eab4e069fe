"""``infonet evaluate``: tables on standard output, pictures in a folder."""

from __future__ import annotations

from pathlib import Path

import click

SUITE_NAMES = (
    "mixtures",
    "benchmark-mi",
    "held-out",
    "held-out-new",
    "high",
    "discrete",
    "independence",
    "power",
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("model", type=_FILE, required=False)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=click.Choice([*SUITE_NAMES, "all"]),
    default=("mixtures", "held-out"),
    show_default=True,
    help="What to evaluate; may be given several times.",
)
@click.option("--quick", is_flag=True, help="A tenth of the cases, and no n beyond 5000.")
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for evaluation.md and pictures (needs matplotlib: infonet[plot]).",
)
@click.option("--mixtures", type=_FILE, help="gmm_eval.npz: judge on these mixtures too.")
@click.option(
    "-n",
    "--samples",
    multiple=True,
    type=click.IntRange(min=20),
    help="Samples in a data set, instead of those of each suite; may be given several times.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="Distributions of each family, instead of those of each suite.",
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--no-ksg", is_flag=True, help="Leave KSG and the other estimators out: much faster.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads [default: all cores].")
def evaluate(
    model: Path | None,
    suites: tuple[str, ...],
    quick: bool,
    output: Path | None,
    mixtures: Path | None,
    samples: tuple[int, ...],
    count: int | None,
    seed: int,
    no_ksg: bool,
    threads: int | None,
) -> None:
    """Accuracy of MODEL (default: the one in the package) beside other estimators and the oracle.

    The oracle knows the density: its estimate is the mean log density ratio. All estimators see the
    same samples. The families of held-out neither train nor calibrate a model, and those of
    held-out-new came after it; mixtures and some of the other relations are of kinds that training
    draws, at other parameters.
    """
    from infonet import Estimator
    from infonet.errors import InfoNetError

    from infonet_export.evaluation.run import Run
    from infonet_export.evaluation.suites import report

    chosen = SUITE_NAMES if "all" in suites else tuple(dict.fromkeys(suites))
    try:
        run = Run(
            estimator=Estimator(model, threads=threads),
            seed=seed,
            count=count,
            sizes=tuple(sorted(set(samples))) or None,
            mixtures=mixtures,
            quick=quick,
            with_baselines=not no_ksg,
        )
        report(run, chosen, output, click.echo)
    except (InfoNetError, ValueError) as error:
        raise click.ClickException(str(error)) from error
