"""``infonet export``: a checkpoint of any architecture to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from infonet_export.checkpoints import Checkpoint


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The .onnx file to write.",
)
@click.option(
    "--null-draws",
    type=click.IntRange(min=0),
    help="copula: simulations for each n of the table of p-values (20000); 0 leaves it out.",
)
@click.option(
    "--preset",
    type=click.Choice(["perceiver_softrank", "perceiver_rank"]),
    help="perceiver: preprocessing of a published checkpoint. Default: of the branch that wrote "
    "such files, perceiver_softrank for .ckpt and perceiver_rank for .pt.",
)
@click.option(
    "--rewrite",
    type=click.Choice(["exact", "histogram"]),
    help="perceiver: 'histogram' reads a joint histogram of the samples, at a cost that does not "
    "grow with n; 'exact' (default) reads every sample.",
)
@click.option(
    "--grid",
    type=click.IntRange(min=2, max=4096),
    help="perceiver: nodes a side of that histogram. Default: the fewest that change MI by less "
    "than 2e-4 nats.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16"]),
    help="Of the convolutions (copula) or matrix products (perceiver): fp32 by default. Ranks, "
    "histograms, softmax, statistics and MI are always float32.",
)
@click.option(
    "--marginal",
    type=click.Choice(["all_pairs", "shuffle"]),
    help="perceiver: the mean over the product of the marginals, over all pairs of samples "
    "(default) or over five permutations as published.",
)
@click.option(
    "--core",
    is_flag=True,
    help="perceiver: also write MODEL.core.onnx, from ranks on, without custom operators.",
)
@click.option(
    "--portable",
    is_flag=True,
    help="One file of standard operators, from samples to MI, for any program that runs ONNX.",
)
@click.option("--table", is_flag=True, help="Of a portable file: the table as an output, too.")
@click.option(
    "--triton",
    type=click.Path(file_okay=False, path_type=Path),
    help="In the place of -o: a folder for a model repository of Triton, with a portable file.",
)
@click.option(
    "--triton-engine",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --triton: an engine of TensorRT of this model, for the network to run on a GPU.",
)
@click.option(
    "--hub",
    type=click.Path(file_okay=False, path_type=Path),
    help="In the place of -o: a folder for Hugging Face, with a portable file and a model card.",
)
def export(
    checkpoint: Path,
    output: Path | None,
    triton: Path | None,
    triton_engine: Path | None,
    hub: Path | None,
    **options: Any,
) -> None:
    """Turn a CHECKPOINT into one ONNX file, verified against PyTorch.

    CHECKPOINT is a model.pt of `infonet train`, or one of the authors of the InfoNet paper: a
    Lightning .ckpt (softrank branch) or a .pt (main branch). Nothing in it is executed.

    For the copula model the core MODEL.core.onnx (histogram in) is written as well; the runtime
    uses it for batches and matrices.

    With --portable the output is one file that needs no custom operators, verified against the
    runtime, too. `infonet info --portable FILE` writes the built-in model so.
    """
    from infonet.errors import ModelError

    from infonet_export.checkpoints import open_checkpoint
    from infonet_export.copula.checkpoint import is_copula
    from infonet_export.onnx.verify import ParityError
    from infonet_export.perceiver.published import is_perceiver

    given = {k: v for k, v in options.items() if v is not None and v is not False}  # 0 is given
    targets = [path for path in (output, triton, hub) if path is not None]
    if len(targets) != 1:
        found = f"{len(targets)} outputs are given" if targets else "no output is given"
        raise click.UsageError(f"{found}: say one of --output, --triton and --hub")
    if output is not None and output.suffix != ".onnx":
        raise click.UsageError(f"--output is {output.name!r}; it must end in .onnx")
    try:
        if triton_engine is not None and triton is None:
            raise click.UsageError("--triton-engine is for a repository of Triton: add --triton")
        if output is None:
            _deploy(checkpoint, triton, triton_engine, hub, given)
            return
        source = open_checkpoint(checkpoint)
        perceiver = is_perceiver(source.state)
        if not (perceiver or is_copula(source.state)):
            raise ValueError(
                f"{checkpoint} is not a checkpoint of a known model ({source.format!r}): give a "
                "model.pt of  infonet train  or a .ckpt or .pt of the authors of the InfoNet paper"
            )
        portable, table = bool(given.pop("portable", 0)), bool(given.pop("table", 0))
        _refuse_foreign(given, perceiver)
        if portable:
            lines = _portable(source, output, table, given)
        elif table:
            raise click.UsageError("--table is for portable files: add --portable")
        else:
            lines = (_perceiver if perceiver else _copula)(source, output, given)
    except (ValueError, OSError, ParityError, ModelError) as error:
        raise click.ClickException(str(error)) from error
    for line in lines:
        click.echo(line)


def _deploy(
    checkpoint: Path,
    triton: Path | None,
    engine: Path | None,
    hub: Path | None,
    given: dict[str, Any],
) -> None:
    from infonet_export.deploy.hub import write_hub
    from infonet_export.deploy.triton import write_triton, write_triton_engine

    refused = given.keys() & {"portable", "table", "core"}
    if refused:
        raise click.UsageError(f"--{min(refused)} does not apply to --triton and --hub")
    if checkpoint.suffix == ".onnx" and given:
        option = "--" + min(given).replace("_", "-")
        raise click.UsageError(f"{option} does not apply: {checkpoint.name} is exported already")
    if triton is not None and engine is not None:
        if checkpoint.suffix != ".onnx":
            raise click.UsageError(
                f"{checkpoint.name} is a checkpoint, and --triton-engine needs the model file that "
                "the engine was built from: run  infonet export  and  infonet build  first"
            )
        files = write_triton_engine(checkpoint, engine, triton)
    elif triton is not None:
        files = write_triton(checkpoint, triton, given)
    elif hub is not None:
        files = write_hub(checkpoint, hub, given)
    for path in files:
        click.echo(_size(path))


def _refuse_foreign(given: dict[str, Any], perceiver: bool) -> None:
    of_copula, of_both = {"null_draws"}, {"precision"}
    foreign = given.keys() & of_copula if perceiver else given.keys() - of_copula - of_both
    if foreign:
        option = "--" + min(foreign).replace("_", "-")
        kind = "a perceiver" if perceiver else "a copula model"
        raise click.UsageError(f"{option} does not apply: the checkpoint holds {kind}")


def _copula(checkpoint: Checkpoint, output: Path, given: dict[str, Any]) -> list[str]:
    from infonet_export.copula.export import export_checkpoint

    result = export_checkpoint(checkpoint, output, **given)
    return [str(result.parity), _size(result.model), _size(result.core)]


def _perceiver(checkpoint: Checkpoint, output: Path, given: dict[str, Any]) -> list[str]:
    from infonet_export.perceiver.export import export_perceiver

    result = export_perceiver(checkpoint, output, **given)
    lines = [f"{error}{' (used)' * (error.grid == result.grid)}" for error in result.grid_errors]
    lines += [str(result.parity), _size(result.model)]
    return lines + ([_size(result.core)] if result.core else [])


def _portable(
    checkpoint: Checkpoint, output: Path, table: bool, given: dict[str, Any]
) -> list[str]:
    from infonet_export.deploy.portable import export_portable

    if "core" in given:
        raise click.UsageError("--core does not apply: a portable file is one file")
    result = export_portable(checkpoint, output, table=table, **given)
    return [str(result), _size(result.path)]


def _size(path: Path) -> str:
    return f"{path}  {path.stat().st_size / 1e6:.2f} MB"
