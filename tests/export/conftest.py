"""Shared fixtures of the export tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from exported_copulas import export
from infonet.model.load import DEFAULT_MODEL, core_path
from infonet_export.copula.config import CopulaTraining
from shared_graphs import folder_of_the_session, sharing
from tiny_models import CONFIGS, save_checkpoint, tiny_config


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _each_graph_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """PyTorch traces a network once for all tests and their workers."""
    with pytest.MonkeyPatch.context() as patch:
        folder = folder_of_the_session(tmp_path_factory)
        patch.setattr(torch.onnx, "export", sharing(torch.onnx.export, folder))
        yield


@pytest.fixture(scope="session")
def config() -> CopulaTraining:
    return tiny_config()


@pytest.fixture(scope="session")
def checkpoint(config: CopulaTraining, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained checkpoint; not to be changed."""
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint") / "checkpoint.pt", config)


@pytest.fixture(scope="session")
def exported(checkpoint, tmp_path_factory):
    return export(checkpoint, tmp_path_factory.mktemp("tiny"), (20, 100, 600))


@pytest.fixture(scope="session")
def default():
    """The model that ships, with factors of its intervals: its checkpoint, and its files."""
    files = SimpleNamespace(model=DEFAULT_MODEL, core=core_path(DEFAULT_MODEL))
    return CONFIGS.parent / "export" / "checkpoints" / "copula.pt", files
