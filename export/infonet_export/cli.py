"""Sub-commands of ``infonet`` that need PyTorch, found through the entry points of the package.

Heavy imports happen inside the commands, so that ``infonet --help`` stays fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infonet_export.exporting.command import export

if TYPE_CHECKING:
    from infonet_export.config import CopulaTraining, PerceiverTraining

__all__ = ["evaluate", "export", "train"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("config", type=_FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the checkpoint, logs, the exported model and the evaluation.",
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="Default: cuda where there is one."
)
@click.option("--restart", is_flag=True, help="Start anew even if the folder holds a checkpoint.")
@click.option("--no-ksg", is_flag=True, help="copula: leave KSG, which is slow, out of the table.")
def train(config: Path, output: Path, device: str | None, restart: bool, no_ksg: bool) -> None:
    """Train the model that CONFIG (YAML) describes; run again to resume.

    Ends with OUTPUT/model.onnx and a table of its accuracy on data it was not trained on.
    For a perceiver also in several processes: torchrun --nproc-per-node=2 -m infonet train ...
    """
    from infonet_export.config import PerceiverTraining, load_config
    from infonet_export.exporting.parity import ParityError

    try:
        settings = load_config(config)
        if isinstance(settings, PerceiverTraining):
            _train_perceiver(settings, output, not restart, device)
        else:
            _train_copula(settings, output, not restart, device, not no_ksg)
    except (ValueError, OSError, FloatingPointError, ParityError) as error:
        raise click.ClickException(str(error)) from error


def _train_copula(
    settings: CopulaTraining, output: Path, resume: bool, device: str | None, with_ksg: bool
) -> None:
    from infonet_export.exporting.onnx_file import export_checkpoint
    from infonet_export.training.trainer import train as run_training

    checkpoint = run_training(settings, output, resume=resume, device=device, report=click.echo)
    result = export_checkpoint(checkpoint, output / "model.onnx")
    click.echo(str(result.parity))
    table = _evaluation_table(result.model, None, 5000, 50, 1, with_ksg)
    (output / "evaluation.md").write_text(table + "\n")
    click.echo(table)


def _train_perceiver(
    settings: PerceiverTraining, output: Path, resume: bool, device: str | None
) -> None:
    from infonet_export.exporting.perceiver_file import export_perceiver
    from infonet_export.training.perceiver.trainer import train_perceiver

    checkpoint = train_perceiver(settings, output, resume=resume, device=device, report=click.echo)
    if checkpoint is None:  # of several processes the first one writes
        return
    click.echo(str(export_perceiver(checkpoint, output / "model.onnx").parity))
    click.echo((output / "evaluation.md").read_text().rstrip())


@click.command()
@click.argument("model", type=_FILE, required=False)
@click.option(
    "--mixtures", type=_FILE, help="gmm_eval.npz: judge on these mixtures instead of fresh ones."
)
@click.option("-n", "--samples", default=5000, show_default=True, type=click.IntRange(min=20))
@click.option(
    "--count",
    default=50,
    show_default=True,
    type=click.IntRange(min=1),
    help="Distributions of each family.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--no-ksg", is_flag=True, help="Leave KSG out (it is slow).")
def evaluate(
    model: Path | None, mixtures: Path | None, samples: int, count: int, seed: int, no_ksg: bool
) -> None:
    """Accuracy of MODEL (default: the one in the package) beside KSG and the oracle.

    Mixtures of the paper's recipe and families that training never draws; all estimators see the
    same samples.
    """
    from infonet.errors import InfoNetError

    try:
        click.echo(_evaluation_table(model, mixtures, samples, count, seed, not no_ksg))
    except (InfoNetError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def _evaluation_table(
    model: Path | None, mixtures: Path | None, n: int, count: int, seed: int, with_ksg: bool
) -> str:
    from infonet import Estimator

    from infonet_export.evaluation import cases
    from infonet_export.evaluation.evaluate import run, table

    estimator = Estimator(model)
    drawn = (
        cases.mixture_file_cases(mixtures, n, seed)
        if mixtures
        else cases.fresh_mixture_cases(count, n, seed)
    )
    held_out = cases.held_out_cases(count, n, seed)
    parts = {
        f"Gaussian mixtures (the paper's recipe), n = {n}": drawn,
        f"Families never trained on, n = {n}": held_out,
    }
    return "\n\n".join(
        f"{title}\n\n{table(run(estimator, part, with_ksg=with_ksg))}"
        for title, part in parts.items()
    )
