"""Checks of columns of samples, what each error says, and remarks on what was done to a column."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, one_line

Column = NDArray[Any]
Missing = Literal["raise", "omit"]
_KINDS = {
    "U": "strings",
    "S": "byte strings",
    "T": "strings",
    "O": "Python objects",
    "c": "complex numbers",
    "M": "dates",
    "m": "durations",
    "V": "records",
}
_FIXES = {
    "M": "turn dates into numbers first, the day of the year say",
    "m": "turn durations into numbers first, seconds say",
    "c": "take the real part, the imaginary part or the modulus",
}


def require_real(array: NDArray[Any], label: str) -> NDArray[Any]:
    """Return `array` if it holds real numbers, else refuse it."""
    kind = array.dtype.kind
    if kind in "biuf":
        return array
    fix = _FIXES.get(kind, "convert it to numbers, or leave it out")
    raise InputError(
        f"{label} holds {_KINDS.get(kind, 'values')} (dtype {array.dtype}), only real numbers are "
        f"allowed: {fix}"
    )


def check_missing_policy(nan: str) -> None:
    """Refuse a policy for missing values other than "raise" and "omit"."""
    if nan not in ("raise", "omit"):
        raise InputError(f"nan is {nan!r}, allowed are 'raise' and 'omit'")


def check_length(n: int, n_min: int, label: str) -> None:
    """Refuse fewer samples than the model was made for."""
    if n < n_min:
        raise InputError(
            f"{label} has {n} sample{'' if n == 1 else 's'}, the model needs at least {n_min}: "
            "pass more samples"
        )


def check_finite(values: Column, label: str, *, can_omit: bool = True) -> None:
    """Refuse NaN and infinity; say how many there are and where the first one is.

    Args:
        values: one variable.
        label: what it is called in the message.
        can_omit: whether who asked can have such rows left out, as the message then says.
    """
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = np.flatnonzero(~np.isfinite(values))
    nans = int(np.isnan(values).sum())
    counts = [(nans, "NaN"), (bad.size - nans, "infinite")]
    what = " and ".join(f"{count} {kind}" for count, kind in counts if count)
    omit = ', or pass nan="omit" (--nan omit on the command line) to leave out such rows'
    raise InputError(
        f"{label} has {what} value{'s' if bad.size > 1 else ''} (first at index {bad[0]}), only "
        f"finite numbers are allowed: remove them{omit if can_omit else ''}"
    )


def finite_rows(*columns: Column) -> NDArray[np.bool_]:
    """Mask [n] of the rows that are finite in every column."""
    keep = np.ones(columns[0].shape, np.bool_)
    for column in columns:
        if column.dtype.kind == "f":
            keep &= np.isfinite(column)
    return keep


def as_whole_number(value: Any, name: str, low: int) -> int:
    """`value` as an int; InputError unless it is a whole number from `low`."""
    try:
        number = low - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = low - 1
    if number < low:
        raise InputError(f"{name} is {value!r}, allowed are whole numbers from {low}")
    return number


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
    "numbered": "text that is numbers is taken as these numbers; if they are codes, make it a "
    "categorical column: {}",
    "missing": "texts that are no numbers or times are taken as missing: {}",
    "sentinel": "numbers far from all others are taken as they are; if they say that a value is "
    "missing, make it NaN or an empty cell: {}",
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
