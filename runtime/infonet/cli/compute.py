"""`infonet mi`, `infonet demo`: from files to numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from infonet.cli.notes import notes_for_warnings, show_notes
from infonet.cli.options import common_options, load_columns, open_table, seed_option

_SAMPLE = Path(__file__).parent.parent / "data" / "seattle-weather.csv"


@click.command()
@click.argument("file", type=click.Path())
@click.option("--x", required=True, metavar="COLUMN", help="First variable.")
@click.option("--y", required=True, metavar="COLUMN", help="Second variable.")
@click.option(
    "--permutations",
    type=click.IntRange(0),
    default=0,
    metavar="M",
    help="p-value by M random permutations [default: by the model's table].",
)
@click.option("--normalized", is_flag=True, help="Print sqrt(1 - exp(-2 MI)), 0 to 1, too.")
@seed_option
@common_options
def mi(
    file: str,
    x: str,
    y: str,
    permutations: int,
    normalized: bool,
    seed: int,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Print the mutual information of two columns of FILE.

    FILE is CSV, Parquet, .npy or .npz, or - for CSV on standard input. Columns without a name are
    called 0, 1, 2, …
    """
    from infonet.estimator import Estimator

    source = open_table(file, list(dict.fromkeys((x, y))))
    columns = load_columns(source)
    estimator = Estimator(model, device, threads)
    with notes_for_warnings():
        result = estimator.estimate(columns[x], columns[y], nan, (x, y), permutations, seed)
    if as_json:
        notes = [*source.notes, *result.notes]
        found = {**result.to_dict(unit), "notes": notes, "model": estimator.model.path.name}
        click.echo(json.dumps(found))
        return
    more = f", correlation {result.correlation:.4f}" if normalized else ""
    click.echo(f"{result.describe(unit)}{more}")
    show_notes(result.notes, shown=source.notes)


@click.command()
@click.option("--bits", "unit", flag_value="bits", default="nats", help="Print bits, not nats.")
def demo(unit: str) -> None:
    """Print the mutual information of daily weather in Seattle, 2012 to 2015."""
    from infonet.cli.text import format_matrix, format_strongest, pearson
    from infonet.default import default_estimator
    from infonet.io import read_table

    table = read_table(_SAMPLE, ("precipitation", "temp_max", "temp_min", "wind", "day_of_year"))
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
