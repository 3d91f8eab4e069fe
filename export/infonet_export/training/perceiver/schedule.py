"""The learning rate as a function of the step alone: nothing to keep in a checkpoint."""

from __future__ import annotations

import math

from infonet_export.config.perceiver import PerceiverTraining


def learning_rate(step: int, config: PerceiverTraining) -> float:
    """Linear warm-up; then steps down by ``gamma``, or a cosine that ends at zero."""
    options = config.training
    rate = options.learning_rate * min(1.0, (step + 1) / max(1, options.warmup_steps))
    if options.schedule == "step":
        return rate * options.gamma ** (step // options.step_size)
    return rate * 0.5 * (1 + math.cos(math.pi * step / config.steps))
