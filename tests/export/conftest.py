"""Shared fixtures of the export tests."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from exported_copulas import export
from infonet_export.configuration import load_config
from infonet_export.copula import export as copula_export
from infonet_export.copula.config import CopulaTraining
from tiny_models import CONFIGS, save_checkpoint, tiny_config

# name of the input and types of the weights -> graph
Traces = dict[tuple[str, frozenset[torch.dtype]], onnx.ModelProto]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def config() -> CopulaTraining:
    return tiny_config()


@pytest.fixture(scope="session")
def checkpoint(config: CopulaTraining, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained checkpoint; not to be changed."""
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint") / "checkpoint.pt", config)


@pytest.fixture(scope="session")
def _traces() -> Traces:
    return {}


@pytest.fixture
def _traced_once(monkeypatch: pytest.MonkeyPatch, _traces: Traces) -> None:
    """For tests of what follows the slow tracing: ``checkpoint`` is traced once a precision."""
    inner = copula_export.trace

    def cached(module, example, dynamic, name, outputs):
        key = name, frozenset(weight.dtype for weight in module.parameters())
        if key not in _traces:
            _traces[key] = inner(module, example, dynamic, name, outputs)
        copy = onnx.ModelProto()
        copy.CopyFrom(_traces[key])
        return copy

    monkeypatch.setattr(copula_export, "trace", cached)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    return export(tmp_path_factory.mktemp("tiny"), tiny_config(), (20, 100, 600))


@pytest.fixture(scope="session")
def default(tmp_path_factory):
    """The shipped architecture with random weights."""
    config = load_config(CONFIGS / "copula" / "stage3.yaml")
    return export(tmp_path_factory.mktemp("default"), config, (20, 40))
