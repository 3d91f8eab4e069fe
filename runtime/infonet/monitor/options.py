"""Checks of what a monitor is made with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from infonet.checks import whole
from infonet.errors import InputError
from infonet.model import Model


def as_names(variables: Sequence[str] | int) -> tuple[str, ...]:
    """Names of variables given by name, or by how many there are."""
    if not isinstance(variables, (list, tuple)):
        count = whole(variables, "variables", 2)
        return tuple(str(i) for i in range(count))
    names = tuple(map(str, variables))
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"variables are {list(names)}, allowed are two or more different names")
    return names


def as_pairs(
    pairs: Sequence[tuple[str | int, str | int]] | None, names: tuple[str, ...]
) -> tuple[tuple[int, int], ...]:
    """Positions of the variables of each pair, all pairs for None."""
    if pairs is None:
        return tuple(combinations(range(len(names)), 2))
    found = tuple((_position(first, names), _position(second, names)) for first, second in pairs)
    if not found or any(i == j for i, j in found):
        raise InputError(f"pairs are {pairs!r}, allowed are one or more of two variables each")
    return found


def _position(name: str | int, names: tuple[str, ...]) -> int:
    if isinstance(name, str) and name in names:
        return names.index(name)
    if isinstance(name, (int, np.integer)) and 0 <= name < len(names):
        return int(name)
    raise InputError(f"there is no variable {name!r}: choose from {', '.join(names)}")


def check_model(model: Model, window: int, parts: int) -> None:
    """Refuse a model that cannot say when to raise an alert, or not for this window."""
    null = model.null
    if null is None or not model.quantile_levels:
        raise InputError(
            f"{model.path.name} gives no intervals or has no null distribution, which alerts need: "
            "take the model in the package"
        )
    if not (null.covers(window) and null.covers(window // parts)):
        raise InputError(
            f"the window is {window}, allowed are {int(null.n[0]) * parts} to {int(null.n[-1])}, "
            "for which the null distribution of the model is known"
        )
