"""`infonet smi`: sliced mutual information of groups of columns."""

from __future__ import annotations

import json
from typing import Literal

import click

from infonet.cli.options import common_options, pick_columns


@click.command()
@click.argument("file", type=click.Path())
@click.option("--x", required=True, metavar="A,B,…", help="Columns of the first variable.")
@click.option("--y", required=True, metavar="C,D,…", help="Columns of the second variable.")
@click.option(
    "--projections",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="Number of random projections.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the directions."
)
@click.option(
    "--scale",
    type=click.Choice(["none", "minmax"]),
    default="none",
    show_default=True,
    help="Scale each column to 0..1 first; for columns of different units.",
)
@common_options
def smi(
    file: str,
    x: str,
    y: str,
    projections: int,
    seed: int,
    scale: str,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
) -> None:
    """Print the sliced mutual information of two groups of columns of FILE.

    The mean mutual information of random projections of the groups, with its standard error over
    projections. FILE is CSV, Parquet, .npy or .npz; names with commas go in double quotes.
    """
    from infonet.estimator import Estimator
    from infonet.io import read_table

    table = read_table(file)
    groups = pick_columns(table, "--x", x), pick_columns(table, "--y", y)
    estimator = Estimator(model, threads=threads)
    result = estimator.sliced(
        *groups,
        projections=projections,
        seed=seed,
        scale="minmax" if scale == "minmax" else None,
        nan=nan,
        names=(", ".join(groups[0]), ", ".join(groups[1])),
    )
    if as_json:
        click.echo(json.dumps({**result.to_dict(unit), "model": estimator.model.path.name}))
    else:
        click.echo(result.describe(unit))
