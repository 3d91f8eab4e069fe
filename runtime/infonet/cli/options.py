"""Options that several commands share, and what all of them print: notes, matrices, lists."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
import numpy as np

from infonet.errors import InfoNetWarning, InputError
from infonet.inputs.checks import Column
from infonet.inputs.csv import split_names
from infonet.inputs.open import open_columns
from infonet.inputs.table import ColumnSource
from infonet.inputs.variables import NamedColumn, NamedColumns
from infonet.matrix import PairwiseResult
from infonet.result import ROUTINE_NOTES
from infonet.units import unit_scale


def show_notes(notes: Iterable[str], shown: Iterable[str] = (), about: str = "") -> None:
    """Print notes, each once and on a line of its own.

    Args:
        notes: of an answer or a table, one sentence each.
        shown: those that were printed before.
        about: what they are about, where that is not clear.
    """
    for note in dict.fromkeys(notes):
        if note not in ROUTINE_NOTES and note not in shown:
            click.echo(f"{about}: {note}" if about else note, err=True)


def echo_json(answer: Any, unit: str, source_notes: Iterable[str], model: str, **more: Any) -> None:
    """Print an answer as JSON.

    Args:
        answer: with `to_dict` and `notes`.
        unit: "nats" or "bits".
        source_notes: of the table that it comes from.
        model: name of the model file.
        more: further entries.
    """
    notes = [*source_notes, *answer.notes]
    click.echo(json.dumps({**answer.to_dict(unit), "notes": notes, "model": model, **more}))


@contextmanager
def notes_for_warnings() -> Iterator[None]:
    """No warnings of infonet: for answers whose notes, shown later, say the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfoNetWarning)
        yield


_WIDEST, _LONGEST = 12, 50  # columns and rows that fit a terminal


def format_matrix(result: PairwiseResult, unit: str = "nats", normalized: bool = False) -> str:
    """The matrix (of correlations, if normalized) as aligned text, or a hint if it is too large."""
    rows, columns = len(result.row_names), len(result.column_names)
    if columns > _WIDEST or rows > _LONGEST:
        size = "wide" if columns > _WIDEST else "long"
        return f"{rows} x {columns} matrix: too {size} to print, use -o FILE.csv or --json."
    labels, heads = [
        [name if len(name) <= 16 else name[:15] + "…" for name in names]
        for names in (result.row_names, result.column_names)
    ]
    left = max(map(len, labels))
    widths = [max(len(head), 7) for head in heads]
    lines = [" " * left + "".join(f"  {hd:>{w}}" for hd, w in zip(heads, widths, strict=True))]
    values = result.correlation if normalized else result.mi * unit_scale(unit)
    for label, row in zip(labels, values, strict=True):
        cells = ("-" if math.isnan(value) else f"{value:.3f}" for value in row)
        lines.append(
            f"{label:<{left}}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def format_strongest(
    result: PairwiseResult, unit: str = "nats", k: int = 10, normalized: bool = False
) -> str:
    """The strongest pairs, one a line, with intervals and p-values where there are any."""
    scale = unit_scale(unit)
    strongest = result.strongest(k)
    left = max((len(" - ".join(pair.names)) for pair in strongest), default=0)
    lines = ["Strongest pairs:"]
    for pair in strongest:
        line = f"  {' - '.join(pair.names):<{left}}  {pair.mi * scale:.3f} {unit}"
        more = [f"correlation {pair.correlation:.3f}"] * normalized
        if pair.interval is not None:
            low, high = (bound * scale for bound in pair.interval)
            more.append(f"90 % interval {low:.3f} to {high:.3f}")
        if pair.p_value is not None:
            more.append(f"p {pair.p_value_text}")
        lines.append(line + (f"  ({', '.join(more)})" if more else ""))
    return "\n".join(lines)


def pearson(x: Column, y: Column) -> float:
    """Pearson correlation."""
    return float(np.corrcoef(x, y)[0, 1])


Function = Callable[..., Any]
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    default="auto",
    show_default=True,
    help="Where to compute; see `infonet doctor`. tensorrt runs an engine, given as --model.",
)


_HEADER = "infonet.header"  # in the context of a command


def _keep(context: click.Context, _: click.Parameter, value: bool | None) -> None:
    context.meta[_HEADER] = value


# Kept for `chosen_header`, so that no command has to hand it on.
header_option = click.option(
    "--header/--no-header",
    default=None,
    expose_value=False,
    callback=_keep,
    help="The first row of a text file holds names, or values [default: unless it holds numbers].",
)


def chosen_header() -> bool | None:
    """What `header_option` of the running command says; None if nothing."""
    context = click.get_current_context(silent=True)
    found: bool | None = None if context is None else context.meta.get(_HEADER)
    return found


def common_options(function: Function) -> Function:
    """Unit, form of the output, missing values, header, model, device and threads."""
    for option in (
        device_option,
        click.option("--threads", type=click.IntRange(1), help="Threads [default: all cores]."),
        click.option("--model", type=click.Path(), help="Model file [default: the built-in one]."),
        click.option(
            "--nan",
            type=click.Choice(["raise", "omit"]),
            default="raise",
            show_default=True,
            help="Refuse missing values, or omit rows that have them.",
        ),
        header_option,
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--bits", "unit", flag_value="bits", default="nats", help="Print bits, not nats."
        ),
    ):
        function = option(function)
    return function


seed_option = click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the random order of equal values.",
)


def read_names(option: str, text: str) -> list[str]:
    """Names in `text`, separated by commas; names with commas in double quotes.

    Raises:
        InputError: one named twice, or none at all.
    """
    names = split_names(text)
    if not any(names):
        raise InputError(f"{option} names no column: name one at least")
    if len(set(names)) < len(names):
        raise InputError(f"{option} {text} names a column twice: name each once")
    return names


def open_table(file: str, names: Sequence[str] | None = None) -> ColumnSource:
    """Open a file ("-" is standard input); say on standard error what was done to its columns.

    Args:
        file: the path.
        names: columns to take, in order; None for all that can be used.

    Raises:
        InputError: a file or a column that cannot be used.
    """
    source = open_columns(
        file, names, unusable="omit" if names is None else "raise", header=chosen_header()
    )
    show_notes(source.notes)
    return source


def load_values(source: ColumnSource) -> dict[str, Column]:
    """The numbers in all columns of an open table by name."""
    return {name: source.load(i) for i, name in enumerate(source.names)}


def join_columns(columns: Mapping[str, NamedColumn], names: Sequence[str]) -> NamedColumns:
    """Some columns of an open table, whose notes were said, as one variable."""
    chosen = tuple(columns[name] for name in names)
    return NamedColumns(", ".join(names), chosen, tuple(names), (), True)


def load_columns(source: ColumnSource) -> dict[str, NamedColumn]:
    """All columns of an open table by name."""
    return {
        name: NamedColumn(name, source.load(i), (), source.nominal[i])
        for i, name in enumerate(source.names)
    }
