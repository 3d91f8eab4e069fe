"""`infonet watch`: alerts for lines of numbers on standard input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import click

from infonet.cli.options import (
    chosen_header,
    device_option,
    header_option,
    read_names,
    show_notes,
)
from infonet.errors import InputError
from infonet.inputs.csv import Lines, split_names

if TYPE_CHECKING:
    from infonet.monitor import Evaluation, Monitor

_INTERRUPTED = 130  # the exit code of programs that are ended by Ctrl-C


@click.command()
@click.option("--window", "-w", type=click.IntRange(1), required=True, help="Rows of the window.")
@click.option("--stride", type=click.IntRange(1), help="Rows between evaluations [default: w/10].")
@click.option("--columns", metavar="A,B,…", help="Columns to watch [default: all].")
@click.option("--pairs", metavar="A:B,…", help="Pairs to watch [default: all].")
@click.option(
    "--given",
    metavar="D,E,…",
    help="Columns to condition on: they are taken out of all others, and are in no pair.",
)
@click.option("--time", "time_column", metavar="COLUMN", help="Column to print as the time.")
@click.option(
    "--false-alarms",
    type=float,
    default=0.01,
    show_default=True,
    help="Expected false alerts in as many rows as the window has, at most.",
)
@click.option(
    "--nan",
    type=click.Choice(["raise", "omit"]),
    default="raise",
    show_default=True,
    help="Refuse missing values, or omit rows that have them.",
)
@click.option(
    "--bad-lines",
    type=click.Choice(["raise", "omit"]),
    default="raise",
    show_default=True,
    help="Refuse lines that are not numbers, or omit them with a warning.",
)
@header_option
@click.option("--alerts", "only_alerts", is_flag=True, help="Print alerts only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--bits", "unit", flag_value="bits", default="nats", help="Print bits, not nats.")
@click.option("--threads", type=click.IntRange(1), help="Threads [default: all cores].")
@click.option("--model", type=click.Path(), help="Model file [default: the built-in one].")
@device_option
def watch(
    window: int,
    stride: int | None,
    columns: str | None,
    pairs: str | None,
    given: str | None,
    time_column: str | None,
    false_alarms: float,
    nan: Literal["raise", "omit"],
    bad_lines: Literal["raise", "omit"],
    only_alerts: bool,
    as_json: bool,
    unit: str,
    threads: int | None,
    model: str | None,
    device: str,
) -> None:
    """Watch lines of numbers on standard input; alert when dependence changes.

    A line is a row: numbers separated by commas, tabs, semicolons, bars or spaces. The first line
    may be a header; without one, columns are called 0, 1, 2, … Rows must be independent draws for
    the rate of false alarms to hold, or so given the columns of --given, such as the load or the
    hour of the day: of a stream with memory, give every k-th row.
    """
    from infonet.estimator import Estimator
    from infonet.monitor import Monitor

    stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace")
    known = None if given is None else read_names("--given", given)
    table = Lines.open(stream, columns, time_column, chosen_header(), known or ())
    monitor = Monitor(
        window,
        table.names,
        None if pairs is None else [_pair(text) for text in split_names(pairs)],
        stride,
        false_alarms,
        nan,
        estimator=Estimator(model, device, threads),
        given=known,
    )
    show = _printer(only_alerts, as_json, unit)
    try:
        _watch(table, monitor, bad_lines, show)
    except KeyboardInterrupt:
        click.echo(_summary(monitor), err=True)
        raise SystemExit(_INTERRUPTED) from None
    if monitor.rows - monitor.skipped < window:
        raise InputError(
            f"the input ended after {monitor.rows - monitor.skipped} complete row(s), before the "
            f"window of {window} was full: give more rows or a smaller --window"
        )
    click.echo(_summary(monitor), err=True)


def _watch(
    table: Lines, monitor: Monitor, bad_lines: str, show: Callable[[Evaluation], None]
) -> None:
    for number, line in table.lines:
        try:
            values, time = table.parse(line)
        except ValueError as error:
            message = f"line {number} {error}"
            if bad_lines == "raise":
                raise InputError(f"{message}: mend it, or pass --bad-lines omit") from None
            click.echo(f"Warning: {message}, left out", err=True)
            continue
        evaluation = monitor.push(values, time)
        if evaluation is not None:
            show(evaluation)


def _pair(text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not colon:
        raise InputError(f"--pairs has {text!r}, allowed are two names with a colon, A:B")
    return first.strip(), second.strip()


def _printer(only_alerts: bool, as_json: bool, unit: str) -> Callable[[Evaluation], None]:
    shown: dict[str, set[str]] = {}  # a note is said once of a pair, not at every evaluation

    def show(evaluation: Evaluation) -> None:
        when = f"row {evaluation.row}" + (f", {evaluation.time}" if evaluation.time else "")
        if not only_alerts:
            for estimate in evaluation.estimates:
                found = {"row": evaluation.row, "time": evaluation.time, **estimate.to_dict(unit)}
                click.echo(json.dumps(found) if as_json else f"{when}: {estimate.describe(unit)}")
                if not as_json:
                    pair = " and ".join(estimate.names)
                    before = shown.setdefault(pair, set())
                    show_notes(estimate.notes, before, pair)
                    before.update(estimate.notes)
        for alert in evaluation.alerts:
            text = json.dumps(alert.to_dict(unit))
            click.echo(text if as_json else f"{when}: ALERT {alert.describe(unit)}")

    return show


def _summary(monitor: Monitor) -> str:
    left_out = f", {monitor.skipped} with missing values left out" if monitor.skipped else ""
    return f"{monitor.rows} rows{left_out}"
