"""``infonet train``: a configuration to a trained, exported and evaluated model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from infonet_export.copula.config import CopulaTraining
    from infonet_export.perceiver.config import PerceiverTraining

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
    from infonet_export.configuration import load_config
    from infonet_export.onnx.verify import ParityError
    from infonet_export.perceiver.config import PerceiverTraining

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
    from infonet_export.copula.trainer import train as run_training

    checkpoint = run_training(settings, output, resume=resume, device=device, report=click.echo)
    export_and_evaluate(checkpoint, output, with_ksg)


def export_and_evaluate(checkpoint: Path, output: Path, with_ksg: bool) -> None:
    """Write ``output``/model.onnx and its core from a copula checkpoint, and evaluate briefly."""
    from infonet_export.copula.export import export_checkpoint

    result = export_checkpoint(checkpoint, output / "model.onnx")
    click.echo(str(result.parity))
    evaluate_briefly(result.model, output, with_ksg)


def evaluate_briefly(
    model: Path, output: Path, with_ksg: bool, count: int = 50, n: int = 5000
) -> None:
    """Evaluate on ``count`` data sets of ``n`` samples of each family of mixtures and of held-out.

    Writes ``output``/evaluation.md and shows it on the screen. with_ksg: beside KSG, which is slow.
    """
    from infonet import Estimator

    from infonet_export.evaluation.run import Run
    from infonet_export.evaluation.suites import report

    run = Run(Estimator(model), count=count, sizes=(n,), with_baselines=with_ksg)
    sections = report(run, ("mixtures", "held-out"), None, click.echo)
    text = "\n\n".join(f"### {section.title}\n\n{section.text}" for section in sections)
    (output / "evaluation.md").write_text(text + "\n")


def _train_perceiver(
    settings: PerceiverTraining, output: Path, resume: bool, device: str | None
) -> None:
    from infonet_export.perceiver.export import export_perceiver
    from infonet_export.perceiver.trainer import train_perceiver

    checkpoint = train_perceiver(settings, output, resume=resume, device=device, report=click.echo)
    if checkpoint is None:  # of several processes the first one writes
        return
    click.echo(str(export_perceiver(checkpoint, output / "model.onnx").parity))
    click.echo((output / "evaluation.md").read_text().rstrip())
