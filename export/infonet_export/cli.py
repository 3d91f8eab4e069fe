"""Sub-commands of ``infonet`` that need PyTorch, found through the entry points of the package.

Heavy imports happen inside the commands, so that ``infonet --help`` stays fast.
"""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("checkpoint", type=_FILE)
@click.option("-o", "--output", type=_OUTPUT, required=True, help="The .onnx file to write.")
@click.option(
    "--null-draws",
    default=4000,
    show_default=True,
    type=click.IntRange(min=0),
    help="Simulations for each n of the table of p-values; 0 leaves it out.",
)
def export(checkpoint: Path, output: Path, null_draws: int) -> None:
    """Turn a CHECKPOINT of `infonet train` into one ONNX file, verified against PyTorch.

    Beside MODEL.onnx (raw samples in) its core MODEL.core.onnx (histogram in) is written, which
    the runtime uses for batches and matrices.
    """
    from infonet_export.exporting.onnx_file import export_checkpoint
    from infonet_export.exporting.parity import ParityError

    if output.suffix != ".onnx":
        raise click.UsageError(f"--output is {output.name!r}; it must end in .onnx")
    try:
        result = export_checkpoint(checkpoint, output, null_draws)
    except (ValueError, OSError, ParityError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(str(result.parity))
    for path in (result.model, result.core):
        click.echo(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


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
@click.option("--no-ksg", is_flag=True, help="Leave KSG out of the final table (it is slow).")
def train(config: Path, output: Path, device: str | None, restart: bool, no_ksg: bool) -> None:
    """Train the model that CONFIG (YAML) describes; run again to resume.

    Ends with OUTPUT/model.onnx and a table of its accuracy on data it was not trained on.
    """
    from infonet_export.config import load_config
    from infonet_export.exporting.onnx_file import export_checkpoint
    from infonet_export.exporting.parity import ParityError
    from infonet_export.training.trainer import train as run_training

    try:
        checkpoint = run_training(
            load_config(config), output, resume=not restart, device=device, report=click.echo
        )
        result = export_checkpoint(checkpoint, output / "model.onnx")
    except (ValueError, OSError, FloatingPointError, ParityError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(str(result.parity))
    table = _evaluation_table(result.model, None, 5000, 50, 1, not no_ksg)
    (output / "evaluation.md").write_text(table + "\n")
    click.echo(table)


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
