"""Options that several commands share."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import click

from infonet.checks import Column
from infonet.errors import InputError
from infonet.io import Table

Function = Callable[..., Any]


def common_options(function: Function) -> Function:
    """Unit, form of the output, missing values, model and threads."""
    for option in (
        click.option("--threads", type=click.IntRange(1), help="Threads [default: all cores]."),
        click.option("--model", type=click.Path(), help="Model file [default: the built-in one]."),
        click.option(
            "--nan",
            type=click.Choice(["raise", "omit"]),
            default="raise",
            show_default=True,
            help="Refuse missing values, or omit rows that have them.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--bits", "unit", flag_value="bits", default="nats", help="Print bits, not nats."
        ),
    ):
        function = option(function)
    return function


def pick_columns(table: Table, option: str, text: str) -> dict[str, Column]:
    """Columns named in `text`, separated by commas; names with commas in double quotes.

    Raises:
        InputError: no such column, one named twice, or none at all.
    """
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not any(names):
        raise InputError(f"{option} names no column: name one at least")
    chosen = {name: table.column(name) for name in names}
    if len(chosen) < len(names):
        raise InputError(f"{option} {text} names a column twice: name each once")
    return chosen
