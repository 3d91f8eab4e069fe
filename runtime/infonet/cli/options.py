"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from infonet.checks import Column
from infonet.cli.lines import split_names
from infonet.cli.notes import show_notes
from infonet.errors import InputError
from infonet.inputs import NamedColumn
from infonet.tables import ColumnSource, open_columns

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


def load_columns(source: ColumnSource) -> dict[str, NamedColumn]:
    """All columns of an open table by name."""
    return {
        name: NamedColumn(name, source.load(i), (), source.nominal[i])
        for i, name in enumerate(source.names)
    }
