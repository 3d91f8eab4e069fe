"""The files of copula models with random weights, exported once for all tests."""

from __future__ import annotations

from functools import partial

import pytest
from infonet_export.checkpoints import write_state
from infonet_export.copula import export as copula_export
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.checkpoint import read_checkpoint
from infonet_export.copula.export import export_checkpoint
from infonet_export.copula.null_distribution import simulate_null
from tiny_models import save_checkpoint

FACTORS = IntervalFactors((30, 300, 3000), (2.0, 1.5, 1.0), (3.0, 2.0, 1.2))


def checkpoint_with_factors(folder, config):
    path = save_checkpoint(folder / "checkpoint.pt", config)
    write_state(path, {**read_checkpoint(path), "interval_factors": FACTORS.to_dict()})
    return path


def export(checkpoint, folder, sizes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copula_export, "simulate_null", partial(simulate_null, sizes=sizes))
        result = export_checkpoint(checkpoint, folder / "new" / "tiny.onnx", null_draws=100)
    return checkpoint, result
