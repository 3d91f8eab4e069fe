"""`infonet matrix`: all pairs of columns of a file."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from numpy.typing import NDArray

from infonet.cli.options import common_options, open_table, read_names, seed_option, show_notes
from infonet.errors import InputError
from infonet.matrix.frames import METHODS

if TYPE_CHECKING:
    from infonet.matrix import PairwiseResult


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    help="File to write: .csv, .parquet (long) or .npy (matrix).",
)
@click.option(
    "--columns",
    metavar="A,B,…",
    help="Columns to use, names with commas in double quotes [default: all that can be used].",
)
@click.option(
    "--targets", metavar="C,D,…", help="Pair the columns with these only, not among themselves."
)
@click.option(
    "--given",
    metavar="E,F,…",
    help="Columns to condition on: they are taken out of all others, and leave the matrix.",
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["long", "matrix"]),
    help="One row a pair, or a matrix [default: long for .parquet, else matrix].",
)
@click.option("--top", type=click.IntRange(0), metavar="K", help="Print the K strongest pairs.")
@click.option(
    "--adjust",
    type=click.Choice(METHODS),
    default="fdr_bh",
    show_default=True,
    help="Adjustment of the p-values of a long table for the number of pairs.",
)
@click.option(
    "--engine",
    type=click.Choice(["threads", "ray"]),
    default="threads",
    show_default=True,
    help="Compute on threads of this process or on a Ray cluster.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="Ceiling beside the data, 512MB say [default: half of what is available].",
)
@click.option("--tile", type=click.IntRange(1, 1024), help="Columns along a side of a tile.")
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on with an interrupted run of the same output, or start over.",
)
@click.option("--plot", type=click.Path(), help="Draw the matrix: .png, .pdf or .svg.")
@click.option(
    "--normalized",
    is_flag=True,
    help="Print and draw sqrt(1 - exp(-2 MI)), 0 to 1, a column of every long table.",
)
@seed_option
@common_options
def matrix(
    file: str,
    output: str | None,
    columns: str | None,
    targets: str | None,
    given: str | None,
    layout: str | None,
    top: int | None,
    adjust: str,
    engine: str,
    memory: str | None,
    tile: int | None,
    resume: bool,
    plot: str | None,
    normalized: bool,
    seed: int,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Print the mutual information of all pairs of columns of FILE.

    FILE is CSV, Parquet, .npy or .npz, or - for CSV on standard input. Dates and categories are
    taken as numbers, free text is left out. With -o, finished work is kept beside the output until
    that is complete, and the same command goes on after an interruption.
    """
    from infonet.estimator import Estimator
    from infonet.matrix.output import check_not_input

    if plot is not None:
        from infonet.plotting import check_picture_path, require_matplotlib

        require_matplotlib("infonet matrix --plot")
        check_picture_path(plot)
    rows = None if columns is None else read_names("--columns", columns)
    others = None if targets is None else read_names("--targets", targets)
    known = None if given is None else read_names("--given", given)
    named = [*(rows or []), *(others or []), *(known or [])]
    wanted = None if rows is None else list(dict.fromkeys(named))
    source = open_table(file, wanted)
    if len(source.names) < 2:
        raise InputError(
            f"{file} has {len(source.names)} column(s) that can be used, two are needed: "
            "add columns"
        )
    if output is not None:
        check_not_input(Path(output), file)
        if layout is None and Path(output).suffix.lower() == ".csv":
            layout = "matrix"
        if normalized and (layout == "matrix" or Path(output).suffix.lower() == ".npy"):
            raise InputError(
                f"--normalized with -o {output}: matrices are written in nats or bits; write a "
                "long table, --format long with .csv or .parquet, which has it as a column"
            )
    result = Estimator(model, device, threads).pairwise(
        source,
        rows,
        nan,
        targets=others,
        memory=memory,
        tile=tile,
        output=output,
        resume=resume,
        engine=engine,
        adjust=adjust,
        layout=layout if output is not None else None,
        unit=unit,
        seed=seed,
        given=known,
    )
    _show(result, output, layout, top, adjust, unit, as_json, normalized)
    show_notes(result.notes, shown=source.notes)
    if plot is not None:
        from infonet.plotting import plot_matrix, save_figure

        save_figure(plot_matrix(result, unit, normalized=normalized), plot)
        click.echo(f"wrote {plot}", err=True)


def _show(
    result: PairwiseResult,
    output: str | None,
    layout: str | None,
    top: int | None,
    adjust: str,
    unit: str,
    as_json: bool,
    normalized: bool,
) -> None:
    """Print what was asked for, and say what was written."""
    from infonet.cli.options import format_matrix, format_strongest

    if as_json:
        found = _plain(result, adjust, unit) if layout == "long" else result.to_dict(unit)
        if normalized and layout != "long":
            found["correlation"] = _without_nan(result.correlation)
        if top is not None:
            found["strongest"] = [pair.to_dict(unit) for pair in result.strongest(top)]
        click.echo(json.dumps(found))
    elif output is None and layout == "long":
        columns = result.to_long(adjust, unit)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*(column.tolist() for column in columns.values()), strict=True):
            writer.writerow(_cell(value) for value in row)
    elif output is None:
        click.echo(format_matrix(result, unit, normalized))
        click.echo()
        click.echo(format_strongest(result, unit, 10 if top is None else top, normalized))
    elif top is not None:
        click.echo(format_strongest(result, unit, top, normalized))
    if output is not None:
        shape = f"{len(result.row_names)} x {len(result.column_names)} matrix"
        what = shape if layout == "matrix" or output.endswith(".npy") else f"{_pairs(result)}"
        click.echo(f"wrote {what} to {output}", err=True)


def _pairs(result: PairwiseResult) -> str:
    return f"{result.pairs.count} pair{'' if result.pairs.count == 1 else 's'}"


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.8g}"


def _plain(result: PairwiseResult, adjust: str, unit: str) -> dict[str, Any]:
    """The long table, ready for JSON, which has no NaN."""
    columns = result.to_long(adjust, unit)
    found = {name: _without_nan(column) for name, column in columns.items()}
    return {"unit": unit, "adjust": adjust, **found, "notes": list(result.notes)}


def _without_nan(values: NDArray[Any]) -> list[Any]:
    if values.ndim > 1:
        return [_without_nan(row) for row in values]
    return [None if value != value else value for value in values.tolist()]
