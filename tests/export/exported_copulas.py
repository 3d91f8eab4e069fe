"""The files of copula models with random weights, exported once for all tests."""

from __future__ import annotations

from functools import partial

import pytest
from infonet_export.copula import export as copula_export
from infonet_export.copula.export import export_checkpoint
from infonet_export.copula.null_distribution import simulate_null


def export(checkpoint, folder, sizes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copula_export, "simulate_null", partial(simulate_null, sizes=sizes))
        result = export_checkpoint(checkpoint, folder / "new" / "tiny.onnx", null_draws=100)
    return checkpoint, result
