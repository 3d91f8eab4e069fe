"""matplotlib, imported when something is drawn: figures on Agg, without a display or pyplot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infonet.errors import InputError, MissingExtraError

DPI = 150


def require_matplotlib(what: str) -> None:
    """Raise MissingExtraError, whose subject is `what`, if matplotlib cannot be imported."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(what, "infonet[plot]") from error


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of so many inches; it belongs to no window and is not kept.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib("drawing")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(text: str) -> str:
    """Text for a picture, with names of columns in it: dollar signs begin no formula, and what no
    font has a picture for is a blank."""
    shown = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
    return shown.replace("$", r"\$")


def check_picture_path(path: str | Path) -> Path:
    """The path of a picture to write.

    Raises:
        InputError: another ending than .png, .pdf or .svg.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"{path} ends in {path.suffix!r}, allowed are .png, .pdf and .svg")
    return path


def save_figure(figure: Any, path: str | Path) -> Path:
    """Write a figure as .png, .pdf or .svg and return the path.

    The same figure gives the same bytes: no date is written.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    path = check_picture_path(path)
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        figure.savefig(path, metadata=undated.get(path.suffix.lower()))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    return path
