"""Tables of any kind as named columns of real numbers, read one at a time."""

from infonet.tables.opening import open_columns
from infonet.tables.source import ColumnSource

__all__ = ["ColumnSource", "open_columns"]
