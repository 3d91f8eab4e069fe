"""Columns of a file that can be used, for tests of their values."""

from __future__ import annotations

from infonet.inputs.open import open_columns


def read_usable(path):
    """(columns by name, names of those left out)."""
    source = open_columns(path, unusable="omit")
    columns = {name: source.load(i) for i, name in enumerate(source.names)}
    return columns, tuple(name for name, _ in source.left_out)
