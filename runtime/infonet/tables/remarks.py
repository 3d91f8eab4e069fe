"""What was done to columns that do not hold plain numbers, said in one sentence a kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Kinds of remarks, in the order in which they are said.
SENTENCES = {
    "left out": "left out: {}",
    "comma": "decimal commas are read as decimal points: {}",
    "truth": "true and false are taken as 1 and 0: {}",
    "time": "dates and times are taken as numbers: {}",
    "ordered": "ordered categories are taken as their positions in that order: {}",
    "numbered": "categories whose names are numbers are taken as these numbers: {}",
    "coded": "categories without an order are taken as codes, the most frequent as 0: {}",
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
        found.setdefault(remark.kind, []).append(name + detail)
    return tuple(
        text.format(", ".join(found[kind])) for kind, text in SENTENCES.items() if kind in found
    )
