"""Engine files: what was written is read, what is damaged or does not fit is refused."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import replace

import pytest
from infonet.errors import ModelError
from infonet.model.engine_file import (
    MAGIC,
    Manifest,
    Profile,
    Tensor,
    check_fit,
    is_engine_file,
    read_engine,
    read_manifest,
    runs_on,
    write_engine,
)

ENGINE = bytes(range(256)) * 5
MANIFEST = Manifest(
    model_sha256="ab" * 32,
    backend="tensorrt-rtx",
    backend_version="1.7.1.116",
    version_compatible=False,
    compute_capabilities=("8.6", "12.0+"),
    precision="fp16",
    optimization_level=None,
    profiles=(Profile("b", (1, 4, 4), (2, 4, 4), (8, 4, 4)),),
    inputs=(Tensor("histogram", "float32", (-1, 4, 4)),),
    outputs=(Tensor("mi", "float32", (-1,)),),
    metadata={"infonet.architecture": "copula"},
    engine_bytes=len(ENGINE),
    engine_sha256=hashlib.sha256(ENGINE).hexdigest(),
)


@pytest.fixture
def file(tmp_path):
    write_engine(tmp_path / "new" / "a.engine", MANIFEST, ENGINE)
    return tmp_path / "new" / "a.engine"


def test_round_trip(file):
    assert read_engine(file) == (MANIFEST, ENGINE)
    assert read_manifest(file) == MANIFEST
    assert is_engine_file(file)
    assert [path.name for path in file.parent.iterdir()] == ["a.engine"]
    (length,) = struct.unpack("<Q", file.read_bytes()[8:16])
    header = json.loads(file.read_bytes()[16 : 16 + length])
    assert header["format_version"] == 2
    digits = header["content_sha256"].encode()
    start = file.read_bytes()[: 16 + length]
    assert hashlib.sha256(start.replace(digits, b"0" * 64)).hexdigest().encode() == digits
    assert header["profiles"] == [
        {"name": "b", "min": [1, 4, 4], "opt": [2, 4, 4], "max": [8, 4, 4]}
    ]


def test_a_failed_write_keeps_the_earlier_file(file):
    with pytest.raises(TypeError):
        write_engine(file, MANIFEST, "text")
    assert read_engine(file) == (MANIFEST, ENGINE)
    assert [path.name for path in file.parent.iterdir()] == ["a.engine"]


def test_every_truncation_is_refused(file):
    whole = file.read_bytes()
    for length in (*range(0, 40), *range(40, len(whole), 97), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="infonet build"):
            read_engine(file)


def test_flipped_bits_are_refused(file):
    """Wherever they are: the manifest has a hash as well as the engine."""
    whole = file.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        file.write_bytes(changed)
        with pytest.raises(ModelError):
            read_engine(file)
    file.write_bytes(whole + b"x")
    with pytest.raises(ModelError, match=r"is damaged: it holds 1281 bytes .* of 1280"):
        read_engine(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h | {"format_version": 3}, "format version 3, .* reads version 2"),
        (lambda h: h | {"format_version": 1}, "format version 1, .* reads version 2.*build it"),
        (lambda h: h | {"precision": "fp32"}, "damaged .*does not have the hash"),
        (lambda h: {k: v for k, v in h.items() if k != "content_sha256"}, "damaged"),
        (lambda h: {k: v for k, v in h.items() if k != "profiles"}, "damaged .*the hash"),
        (lambda h: h | {"more": 1}, "damaged .*the hash"),
        (lambda h: [h], "damaged"),
        (lambda h: {k: v for k, v in h.items() if k != "format_version"}, "damaged"),
    ],
)
def test_other_manifests(change, words, file):
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[8:16])
    header = json.dumps(change(json.loads(content[16 : 16 + length]))).encode()
    file.write_bytes(MAGIC + struct.pack("<Q", len(header)) + header + ENGINE)
    with pytest.raises(ModelError, match=words):
        read_manifest(file)


def test_other_files(tmp_path):
    with pytest.raises(ModelError, match="no engine file at"):
        read_engine(tmp_path / "none")
    with pytest.raises(ModelError, match="cannot read the engine file .*: it is a folder"):
        read_engine(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelError, match="cannot read the engine file .*: it is a pipe"):
        read_engine(tmp_path / "pipe")
    other = tmp_path / "other"
    other.write_bytes(b"ftrt" + bytes(100))
    with pytest.raises(ModelError, match="not an engine file of infonet"):
        read_engine(other)
    assert not any(map(is_engine_file, (tmp_path / "none", tmp_path, tmp_path / "pipe", other)))


@pytest.mark.parametrize(
    ("capability", "runs"),
    [("8.6", True), ("8.0", False), ("8.9", False), ("9.0", False), ("12.0", True),
     ("12.1", True), ("13.0", True)],
)  # fmt: skip
def test_compute_capabilities(capability, runs, file):
    assert runs_on(MANIFEST, capability) == runs
    here = {"backend": "tensorrt-rtx", "version": "1.7.1.116", "compute_capability": capability}
    if runs:
        check_fit(MANIFEST, file, **here, model_sha256="ab" * 32)
        return
    with pytest.raises(ModelError, match=rf"8\.6, 12\.0\+, this one has {capability}; build"):
        check_fit(MANIFEST, file, **here)


def test_what_does_not_fit_is_said_at_once(file):
    with pytest.raises(ModelError) as caught:
        check_fit(
            MANIFEST, file, backend="tensorrt-rtx", version="1.8.0.1", compute_capability="9.0",
            model_sha256="cd" * 32,
        )  # fmt: skip
    for words in ("1.7.1.116, 1.8.0.1 is installed", "this one has 9.0", "another model"):
        assert words in str(caught.value)
    with pytest.raises(ModelError, match="built by tensorrt-rtx, and tensorrt was to load it"):
        check_fit(MANIFEST, file, backend="tensorrt", version="1.7.1.116")


@pytest.mark.parametrize(
    ("version", "fits"),
    [("10.9.0", True), ("10.9.1", True), ("10.13.0", True), ("10.8.9", False), ("11.0.0", False)],
)
def test_version_compatible_engines(version, fits, file):
    manifest = replace(
        MANIFEST, backend="tensorrt", backend_version="10.9.0", version_compatible=True
    )
    if fits:
        check_fit(manifest, file, backend="tensorrt", version=version)
    else:
        with pytest.raises(ModelError, match="is installed"):
            check_fit(manifest, file, backend="tensorrt", version=version)
    if version != "10.9.0":
        with pytest.raises(ModelError, match="is installed"):
            check_fit(
                replace(manifest, version_compatible=False), file,
                backend="tensorrt", version=version,
            )  # fmt: skip
