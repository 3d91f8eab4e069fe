"""`infonet plot`: a picture of two columns of a file."""

from __future__ import annotations

import json
from typing import Literal

import click

from infonet.cli.notes import notes_for_warnings, show_notes
from infonet.cli.options import common_options, load_columns, open_table


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
    from infonet.plotting import plot_estimate, require_matplotlib, save_figure
    from infonet.plotting.backend import check_picture_path

    require_matplotlib("infonet plot")
    check_picture_path(output)
    source = open_table(file, list(dict.fromkeys((x, y))))
    columns = load_columns(source)
    estimator = Estimator(model, device, threads)
    with notes_for_warnings():
        result = estimator.estimate(columns[x], columns[y], nan=nan, names=(x, y))
    figure = plot_estimate(
        *(result, columns[x].values, columns[y].values),
        unit=unit,
        positions=estimator.model.table_positions,
    )
    save_figure(figure, output)
    if as_json:
        notes, name = [*source.notes, *result.notes], estimator.model.path.name
        found = {**result.to_dict(unit), "notes": notes, "model": name, "picture": output}
        click.echo(json.dumps(found))
    else:
        click.echo(result.describe(unit))
        show_notes(result.notes, shown=source.notes)
        click.echo(f"wrote {output}", err=True)
