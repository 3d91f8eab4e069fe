"""Notes on standard error: the one way in which all commands say what an answer leaves out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from infonet.errors import InfoNetWarning
from infonet.result import ROUTINE_NOTES


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


@contextmanager
def notes_for_warnings() -> Iterator[None]:
    """No warnings of infonet: for answers whose notes, shown later, say the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfoNetWarning)
        yield
