"""`infonet plot`: a picture of two columns of a file."""

from __future__ import annotations

import json
from typing import Literal

import click

from infonet.cli.options import chosen_header, common_options


@click.command()
@click.argument("file", type=click.Path())
@click.option("--x", required=True, metavar="COLUMN", help="First variable.")
@click.option("--y", required=True, metavar="COLUMN", help="Second variable.")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(),
    help="Picture to write: .png, .pdf or .svg.",
)
@common_options
def plot(
    file: str,
    x: str,
    y: str,
    output: str,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Draw the ranks of two columns of FILE and what they tell of each other.

    Prints the estimate as `infonet mi` does. Needs matplotlib: pip install 'infonet[plot]'.
    """
    from infonet.estimator import Estimator
    from infonet.io import read_table
    from infonet.plotting import plot_estimate, require_matplotlib, save_figure
    from infonet.plotting.backend import check_picture_path

    require_matplotlib("infonet plot")
    check_picture_path(output)
    table = read_table(file, header=chosen_header())
    estimator = Estimator(model, device, threads)
    columns = table.column(x), table.column(y)
    result = estimator.estimate(*columns, nan=nan, names=(x, y))
    figure = plot_estimate(result, *columns, unit=unit, positions=estimator.model.table_positions)
    save_figure(figure, output)
    if as_json:
        found = {**result.to_dict(unit), "model": estimator.model.path.name, "picture": output}
        click.echo(json.dumps(found))
    else:
        click.echo(result.describe(unit))
        if result.p_value is None:
            for note in result.notes:
                click.echo(note, err=True)
        click.echo(f"wrote {output}", err=True)
