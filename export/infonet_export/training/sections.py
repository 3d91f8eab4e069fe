"""Sections of a configuration file: plain values in, frozen dataclasses out, mistakes named."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, get_args, get_type_hints

_MAY_BE_ZERO = ("workers", "seed", "warmup_steps", "blocks")


def build_sections(kinds: dict[str, Any], values: Any, source: str) -> dict[str, Any]:
    """A dataclass of every kind in ``kinds`` (section name -> class) from its part of ``values``.

    Absent sections and keys take their defaults. Raises ValueError that names an unknown key with
    those that are allowed, or a value of the wrong kind with what was expected.
    """
    check_keys(check_mapping(values, source), {*kinds, "architecture"}, source)
    return {name: _build(kind, values.get(name), name, source) for name, kind in kinds.items()}


def check_mapping(values: Any, source: str) -> dict[str, Any]:
    """``values`` themselves. Raises ValueError if they are no mapping of keys to values."""
    if not isinstance(values, dict):
        raise ValueError(
            f"{source}: got {type(values).__name__}, expected a mapping such as 'model: ...'"
        )
    return values


def check_keys(values: dict[str, Any], allowed: set[str], source: str) -> None:
    """Raises ValueError for a key of ``values`` that is not ``allowed``; it names those."""
    unknown = sorted(str(key) for key in set(values) - allowed)
    if unknown:
        raise ValueError(
            f"{source}: unknown key {unknown[0]!r}, allowed: {', '.join(sorted(allowed))}"
        )


def _build(kind: Any, values: Any, name: str, source: str) -> Any:
    if values is None:
        return kind()
    if not isinstance(values, dict):
        raise ValueError(f"{source}: {name} is {values!r}, expected a mapping of settings")
    check_keys(values, {f.name for f in fields(kind)}, f"{source}: {name}")
    default, hints = kind(), get_type_hints(kind)
    for key, value in values.items():
        wanted = _wanted(key, hints[key], getattr(default, key), value)
        if wanted:
            raise ValueError(f"{source}: {name}.{key} is {value!r}, expected {wanted}")
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except ValueError as error:  # sizes that do not fit each other
        raise ValueError(f"{source}: {name}: {error}") from error


def _wanted(key: str, hint: Any, default: Any, value: Any) -> str:
    """What ``value`` should have been, or '' if it is right."""
    if isinstance(default, tuple):
        return _wanted_counts(None if ... in get_args(hint) else len(default), value)
    if isinstance(default, str):
        choices = get_args(hint)
        return "" if value in choices else f"one of {', '.join(choices)}"
    if default is None:
        return _wanted_if_given(hint, value)
    if isinstance(default, int):
        least = 0 if key in _MAY_BE_ZERO else 1
        return "" if _is_count(value, least) else f"a whole number of at least {least}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and value >= 0:
        return ""
    return "a number of at least 0 such as 2.0e-3 (YAML reads 2e-3, without a point, as text)"


def _wanted_if_given(hint: Any, value: Any) -> str:
    if int in get_args(hint):
        right = value is None or _is_count(value, 1)
        return "" if right else "a whole number of at least 1, or nothing"
    right = value is None or (isinstance(value, str) and bool(value))
    return "" if right else "the path of a file, or nothing"


def _wanted_counts(length: int | None, value: Any) -> str:
    right = isinstance(value, list | tuple) and value and all(_is_count(v, 1) for v in value)
    if length is None:
        return "" if right else "a list of positive whole numbers such as [16, 32, 64]"
    return "" if right and len(value) == length else f"a list of {length} positive whole numbers"


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
