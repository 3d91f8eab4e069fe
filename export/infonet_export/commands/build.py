"""``infonet build``: a model file to an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from infonet_export.engines.builder import Built

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("model", type=_FILE, required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The engine file to write.",
)
@click.option(
    "--backend",
    type=click.Choice(["tensorrt-rtx", "tensorrt"]),
    default="tensorrt-rtx",
    show_default=True,
    help="tensorrt-rtx needs no GPU to build; tensorrt builds for the GPU of this machine.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16"]),
    help="Of convolutions and matrix products. Default: the model's. A copula model in fp32 can be "
    "built in fp16; others are exported so.",
)
@click.option(
    "--profile",
    "wanted",
    multiple=True,
    metavar="NAME=MIN:OPT:MAX",
    help="A range of shapes; each size is BATCH, or BATCHxN for a perceiver. Or the NAME of one in "
    "the file of profiles. Repeat for several. Default: all of that file.",
)
@click.option("--profiles", "file", type=_FILE, help="File of profiles, instead of the package's.")
@click.option(
    "--compute-capability",
    "capabilities",
    multiple=True,
    metavar="X.Y",
    help="tensorrt-rtx: GPUs to build for. Repeat for several. Default: 8.0, 8.6, 8.9, 12.0 and "
    "later; 7.5 only if asked for.",
)
@click.option(
    "--version-compatible", is_flag=True, help="tensorrt: an engine for later versions as well."
)
@click.option(
    "--optimization-level",
    type=click.IntRange(0, 5),
    help="How long to search for fast kernels. Default: the backend's.",
)
@click.option(
    "--cache",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of engines that were built before. Default: the user's cache.",
)
@click.option("--no-cache", is_flag=True, help="Build even if the engine was built before.")
def build(
    model: Path | None,
    output: Path,
    backend: str,
    precision: str | None,
    wanted: tuple[str, ...],
    file: Path | None,
    capabilities: tuple[str, ...],
    version_compatible: bool,
    optimization_level: int | None,
    folder: Path | None,
    no_cache: bool,
) -> None:
    """Build a TensorRT engine from MODEL, a file of `infonet export` or its core.

    MODEL is the one in the package if none is given.

    Engines fit one model, one backend and version, and some GPUs; the file says which, and is
    refused where it does not fit. Ranks and histograms are made by the runtime's kernels.
    """
    from infonet.model.load import DEFAULT_MODEL

    from infonet_export.engines.backends import load_backend
    from infonet_export.engines.builder import Options, build_engine
    from infonet_export.engines.cache import EngineCache
    from infonet_export.engines.model_files import load_core
    from infonet_export.engines.profiles import DEFAULT_FILE, choose_ranges, load_ranges

    if no_cache and folder is not None:
        raise click.UsageError("--cache and --no-cache exclude each other: give one of them")
    graph = load_core(model or DEFAULT_MODEL, precision)
    ranges = choose_ranges(wanted, load_ranges(file or DEFAULT_FILE, graph.model.architecture))
    options = Options(tuple(dict.fromkeys(capabilities)), version_compatible, optimization_level)
    cache = None if no_cache else EngineCache(folder)
    try:
        built = build_engine(graph, output, load_backend(backend), ranges, options, cache)
    except OSError as error:
        raise click.ClickException(
            f"cannot write the engine or its cache ({error.strerror}: {error.filename}): choose "
            "another --output or --cache"
        ) from error
    for line in _report(built):
        click.echo(line)


def _report(built: Built) -> list[str]:
    from infonet.model.metadata import ModelMetadata

    manifest = built.manifest
    how = "taken from the cache" if built.cached else "built"
    lines = [
        f"{manifest.backend} {manifest.backend_version}, {manifest.precision}, compute capability "
        f"{', '.join(manifest.compute_capabilities)}",
        *(
            f"profile {entry.name}: {manifest.inputs[0].name} "
            f"{' : '.join('x'.join(map(str, s)) for s in (entry.min, entry.opt, entry.max))}"
            for entry in manifest.profiles
        ),
        "loaded: tensors and profiles are right" if built.loaded else f"not loaded: {_why_not()}",
        f"{built.path}  {built.path.stat().st_size / 1e6:.1f} MB, {how} in {built.seconds:.1f} s",
    ]
    network = ModelMetadata.from_props(manifest.metadata)
    if network.architecture == "copula" and not network.null_distribution:
        lines.insert(1, "no p-values: this graph has no table for them; infonet export makes one")
    return lines


def _why_not() -> str:
    from infonet.model.engine_file import gpu_compute_capability

    here = gpu_compute_capability()
    return "no GPU here" if here is None else f"the GPU here has compute capability {here}"
