"""What an unfinished run computes, so that only the same run goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

_FORMAT = 2
_WORDS = {
    "model": "the model",
    "n": "the number of rows",
    "columns": "the columns",
    "targets": "the targets",
    "data": "the data",
    "tile": "the size of tiles",
    "seed": "the seed",
    "nan": "the policy for missing values",
    "format": "the version of infonet",
}


@dataclass(frozen=True)
class Manifest:
    """What a run computes; two runs of equal manifests give the same tiles.

    Attributes:
        model: SHA-256 of the model file that computes.
        seed: of the random order of ties.
        n: number of rows.
        columns, targets: names of the rows and the columns of the matrix.
        names: names of all columns that take part.
        nan: policy for missing values.
        tile: columns a side of a tile.
        data: fingerprints of the ranks of each of `names`.
    """

    model: str
    seed: int
    n: int
    columns: list[str]
    targets: list[str]
    names: list[str]
    nan: str
    tile: int
    data: list[str]
    format: int = _FORMAT


def is_manifest(fields: dict[str, Any] | None) -> bool:
    """Whether these are the fields of a manifest, of this version of infonet or of another."""
    return fields is not None and {"format", "model", "tile", "data"} <= fields.keys()


def difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The first thing in which two manifests differ, in words."""
    for key in ("format", "model", "n", "columns", "targets", "nan", "tile", "seed"):
        then, now = found.get(key), wanted[key]
        if then == now:
            continue
        if key in ("columns", "targets"):
            return f"{_WORDS[key]} ({_shown(then)} then, {_shown(now)} now)"
        if key == "model":
            return _WORDS[key]
        return f"{_WORDS[key]} ({' '.join(str(then).split())[:40]} then, {now} now)"
    then = found.get("data")
    then = then if isinstance(then, list) else []
    both = zip_longest(wanted["names"], then, wanted["data"])
    changed = [name for name, a, b in both if a != b]
    return f"{_WORDS['data']} of {_shown(changed)}" if changed else "its manifest"


def _shown(names: Sequence[str] | None, most: int = 3) -> str:
    if not isinstance(names, list):
        return "none"
    rest = len(names) - most
    return ", ".join(map(repr, names[:most])) + (f" and {rest} more" if rest > 0 else "")
