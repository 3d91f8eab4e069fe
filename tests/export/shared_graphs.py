"""What PyTorch makes of a module is kept: tracing takes many seconds, and tests share networks."""

from __future__ import annotations

import functools
import hashlib
import os
from types import SimpleNamespace

import numpy as np
import onnx
import torch
from filelock import FileLock


def folder_of_the_session(tmp_path_factory):
    """One for all workers of a session; the next session has another."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "graphs"
    folder.mkdir(exist_ok=True)
    return folder


def sharing(export, folder):
    """torch.onnx.export that makes the graph of a module, as it is now, once in ``folder``. What
    always makes it is its ``__wrapped__``."""

    @functools.wraps(export)
    def shared(module, example, **options):
        path = folder / f"{_digest(module, example, options)}.onnx"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                # not by onnx.save_model, in whose place tests put their own
                made = export(module, example, **options).model_proto
                path.write_bytes(made.SerializeToString())
        return SimpleNamespace(model_proto=onnx.load(path))

    return shared


_OF_THE_SOURCES = ("custom_translation_table",)


def _digest(module, example, options):
    """Of all that a graph depends on but the sources: classes, attributes, weights, options, and
    the shapes of the example."""
    digest = hashlib.sha256()
    described = sorted((key, str(options[key])) for key in options if key not in _OF_THE_SOURCES)
    _add(digest, ([(tensor.dtype, tensor.shape) for tensor in example], described))
    for name, part in module.named_modules():
        _add(digest, (name, type(part).__qualname__))
        for key, value in sorted(vars(part).items()):
            if not key.startswith("_"):
                _add(digest, (key, value))
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        _add(digest, (name, tensor))
    return digest.hexdigest()


def _add(digest, value):
    if isinstance(value, tuple | list):
        for part in value:
            _add(digest, part)
    elif torch.is_tensor(value):
        value = value.detach()
        digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
        digest.update(np.ascontiguousarray(value.numpy()).tobytes())
    else:
        digest.update(repr(value).encode())
