"""`infonet lags`: mutual information of two series of a file at lags."""

from __future__ import annotations

from typing import Literal

import click

from infonet.cli.options import (
    common_options,
    echo_json,
    join_columns,
    load_columns,
    notes_for_warnings,
    open_table,
    read_names,
    show_notes,
)


@click.command()
@click.argument("file", type=click.Path())
@click.option("--x", required=True, metavar="COLUMN", help="First series.")
@click.option("--y", required=True, metavar="COLUMN", help="Second series.")
@click.option(
    "--max-lag",
    type=click.IntRange(0),
    default=24,
    show_default=True,
    help="Lags from minus this to this, in rows.",
)
@click.option("--given", metavar="A,B,…", help="Series that are known at both times.")
@click.option(
    "--permutations",
    type=click.IntRange(0),
    default=0,
    metavar="M",
    help="p-values by M permutations of blocks, for series with memory [default: none].",
)
@click.option(
    "--block", type=click.IntRange(1), help="Rows in a block [default: by the autocorrelation]."
)
@click.option("--plot", "picture", type=click.Path(), help="Picture to write: .png, .pdf or .svg.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the permutations and the random order of equal values.",
)
@common_options
def lags(
    file: str,
    x: str,
    y: str,
    max_lag: int,
    given: str | None,
    permutations: int,
    block: int | None,
    picture: str | None,
    seed: int,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Print the mutual information of two series of FILE at lags.

    Rows are times of equal distance, in their order. At a positive lag x leads: x in one row and y
    so many rows further down. FILE is CSV, Parquet, .npy or .npz, or - for CSV on standard input.
    A picture needs matplotlib: pip install 'infonet[plot]'.
    """
    from infonet.estimator import Estimator

    if picture is not None:
        from infonet.plotting import check_picture_path, require_matplotlib

        require_matplotlib("infonet lags --plot")
        check_picture_path(picture)
    condition = [] if given is None else read_names("--given", given)
    source = open_table(file, list(dict.fromkeys((x, y, *condition))))
    columns = load_columns(source)
    estimator = Estimator(model, device, threads)
    with notes_for_warnings():
        profile = estimator.lagged(
            columns[x],
            columns[y],
            range(-max_lag, max_lag + 1),
            join_columns(columns, condition) if condition else None,
            nan,
            permutations=permutations,
            block=block,
            seed=seed,
        )
    if picture is not None:
        from infonet.plotting import plot_lags, save_figure

        save_figure(plot_lags(profile, unit), picture)
    if as_json:
        more = {"picture": picture} if picture else {}
        echo_json(profile, unit, source.notes, estimator.model.path.name, **more)
        return
    click.echo(profile.describe(unit, most=None))
    show_notes(profile.notes, shown=source.notes)
    if picture is not None:
        click.echo(f"wrote {picture}", err=True)
