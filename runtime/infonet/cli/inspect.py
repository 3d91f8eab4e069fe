"""`infonet info` and `infonet doctor`: what a model file and an installation are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click


@click.command()
@click.argument("model", required=False, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(model: str | None, as_json: bool) -> None:
    """Print what is known about a model file [default: the built-in one]."""
    from infonet.model import load_model

    found = load_model(model)
    null = found.null
    known = f"for n from {null.n[0]:.0f} to {null.n[-1]:.0f}" if null is not None else "none"
    grid, nodes = found.histogram_grid, found.table_layout.nodes
    values = "cells of ranks" if nodes is None else f"nodes from {nodes[0]:g} to {nodes[1]:g}"
    rows: dict[str, Any] = {
        "file": str(found.path),
        "architecture": found.architecture,
        "graph": found.graph,
        "preprocessing": f"soft rank, eps = {found.eps:g}, {found.normalize}",
        "histogram": f"{grid} x {grid}" if grid else "none, the network reads samples",
        "table": f"{found.table_grid} x {found.table_grid} {values}",
        "quantile levels": ", ".join(f"{level:g}" for level in found.quantile_levels) or "none",
        "samples": f"{found.n_min} to {found.n_max}",
        "p-values": known,
        "precision": found.precision,
        "parameters": f"{found.parameters:,}",
        "made by": f"infonet {found.version}",
        "checkpoint": f"sha256 {found.checkpoint_sha256}",
    }
    if as_json:
        click.echo(json.dumps(found.metadata))
    else:
        click.echo(_align(rows))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Print what is installed, which devices work, and why others do not.

    The exit code is 1 if something that infonet needs does not work.
    """
    from infonet.diagnosis import diagnose

    report = diagnose()
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        click.echo(_align(report.rows))
        for problem in report.problems:
            click.echo(f"Problem: {problem}", err=True)
        click.echo("Everything that infonet needs works." if report.ok else "infonet cannot work.")
    if not report.ok:
        raise SystemExit(1)


def _align(rows: dict[str, Any]) -> str:
    left = max(map(len, rows))
    return "\n".join(f"{name:<{left}}  {value}" for name, value in rows.items())
