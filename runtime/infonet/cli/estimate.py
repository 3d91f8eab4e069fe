"""`infonet mi`, `infonet plot`, `infonet smi`, `infonet demo`: from files to numbers, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from infonet.cli.options import (
    chosen_header,
    common_options,
    echo_json,
    join_columns,
    load_columns,
    load_values,
    notes_for_warnings,
    open_table,
    read_names,
    seed_option,
    show_notes,
)
from infonet.errors import InputError
from infonet.inputs.open import open_columns

_SAMPLE = Path(__file__).parent.parent / "data" / "seattle-weather.csv"


@click.command()
@click.argument("file", type=click.Path())
@click.option("--x", required=True, metavar="A,B,…", help="First variable: one or more columns.")
@click.option("--y", required=True, metavar="C,D,…", help="Second variable, likewise.")
@click.option("--given", metavar="E,F,…", help="Columns to condition on: MI(x; y | given).")
@click.option("--terms", is_flag=True, help="Print the terms of the chain rule, too.")
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
    given: str | None,
    terms: bool,
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
    """Print the mutual information of two columns of FILE, or of several, given others or not.

    FILE is CSV, Parquet, .npy or .npz, or - for CSV on standard input. Columns without a name are
    called 0, 1, 2, …; names with commas go in double quotes.
    """
    from infonet.estimator import Estimator

    chosen = [(option, text) for option, text in (("--x", x), ("--y", y), ("--given", given))
              if text is not None]  # fmt: skip
    groups = _variables(file, chosen)
    source = open_table(file, list(dict.fromkeys(name for group in groups for name in group)))
    columns = load_columns(source)
    first, second, *known = (join_columns(columns, names) for names in groups)
    estimator = Estimator(model, device, threads)
    with notes_for_warnings():
        result = estimator.estimate(
            *(first, second, nan),
            permutations=permutations,
            seed=seed,
            given=known[0] if known else None,
        )
    if as_json:
        echo_json(result, unit, source.notes, estimator.model.path.name)
        return
    more = f", correlation {result.correlation:.4f}" if normalized else ""
    click.echo(f"{result.describe(unit)}{more}")
    if terms:
        click.echo(result.terms.describe(unit) if result.terms else "one pair: no terms")
    show_notes(result.notes, shown=source.notes)


def _variables(file: str, chosen: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Names of the columns of each option; a text that is the name of a column is that column."""
    whole: Sequence[str] = ()
    if file != "-" and any("," in text for _, text in chosen):
        whole = open_columns(file, None, unusable="omit", header=chosen_header()).names
    return [
        [text] if text in whole or not ("," in text or '"' in text) else read_names(option, text)
        for option, text in chosen
    ]


@click.command()
@click.option("--bits", "unit", flag_value="bits", default="nats", help="Print bits, not nats.")
def demo(unit: str) -> None:
    """Print the mutual information of daily weather in Seattle, 2012 to 2015."""
    from infonet.api import default_estimator
    from infonet.cli.options import format_matrix, format_strongest, pearson

    table = open_columns(_SAMPLE, ("precipitation", "temp_max", "temp_min", "wind", "day_of_year"))
    columns = {name: table.load(i) for i, name in enumerate(table.names)}
    result = default_estimator().pairwise(columns)
    days = int(result.n.max())
    click.echo(f"Daily weather in Seattle, 2012 to 2015 (NOAA), {days} days. Mutual information")
    click.echo(f"in {unit}: 0 means independent, and any kind of dependence counts.\n")
    click.echo(format_matrix(result, unit))
    click.echo()
    click.echo(format_strongest(result, unit, k=5))
    day, warm = "day_of_year", "temp_max"
    r = pearson(columns[day], columns[warm])
    click.echo(
        f"\nCorrelation misses the seasons: Pearson r of {day} and {warm} is {r:.2f}, a straight\n"
        f"line explains {r * r:.0%} of the variance. {result[day, warm].describe(unit)}."
    )


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
    from infonet.plotting import check_picture_path, plot_estimate, require_matplotlib, save_figure

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
        echo_json(result, unit, source.notes, estimator.model.path.name, picture=output)
    else:
        click.echo(result.describe(unit))
        show_notes(result.notes, shown=source.notes)
        click.echo(f"wrote {output}", err=True)


_SHOWN = 8  # weights of a direction


class _Group(NamedTuple):
    """A variable: its name, the names of its dimensions, and what `Estimator.sliced` takes."""

    name: str
    dimensions: Sequence[str]
    values: Any
    notes: Sequence[str]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE | X Y", type=click.Path())
@click.option("--x", metavar="A,B,…", help="Columns of the first variable [of X: all].")
@click.option("--y", metavar="C,D,…", help="Columns of the second variable [of Y: all].")
@click.option(
    "--projections",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="Number of random projections; with --tolerance the least number.",
)
@click.option(
    "--tolerance",
    type=float,
    metavar="NATS",
    help="Add projections until the standard error is at most this.",
)
@click.option(
    "--max-projections",
    type=click.IntRange(1),
    help="The most to use with --tolerance [default: 16384].",
)
@click.option(
    "--permutations",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Test independence by that many permutations (199, say), of the first 64 projections.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="For projections held at a time; more is faster for large files [default: 256MiB].",
)
@click.option("--max", "largest", is_flag=True, help="Show the directions of the largest, too.")
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
    files: tuple[str, ...],
    x: str | None,
    y: str | None,
    projections: int,
    tolerance: float | None,
    max_projections: int | None,
    permutations: int,
    memory: str | None,
    largest: bool,
    seed: int,
    scale: str,
    unit: str,
    as_json: bool,
    nan: Literal["raise", "omit"],
    model: str | None,
    threads: int | None,
    device: str,
) -> None:
    """Print the sliced mutual information of two groups of columns, or of two files.

    The mean mutual information of random projections of the groups, with its standard error over
    projections. Files are CSV, Parquet, .npy (read in place, however large) or .npz, or - for CSV
    on standard input; names with commas go in double quotes.

    \b
    infonet smi FILE --x A,B --y C,D
    infonet smi X Y
    """
    if len(files) > 2:
        raise click.UsageError(f"got {len(files)} files, allowed are one or two: X and Y")
    if len(files) == 1 and (x is None or y is None):
        raise click.UsageError("of one file, --x and --y name the columns; or give two files")
    first, second = _groups(files, x, y)
    from infonet.estimator import Estimator

    estimator = Estimator(model, device, threads)
    with notes_for_warnings():
        result = estimator.sliced(
            first.values,
            second.values,
            projections=projections,
            seed=seed,
            scale="minmax" if scale == "minmax" else None,
            nan=nan,
            names=(first.name, second.name),
            tolerance=tolerance,
            max_projections=max_projections,
            permutations=permutations,
            memory=memory,
        )
    done = list(dict.fromkeys([*first.notes, *second.notes]))
    directions = result.directions if largest else None
    if as_json:
        more = {}
        if directions is not None:
            more["directions"] = [
                dict(zip(group.dimensions, direction.tolist(), strict=True))
                for group, direction in zip((first, second), directions, strict=True)
            ]
        echo_json(result, unit, done, estimator.model.path.name, **more)
        return
    click.echo(result.describe(unit))
    if directions is not None:
        for label, group, direction in zip("xy", (first, second), directions, strict=True):
            click.echo(f"largest along {label}: {_describe(group.dimensions, direction)}")
    show_notes(result.notes, shown=done)


def _groups(files: Sequence[str], x: str | None, y: str | None) -> list[_Group]:
    names = [
        None if text is None else read_names(option, text)
        for option, text in (("--x", x), ("--y", y))
    ]
    if len(files) == 2:
        if files[0] == files[1] == "-":
            raise InputError("both files are standard input, only one can be: save one of them")
        return [_read(file, chosen) for file, chosen in zip(files, names, strict=True)]
    groups = [chosen for chosen in names if chosen is not None]
    every = list(dict.fromkeys(name for group in groups for name in group))
    source = open_table(files[0], every)
    columns = load_values(source)
    return [
        _Group(", ".join(group), group, {name: columns[name] for name in group}, source.notes)
        for group in groups
    ]


def _read(file: str, chosen: list[str] | None) -> _Group:
    source = open_table(file, chosen)
    if chosen is not None:
        return _Group(", ".join(chosen), chosen, load_values(source), source.notes)
    path = Path(file)
    if path.suffix.lower() == ".npy":
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim == 2 and array.dtype.kind in "biuf":  # in place, rather than by column
            return _Group(path.name, source.names, array, source.notes)
    return _Group(path.name, source.names, load_values(source), source.notes)


def _describe(dimensions: Sequence[str], direction: NDArray[np.float64]) -> str:
    """The largest weights."""
    order = np.argsort(-np.abs(direction), kind="stable")
    shown = ", ".join(f"{dimensions[i]} {direction[i]:+.3f}" for i in order[:_SHOWN])
    return shown + (f", … ({direction.size})" if direction.size > _SHOWN else "")
