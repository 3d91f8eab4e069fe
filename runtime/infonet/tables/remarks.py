"""What was done to columns that do not hold plain numbers, said in one sentence a kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infonet.errors import one_line

# Kinds of remarks, in the order in which they are said.
SENTENCES = {
    "left out": "left out: {}",
    "long": "numbers of more digits than float64 holds are taken by their order: {}",
    "comma": "decimal commas are read as decimal points: {}",
    "thousands": "separators of thousands are left out: {}",
    "dots": "dots are read as decimal points, though they may separate thousands: {}",
    "unit": "units beside numbers are left out: {}",
    "truth": "true and false are taken as 1 and 0: {}",
    "time": "dates and times are taken as numbers: {}",
    "ordered": "ordered categories are taken as their positions in that order: {}",
    "numbered": "categories whose names are numbers are taken as these numbers: {}",
    "missing": "texts that are no numbers or times are taken as missing: {}",
    "coded": "categories without an order are taken as codes, the most frequent as 0: {}",
    "mixed": "text among numbers makes them categories: {}",
    "mark": "a text that may say that a value is missing is taken as a category: {}",
}


@dataclass(frozen=True)
class Remark:
    """A remark about one column.

    Attributes:
        kind: key of `SENTENCES`.
        detail: what goes in brackets after the name of the column.
    """

    kind: str
    detail: str = ""


def is_nominal(remarks: Iterable[Remark]) -> bool:
    """Whether remarks about a column say that its numbers are codes without an order."""
    return any(remark.kind == "coded" for remark in remarks)


def sentences(remarks: Iterable[tuple[str, Remark]]) -> tuple[str, ...]:
    """One sentence for each kind of remark, naming the columns.

    Args:
        remarks: pairs of the name of a column and a remark about it.
    """
    found: dict[str, list[str]] = {}
    for name, remark in remarks:
        detail = f" ({remark.detail})" if remark.detail else ""
        found.setdefault(remark.kind, []).append(one_line(name + detail))
    return tuple(
        text.format(", ".join(found[kind])) for kind, text in SENTENCES.items() if kind in found
    )
