"""Engine files: a manifest in JSON, then the bytes that TensorRT wrote.

`check_fit` says whether an engine fits the model, the backend and the GPU that are here.

An engine fits one model, one backend, mostly one version of it, and some GPUs. TensorRT notices a
part of that, late and in its own words; the manifest says it before anything is loaded.

Layout: 8 bytes MAGIC, the length of the manifest (unsigned, 8 bytes, little-endian), the manifest,
the engine. The manifest holds the hash of the engine and, first of all, that of everything before
the engine: `content_sha256`, taken with its own 64 digits replaced by the digit 0.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from infonet.errors import ModelError
from infonet.inputs.files import kind_of, open_regular
from infonet.model.onnx_metadata import ZEROS, zeroed_sha256

MAGIC = b"infonetE"
FORMAT_VERSION = 2
_LENGTH = struct.Struct("<Q")
_LONGEST = 1 << 24  # bytes of a manifest: anything longer is damage
_HASH = "content_sha256"
_FIX = "build it again with  infonet build"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """An input or output of an engine: name, element type ("float32") and shape, -1 for axes that
    differ from call to call."""

    name: str
    dtype: str
    shape: Shape


@dataclass(frozen=True)
class Profile:
    """A range of shapes of the engine's input, and the shape that it was optimised for."""

    name: str
    min: Shape
    opt: Shape
    max: Shape

    def covers(self, shape: Shape) -> bool:
        """Whether the engine may run at `shape` under this profile."""
        inside = zip(self.min, shape, self.max, strict=True)
        return len(shape) == len(self.min) and all(low <= s <= high for low, s, high in inside)


@dataclass(frozen=True)
class Manifest:
    """What an engine is and where it runs.

    Attributes:
        model_sha256: of the ONNX file that it was built from.
        backend, backend_version: "tensorrt-rtx" or "tensorrt", and the version that built it.
        version_compatible: whether later versions of the same major version can load it.
        compute_capabilities: of the GPUs it runs on, as "8.6"; "12.0+" is 12.0 and all later ones.
        precision: "fp32" or "fp16", of the products and convolutions.
        optimization_level: of the builder; None for the backend's own.
        profiles: ranges of shapes, in the engine's order.
        inputs, outputs: its tensors.
        metadata: that of the model, so that an engine can be used without it.
        engine_bytes, engine_sha256: of what follows the manifest.
    """

    model_sha256: str
    backend: str
    backend_version: str
    version_compatible: bool
    compute_capabilities: tuple[str, ...]
    precision: str
    optimization_level: int | None
    profiles: tuple[Profile, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: dict[str, str] = field(repr=False)
    engine_bytes: int
    engine_sha256: str


def write_engine(path: Path, manifest: Manifest, engine: bytes | memoryview) -> None:
    """Write an engine file; a file of that name is replaced only when the new one is whole."""
    fields = {"format_version": FORMAT_VERSION, _HASH: ZEROS.decode(), **asdict(manifest)}
    header = json.dumps(fields).encode()
    length = _LENGTH.pack(len(header))
    digits = _digits(header)
    digest = zeroed_sha256(MAGIC + length + header, _moved(digits, len(MAGIC + length)))
    header = header[: digits.start] + digest.encode() + header[digits.stop :]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            for part in (MAGIC, length, header, engine):
                file.write(part)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def is_engine_file(path: Path) -> bool:
    """Whether `path` begins as an engine file does; False for one that cannot be read."""
    try:
        if kind_of(path.stat().st_mode) is not None:  # reading a pipe would take from it
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def read_manifest(path: Path) -> Manifest:
    """The manifest alone, its hash checked, without reading the engine.

    Raises:
        ModelError: as `read_engine`.
    """
    with _open(path) as file:
        return _manifest(file, path)


def read_engine(path: Path) -> tuple[Manifest, bytes]:
    """Manifest and engine.

    Raises:
        ModelError: the file is missing, damaged, no engine file, or of another format version.
    """
    with _open(path) as file:
        manifest = _manifest(file, path)
        engine = file.read()
    if len(engine) != manifest.engine_bytes:
        raise ModelError(
            f"{path} is damaged: it holds {len(engine)} bytes of an engine of "
            f"{manifest.engine_bytes}; {_FIX}"
        )
    if hashlib.sha256(engine).hexdigest() != manifest.engine_sha256:
        raise ModelError(
            f"{path} is damaged: the engine's hash differs from the manifest's; {_FIX}"
        )
    return manifest, engine


def _open(path: Path) -> BinaryIO:
    return open_regular(path, "engine file", ModelError, f"check the path, or {_FIX}")


def _manifest(file: BinaryIO, path: Path) -> Manifest:
    start = file.read(len(MAGIC) + _LENGTH.size)
    if start[: len(MAGIC)] != MAGIC:
        raise ModelError(f"{path} is not an engine file of infonet: {_FIX}")
    try:
        (length,) = _LENGTH.unpack(start[len(MAGIC) :])
        content = file.read(min(length, _LONGEST))
        if len(content) != length:
            raise ValueError("its manifest is cut off")
        fields: dict[str, Any] = json.loads(content)
        version = fields.pop("format_version")
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{path} has format version {version}, this infonet reads version "
                f"{FORMAT_VERSION}: run  pip install -U infonet  or {_FIX}"
            )
        digits = _moved(_digits(content), len(start))
        if zeroed_sha256(start + content, digits) != fields.pop(_HASH):
            raise ValueError("its manifest does not have the hash that was written into it")
        return _from_fields(fields)
    except (
        *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
        struct.error,
    ) as error:
        raise ModelError(f"{path} is damaged ({' '.join(str(error).split())}): {_FIX}") from error


def _digits(header: bytes) -> slice:
    """Where the digits of the hash stand in a manifest; ValueError if they do not."""
    start = header.index(f'"{_HASH}": "'.encode()) + len(_HASH) + 5
    return slice(start, start + len(ZEROS))


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _from_fields(fields: dict[str, Any]) -> Manifest:
    shapes = ("min", "opt", "max")
    profiles = tuple(
        Profile(entry["name"], *(tuple(entry[key]) for key in shapes))
        for entry in fields.pop("profiles")
    )
    inputs, outputs = (
        tuple(Tensor(t["name"], t["dtype"], tuple(t["shape"])) for t in fields.pop(kind))
        for kind in ("inputs", "outputs")
    )
    capabilities = tuple(fields.pop("compute_capabilities"))
    return Manifest(
        compute_capabilities=capabilities,
        profiles=profiles,
        inputs=inputs,
        outputs=outputs,
        **fields,
    )


_REBUILD = "build the engine again with  infonet build"
_MAJOR, _MINOR = 75, 76  # attributes of cuDeviceGetAttribute


def check_fit(
    manifest: Manifest,
    path: Path,
    *,
    backend: str,
    version: str,
    compute_capability: str | None = None,
    model_sha256: str | None = None,
) -> None:
    """Refuse an engine that does not fit what is here.

    Args:
        manifest, path: the manifest of the engine, and the path of its file.
        backend, version: of the library that will load the engine.
        compute_capability: of the GPU, as "8.6"; None to leave it unchecked.
        model_sha256: of the core graph that it should have been built from; None: any.

    Raises:
        ModelError: with everything that does not fit.
    """
    reasons = []
    if manifest.backend != backend:
        reasons.append(f"it was built by {manifest.backend}, and {backend} was to load it")
    elif not _loads(manifest, version):
        reasons.append(
            f"it was built by {backend} {manifest.backend_version}, {version} is installed"
        )
    if compute_capability is not None and not runs_on(manifest, compute_capability):
        targets = ", ".join(manifest.compute_capabilities)
        reasons.append(
            f"it runs on GPUs of compute capability {targets}, this one has {compute_capability}"
        )
    if model_sha256 is not None and manifest.model_sha256 != model_sha256:
        reasons.append(
            f"it was built from another model (SHA-256 {manifest.model_sha256[:12]}..., "
            f"not {model_sha256[:12]}...)"
        )
    if reasons:
        raise ModelError(f"{path} does not fit: {'; '.join(reasons)}; {_REBUILD}")


def runs_on(manifest: Manifest, compute_capability: str) -> bool:
    """Whether the engine runs on GPUs of `compute_capability`, as "8.6"."""
    here = _numbers(compute_capability)
    for target in manifest.compute_capabilities:
        wanted = _numbers(target.removesuffix("+"))
        if here == wanted or (target.endswith("+") and here > wanted):
            return True
    return False


def gpu_compute_capability() -> str | None:
    """Compute capability of the first GPU, as "8.6", from the driver; None without one."""
    try:
        cuda = ctypes.CDLL(ctypes.util.find_library("cuda") or "libcuda.so.1")
    except OSError:
        return None
    device, value, parts = ctypes.c_int(), ctypes.c_int(), []
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0):
        return None
    for attribute in (_MAJOR, _MINOR):
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device):
            return None
        parts.append(str(value.value))
    return ".".join(parts)


def _loads(manifest: Manifest, version: str) -> bool:
    built, here = _numbers(manifest.backend_version), _numbers(version)
    if manifest.version_compatible:
        return built[:1] == here[:1] and built <= here
    return built == here


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in version.split("."))
