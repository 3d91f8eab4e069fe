"""From a core graph to an engine file."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infonet.errors import InfoNetError, InputError
from infonet.model.engine_file import (
    Manifest,
    Profile,
    gpu_compute_capability,
    runs_on,
    write_engine,
)
from tqdm import tqdm

from infonet_export.engines.backends import Backend
from infonet_export.engines.cache import EngineCache, Key
from infonet_export.engines.model_files import CoreGraph
from infonet_export.engines.networks import Network, check_engine, parse
from infonet_export.engines.profiles import Range

TICK = 0.5  # seconds


class BuildError(InfoNetError, RuntimeError):
    """The backend refused to build."""


@dataclass(frozen=True)
class Options:
    """compute_capabilities: of the GPUs to build for, as "8.6"; () for the backend's default.
    version_compatible: engine for later versions of TensorRT too. optimization_level: 0 to 5."""

    compute_capabilities: tuple[str, ...] = ()
    version_compatible: bool = False
    optimization_level: int | None = None


@dataclass(frozen=True)
class Built:
    """The engine file, its manifest and the seconds it took.

    cached: taken from the cache. loaded: deserialised and found to be what the manifest says;
    False where no GPU was there to do so.
    """

    path: Path
    manifest: Manifest
    seconds: float
    cached: bool
    loaded: bool


def build_engine(
    graph: CoreGraph,
    output: Path,
    backend: Backend,
    ranges: tuple[Range, ...],
    options: Options = Options(),
    cache: EngineCache | None = None,
) -> Built:
    """Build, or take from ``cache``, an engine with one profile for each range, and write it.

    Raises ModelError for a graph that the backend cannot hold, InputError for options and profiles
    that do not fit, and BuildError with the backend's reasons.
    """
    start = time.perf_counter()
    network = parse(backend, graph)
    profiles = tuple(entry.fill(network.inputs[0].shape) for entry in ranges)
    check_options(backend, options)
    key = Key(
        model_sha256=graph.sha256,
        backend=backend.name,
        backend_version=backend.version,
        version_compatible=options.version_compatible,
        compute_capabilities=options.compute_capabilities or backend.default_targets,
        precision=graph.model.precision,
        optimization_level=options.optimization_level,
        profiles=profiles,
    )

    def run(timings: Path | None) -> tuple[Manifest, memoryview]:
        engine = _build(backend, network, profiles, options, timings)
        return _manifest(key, network, graph, engine), engine

    if cache is None:
        manifest, engine = run(None)
        loaded = _load(backend, manifest, engine)
        write_engine(output, manifest, engine)
        return Built(output, manifest, time.perf_counter() - start, False, loaded)
    with cache.locked(key.digest):
        found = cache.find(key)
        if found is not None:
            manifest, stored = found
            loaded = _load(backend, manifest, stored)
            write_engine(output, manifest, stored)
            return Built(output, manifest, time.perf_counter() - start, True, loaded)
        with cache.locked(cache.timings(key).stem) if backend.keeps_timings else nullcontext():
            manifest, engine = run(cache.timings(key) if backend.keeps_timings else None)
        loaded = _load(backend, manifest, engine)
        for path in (cache.path(key), output):
            write_engine(path, manifest, engine)
        return Built(output, manifest, time.perf_counter() - start, False, loaded)


def _load(backend: Backend, manifest: Manifest, engine: bytes | memoryview) -> bool:
    """Whether the engine could be checked here; ModelError if it is not what it should be."""
    here = gpu_compute_capability()
    if here is None or not runs_on(manifest, here):
        return False
    check_engine(backend, manifest, engine)
    return True


def check_options(backend: Backend, options: Options) -> None:
    """InputError for what a backend does not have."""
    if options.version_compatible and backend.ahead_of_time:
        raise InputError(
            "engines of tensorrt-rtx are for the version that built them alone: leave "
            "--version-compatible out, or use --backend tensorrt"
        )
    if options.compute_capabilities and not backend.ahead_of_time:
        raise InputError(
            "tensorrt builds for the GPU of this machine alone: leave --compute-capability out, or "
            "use --backend tensorrt-rtx"
        )
    _targets(backend, options.compute_capabilities)


def _targets(backend: Backend, wanted: tuple[str, ...]) -> list[Any]:
    kinds = backend.trt.ComputeCapability if backend.ahead_of_time else None
    known = {
        f"{name[2:-1]}.{name[-1]}": getattr(kinds, name)
        for name in dir(kinds)
        if name.startswith("SM")
    }
    for target in wanted:
        if target not in known:
            allowed = ", ".join(sorted(known, key=lambda text: float(text)))
            raise InputError(
                f"compute capability is {target!r}, {backend.name} builds for {allowed}"
            )
    return [known[target] for target in wanted]


def _build(
    backend: Backend,
    network: Network,
    profiles: tuple[Profile, ...],
    options: Options,
    timings: Path | None,
) -> memoryview:
    trt, builder = backend.trt, network.builder
    config = builder.create_builder_config()
    # float32 means float32: TF32 keeps 10 bits of a factor, and MI would be off by 1e-3
    config.clear_flag(trt.BuilderFlag.TF32)
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level
    targets = _targets(backend, options.compute_capabilities)
    if targets:
        config.num_compute_capabilities = len(targets)
        for place, target in enumerate(targets):
            config.set_compute_capability(target, place)
    for entry in profiles:
        profile = builder.create_optimization_profile()
        profile.set_shape(network.inputs[0].name, entry.min, entry.opt, entry.max)
        if config.add_optimization_profile(profile) < 0:
            raise BuildError(f"{backend.name} refused profile {entry}: {backend.logger.reason()}")
    if timings is not None:
        known = timings.read_bytes() if timings.is_file() else b""
        config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False)
    engine = run_with_progress(
        trt,
        config,
        lambda: builder.build_serialized_network(network.handle, config),
        f"building with {backend.name}",
    )
    if engine is None:
        raise BuildError(f"{backend.name} {backend.version} failed: {backend.logger.reason()}")
    if timings is not None:
        partial = timings.with_suffix(".partial")
        partial.write_bytes(memoryview(config.get_timing_cache().serialize()))
        partial.replace(timings)
    return memoryview(engine)


def _manifest(key: Key, network: Network, graph: CoreGraph, engine: memoryview) -> Manifest:
    return Manifest(
        **vars(key),
        inputs=network.inputs,
        outputs=network.outputs,
        metadata=graph.model.metadata,
        engine_bytes=engine.nbytes,
        engine_sha256=hashlib.sha256(engine).hexdigest(),
    )


def run_with_progress(trt: Any, config: Any, build: Callable[[], Any], label: str) -> Any:
    """``build()`` with a bar on a terminal; stops at the builder's next step on Ctrl-C.

    The build has a thread of its own: an interrupt must not unwind through the library.
    """
    bar = tqdm(
        desc=f"{label} ",
        bar_format="{desc}{bar} {n_fmt}/{total_fmt} {elapsed}",
        total=1,
        leave=False,
        disable=not sys.stderr.isatty(),
    )
    monitor = _monitor(trt, bar, label)
    config.progress_monitor = monitor
    results: list[Any] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(build())
        except BaseException as error:  # handed to the caller's thread
            failures.append(error)

    thread = threading.Thread(target=work, name="infonet-build")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(TICK)
            bar.refresh()
    except BaseException:
        monitor.stopped.set()
        thread.join()
        raise
    finally:
        bar.close()
    if failures:
        raise failures[0]
    return results[0]


def _monitor(trt: Any, bar: Any, label: str) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """The outermost phase fills the bar; the innermost one names it."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.stopped = threading.Event()
            self.outer: str | None = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if parent_phase is None:
                self.outer = phase_name
                bar.reset(total=num_steps)
            bar.set_description_str(f"{label}: {phase_name} ", refresh=False)

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name == self.outer:
                bar.n = step + 1
            return not self.stopped.is_set()

        def phase_finish(self, phase_name: str) -> None:
            pass

    return Monitor()
