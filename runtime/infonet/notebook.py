"""How results look in a notebook: plain HTML tables, with every name escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

_LEFT = ' style="text-align: left"'


def html_table(title: str, rows: Mapping[str, str], notes: Iterable[str] = ()) -> str:
    """A table of names and values with notes below it; empty values are left out."""
    cells = "".join(
        f"<tr><th{_LEFT}>{_escape(name)}</th><td{_LEFT}>{_escape(value)}</td></tr>"
        for name, value in rows.items()
        if value
    )
    head = f'<thead><tr><th colspan="2"{_LEFT}>{_escape(title)}</th></tr></thead>'
    return _block(f"<table>{head}<tbody>{cells}</tbody></table>", notes)


def html_matrix(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Iterable[Iterable[str]],
    notes: Iterable[str] = (),
) -> str:
    """A labelled matrix with a title above and notes below it."""
    head = "".join(f"<th>{_escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr><th>{_escape(name)}</th>"
        + "".join(f"<td>{_escape(cell)}</td>" for cell in line)
        + "</tr>"
        for name, line in zip(rows, cells, strict=True)
    )
    table = f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _block(f"<div>{_escape(title)}</div>{table}", notes)


def _block(content: str, notes: Iterable[str]) -> str:
    """Content and notes, in which notebooks take no dollar signs for a formula."""
    lines = "".join(f"<div><small>{_escape(note)}</small></div>" for note in notes)
    return f'<div class="tex2jax_ignore mathjax_ignore">{content}{lines}</div>'


def _escape(text: str) -> str:
    from html import escape  # deferred: few programs have a notebook, and it takes a millisecond

    return escape(text)
