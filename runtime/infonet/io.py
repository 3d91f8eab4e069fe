"""Read a table from a file for the commands: CSV, Parquet, .npy or .npz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infonet.checks import Column
from infonet.errors import InputError
from infonet.tables import ColumnSource, open_columns
from infonet.tables.source import Unusable


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes:
        source: the columns that can be used; `source.notes` says what was converted or left out.
    """

    source: ColumnSource

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """All columns that can be used, by name; missing values are NaN."""
        return {name: self.source.load(i) for i, name in enumerate(self.source.names)}

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the columns that cannot be used."""
        return tuple(name for name, _ in self.source.left_out)

    def column(self, name: str) -> Column:
        """One column; InputError if there is none of that name or it cannot be used."""
        if name in self.source.names:
            return self.source.load(self.source.names.index(name))
        names = self.source.names
        choose = f"choose from {', '.join(names)}" if names else "it has none"
        reason = dict(self.source.left_out).get(name)
        if reason is not None:
            raise InputError(f"column {name!r} does not hold numbers but {reason}: {choose}")
        raise InputError(f"column {name!r} does not exist: {choose}")


def read_table(
    path: str | Path, columns: Sequence[str] | None = None, header: bool | None = None
) -> Table:
    """Open the table in the file at `path`; its ending decides on the format.

    Args:
        path: the file; "-" for CSV on standard input.
        columns: names of the columns to look at; None for all.
        header: whether the first row of a text file holds the names of the columns; None: unless it
            holds numbers.

    Raises:
        InputError: missing, unreadable, empty or malformed file, no such column, or an unknown
            ending.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    unusable: Unusable = "omit" if columns is None else "raise"
    return Table(open_columns(path, columns, unusable, header=header))
