"""The paper's network in sizes that train in seconds."""

from __future__ import annotations

from dataclasses import replace

from infonet_export.perceiver import PerceiverConfig
from infonet_export.perceiver.config import (
    PerceiverDataConfig,
    PerceiverTraining,
    PerceiverTrainingConfig,
    ValidationConfig,
)

RANKS = {"eps": 0.0, "normalize": "over_n"}
SOFT = {"eps": 0.1, "normalize": "minmax"}


def tiny_perceiver(model=None, data=None, validation=None, **training) -> PerceiverTraining:
    """3 epochs of 4 steps: 40 samples, a 32 x 32 table."""
    return PerceiverTraining(
        model=PerceiverConfig(
            **{
                "latents": 4, "latent_dim": 16, "table_grid": 32, "blocks": 1,
                "embedding": (4, 8), "n_min": 20, "n_max": 500, **RANKS, **(model or {}),
            }
        ),
        data=PerceiverDataConfig(
            **{"samples": 40, "components": 3, "distributions": 24, "workers": 0, **(data or {})}
        ),
        training=replace(
            PerceiverTrainingConfig(epochs=3, batch_size=6, learning_rate=1e-2, threads=1),
            **training,
        ),
        validation=ValidationConfig(
            **{"every": 2, "triples": 2, "test_triples": 3, **(validation or {})}
        ),
    )  # fmt: skip
