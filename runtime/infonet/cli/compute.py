"""`infonet mi`, `infonet matrix`, `infonet demo`: from files to numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from infonet.cli.options import common_options, pick_columns
from infonet.errors import InputError

_SAMPLE = Path(__file__).parent.parent / "data" / "seattle-weather.csv"


@click.command()
@click.argument("file", type=click.Path())
@click.option("--x", required=True, metavar="COLUMN", help="First variable.")
@click.option("--y", required=True, metavar="COLUMN", help="Second variable.")
@common_options
def mi(
    file: str,
    x: str,
    y: str,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
) -> None:
    """Print the mutual information of two columns of FILE.

    FILE is CSV, Parquet, .npy or .npz. Columns without a name are called 0, 1, 2, …
    """
    from infonet.estimator import Estimator
    from infonet.io import read_table

    table = read_table(file)
    estimator = Estimator(model, threads=threads)
    result = estimator.estimate(table.column(x), table.column(y), nan=nan, names=(x, y))
    if as_json:
        click.echo(json.dumps({**result.to_dict(unit), "model": estimator.model.path.name}))
        return
    click.echo(result.describe(unit))
    if result.p_value is None:
        for note in result.notes:
            click.echo(note, err=True)


@click.command()
@click.argument("file", type=click.Path())
@click.option("--output", "-o", type=click.Path(), help="Write the matrix as CSV to this file.")
@click.option(
    "--columns",
    metavar="A,B,…",
    help="Columns to use, names with commas in double quotes [default: all numeric ones].",
)
@common_options
def matrix(
    file: str,
    output: str | None,
    columns: str | None,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
) -> None:
    """Print the mutual information of all pairs of columns of FILE.

    FILE is CSV, Parquet, .npy or .npz. Columns that are not numeric are left out.
    """
    from infonet.cli.text import format_matrix, format_strongest
    from infonet.estimator import Estimator
    from infonet.io import read_table

    table = read_table(file)
    if columns is None:
        chosen = table.columns
        if table.skipped:
            click.echo(f"left out, not numeric: {', '.join(table.skipped)}", err=True)
    else:
        chosen = pick_columns(table, "--columns", columns)
    if len(chosen) < 2:
        raise InputError(f"{file} has {len(chosen)} numeric column(s), two are needed: add columns")
    result = Estimator(model, threads=threads).pairwise(chosen, nan=nan)
    if output is not None:
        try:
            result.to_csv(output, unit)
        except OSError as error:
            raise InputError(f"cannot write {output}: {error.strerror}") from None
    if as_json:
        click.echo(json.dumps(result.to_dict(unit)))
    elif output is None:
        click.echo(format_matrix(result, unit))
        click.echo()
        click.echo(format_strongest(result, unit))
    else:
        click.echo(f"wrote {len(chosen)} x {len(chosen)} matrix to {output}", err=True)


@click.command()
@click.option("--bits", "unit", flag_value="bits", default="nats", help="Print bits, not nats.")
def demo(unit: str) -> None:
    """Print the mutual information of daily weather in Seattle, 2012 to 2015."""
    from infonet.cli.text import format_matrix, format_strongest, pearson
    from infonet.default import default_estimator
    from infonet.io import read_table

    table = read_table(_SAMPLE)
    result = default_estimator().pairwise(table.columns)
    days = int(result.n.max())
    click.echo(f"Daily weather in Seattle, 2012 to 2015 (NOAA), {days} days. Mutual information")
    click.echo(f"in {unit}: 0 means independent, and any kind of dependence counts.\n")
    click.echo(format_matrix(result, unit))
    click.echo()
    click.echo(format_strongest(result, unit, k=5))
    day, warm = "day_of_year", "temp_max"
    r = pearson(table.column(day), table.column(warm))
    click.echo(
        f"\nCorrelation misses the seasons: Pearson r of {day} and {warm} is {r:.2f}, a straight\n"
        f"line explains {r * r:.0%} of the variance. {result[day, warm].describe(unit)}."
    )
