"""Ranges of shapes that an engine serves, written NAME=min:opt:max.

A size is BATCH, or BATCHxN for models that read samples: ``n2048=1x1025:4x2048:128x2048``. Several
narrow ranges rather than one wide one: kernels are chosen for ``opt`` and memory is kept for
``max``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infonet.errors import InputError
from infonet.model.engine_file import Profile, Shape

DEFAULT_FILE = Path(__file__).with_name("profiles.yaml")
AXES = ("batch", "n")
_SIZE = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*)*")
_EXAMPLE = "such as b32=1:32:32 (batch) or n512=1x257:8x512:256x512 (batch x n)"


@dataclass(frozen=True)
class Range:
    """Sizes of the axes that differ from call to call, (batch,) or (batch, n)."""

    name: str
    min: Shape
    opt: Shape
    max: Shape

    def fill(self, shape: Sequence[int]) -> Profile:
        """The profile of an input of ``shape``, -1 for the axes that are given here."""
        free = sum(size < 0 for size in shape)
        if free != len(self.opt):
            raise InputError(
                f"profile {self.name!r} has {len(self.opt)} sizes, the model's input has "
                f"{free} free axes ({' x '.join(AXES[:free])}): write NAME=min:opt:max, {_EXAMPLE}"
            )

        def filled(sizes: Shape) -> Shape:
            values = iter(sizes)
            return tuple(next(values) if size < 0 else size for size in shape)

        return Profile(self.name, filled(self.min), filled(self.opt), filled(self.max))


def parse_range(name: str, text: str) -> Range:
    """``min:opt:max`` -> Range. InputError that says what is wrong."""
    what = f"profile {name!r} is {text!r}"
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise InputError(f"{what}: a name has letters, digits, '_', '.' and '-' alone")
    parts = text.split(":")
    if len(parts) != 3 or not all(map(_SIZE.fullmatch, parts)):
        raise InputError(f"{what}, expected min:opt:max, {_EXAMPLE}")
    low, best, high = (tuple(map(int, part.split("x"))) for part in parts)
    if not len(low) == len(best) == len(high) <= len(AXES):
        raise InputError(f"{what}: min, opt and max must have the same one or two sizes")
    for axis, a, b, c in zip(AXES, low, best, high, strict=False):
        if not a <= b <= c:
            raise InputError(f"{what}: {axis} has min {a}, opt {b}, max {c}, which do not increase")
    return Range(name, low, best, high)


def load_ranges(path: Path, architecture: str) -> dict[str, Range]:
    """The ranges that a YAML file has for an architecture. InputError for mistakes in it."""
    import yaml

    try:
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not isinstance(values.get(architecture), dict):
        raise InputError(
            f"{path} has no profiles for {architecture!r}: add a section '{architecture}:'"
        )
    ranges = {}
    for name, text in values[architecture].items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise InputError(
                f"{path}: {name!r} is {text!r}, expected text in quotes "
                "(YAML reads 1:32:32 without them as a number)"
            )
        ranges[name] = parse_range(name, text)
    return ranges


def choose_ranges(wanted: Iterable[str], known: dict[str, Range]) -> tuple[Range, ...]:
    """``NAME=min:opt:max`` or the NAME of a known range, each; all known ranges if none is wanted.

    InputError for an unknown or repeated name.
    """
    chosen: dict[str, Range] = {}
    for entry in wanted:
        name, equals, text = entry.partition("=")
        if not equals and name not in known:
            raise InputError(
                f"no profile is called {name!r}: write NAME=min:opt:max, {_EXAMPLE}, "
                f"or one of {', '.join(known)}"
            )
        if name in chosen:
            raise InputError(f"profile {name!r} is given twice: names must differ")
        chosen[name] = parse_range(name, text) if equals else known[name]
    return tuple((chosen or known).values())
