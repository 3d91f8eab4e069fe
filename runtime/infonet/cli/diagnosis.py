"""`infonet info` and `infonet doctor`: what a model file and an installation are."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from infonet import __version__
from infonet.errors import InfoNetError
from infonet.model.libraries import onnx_runtime

if TYPE_CHECKING:
    from infonet.estimator import Estimator


_OPTIONAL = {
    "cuda-core": "infonet[gpu]",
    "torch": "infonet[export]",
    "onnx": "infonet[export]",
    "tensorrt": "infonet[tensorrt]",
    "tensorrt-rtx-cu13": "infonet[tensorrt-rtx]",
    "pyarrow": "pyarrow",
    "polars": "infonet[parquet]",
    "pandas": "pandas",
}


@dataclass(frozen=True)
class Report:
    """Findings by name, and problems; `ok` says whether estimates can be made."""

    rows: dict[str, str]
    problems: list[str]
    ok: bool


def diagnose() -> Report:
    """Look at everything that infonet needs or can use."""
    rows = {
        "infonet": __version__,
        "python": f"{platform.python_version()} on {platform.platform()} ({sys.executable})",
        "numpy": np.__version__,
    }
    problems: list[str] = []
    works = [
        _try(rows, problems, "onnxruntime", _onnxruntime),
        _try(rows, problems, "kernels", _kernels),
        _try(rows, problems, "model", _model),
        _try(rows, problems, "network", _network),
        _try(rows, problems, "estimate", _estimate),
    ]
    if _version("onnxruntime") and _version("onnxruntime-gpu"):
        problems.append(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files: "
            "run  pip uninstall -y onnxruntime onnxruntime-gpu  and install the one you want"
        )
    if works[0]:
        from infonet.opening import list_devices

        for device in list_devices():
            row = f"device {device.name}"
            rows[row] = f"no: {device.reason}"
            if device.available:
                _try(rows, problems, row, functools.partial(_device, device.name))
    for name, requirement in _OPTIONAL.items():
        rows[name] = _version(name) or f"not installed (optional: pip install '{requirement}')"
    return Report(rows, problems, all(works))


def _try(rows: dict[str, str], problems: list[str], name: str, check: Callable[[], str]) -> bool:
    try:
        rows[name] = check()
    except (InfoNetError, ImportError, OSError, RuntimeError, ValueError) as error:
        rows[name] = "does not work"
        problems.append(f"{name}: {' '.join(str(error).split())}")
        return False
    return True


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _onnxruntime() -> str:
    ort = onnx_runtime()
    return f"{ort.__version__}, providers {', '.join(ort.get_available_providers())}"


def _kernels() -> str:
    """Rank five numbers with a tie: 1.5, 1.5, 3, 4, 5 as (rank - 1/2) / 5."""
    from infonet.model.libraries import INSTALL_COMPILER, kernels

    library = kernels()
    values = np.array([[2.0, 9.0, 2.0, 7.0, 5.0]], np.float32)
    ranks = library.soft_rank(values, 0.0, "midrank", 1)[0]
    if not np.allclose(ranks, [0.2, 0.9, 0.2, 0.7, 0.5], atol=1e-6):
        raise InfoNetError(f"the kernels rank wrongly ({ranks}): run  pip install -U infonet")
    reason = library.why_numpy()
    if reason:
        return f"in NumPy ({reason}; to have them compiled, {INSTALL_COMPILER}), ranks correctly"
    return f"{library.library_path()}, ranks correctly"


def _model() -> str:
    from infonet.model.load import load_model

    model = load_model()
    integrity = _verify(model.path)
    return (
        f"{model.path}, {model.architecture}, {model.parameters:,} parameters, "
        f"n {model.n_min} to {model.n_max}, {integrity}"
    )


def _network() -> str:
    """What computes the model on the CPU."""
    from infonet.model.libraries import kernels
    from infonet.model.load import core_of, load_model
    from infonet.pairs.networks import CompiledNetwork, open_network

    model = load_model()
    if isinstance(open_network(core_of(model) or model), CompiledNetwork):
        return f"compiled, vectors of {kernels().network_vectors()} bits"
    return "ONNX Runtime: this processor, or this installation, has no compiled network"


def _verify(file: Path) -> str:
    """Compare with the hash that pip recorded when it installed the wheel."""
    content = file.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    try:
        recorded = metadata.files("infonet") or []
    except metadata.PackageNotFoundError:
        recorded = []
    for entry in recorded:
        if entry.hash is not None and Path(str(entry.locate())) == file:
            if entry.hash.value != digest:
                raise InfoNetError(
                    f"{file} is not the file that was installed (its hash differs): "
                    "run  pip install --force-reinstall infonet"
                )
            return "hash verified"
    return "hash not recorded (not installed from a wheel)"


def _device(name: str) -> str:
    if name == "cpu":
        return "works"
    if name == "tensorrt":
        return "everything is there that an engine of  infonet build  needs"
    from infonet.estimator import Estimator

    return f"works, {_estimate(Estimator(device=name))}"


def _estimate(estimator: Estimator | None = None) -> str:
    """Estimate a Gaussian of correlation 0.8, where the truth is -log(1 - 0.64) / 2 nats."""
    from infonet.api import default_estimator

    normal = np.random.default_rng(0).standard_normal((2, 5000))
    x, y = normal[0], 0.8 * normal[0] + 0.6 * normal[1]
    found = (estimator or default_estimator()).estimate(x, y)
    return f"{found.mi:.4f} nats for a Gaussian whose truth is 0.5108"


@click.command()
@click.argument("model", required=False, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--portable",
    type=click.Path(dir_okay=False),
    help="Write the model to this .onnx file in standard operators alone, for other programs.",
)
@click.option("--table", is_flag=True, help="Of a portable file: the table as an output, too.")
def info(model: str | None, as_json: bool, portable: str | None, table: bool) -> None:
    """Print what is known about a model file [default: the built-in one].

    With --portable, write it as a file that any program runs that runs ONNX, without this package,
    and print what is known about that.
    """
    from infonet.model.load import load_model
    from infonet.model.portable import write_portable

    if table and portable is None:
        raise click.UsageError("--table is for portable files: add --portable FILE")
    if portable is not None and not portable.endswith(".onnx"):
        raise click.UsageError(f"--portable is {portable!r}; it must end in .onnx")
    found = load_model(model) if portable is None else write_portable(portable, model, table)
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
