"""Configuration of the training of a ``copula`` model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from infonet_export.copula.network import CopulaConfig
from infonet_export.training.sections import build_sections

CHUNK = 256  # pairs that one task of a worker process draws


@dataclass(frozen=True)
class DataConfig:
    """Pairs of samples of one distribution, drawn afresh for every pool.

    A pool of ``pool_size`` pairs is a function of (seed, its index) alone; it is seen ``passes``
    times, each time under fresh symmetries, while ``workers`` processes draw the next. Each
    distribution gives ``replicates`` pairs of different n. n is log-uniform on the model's range;
    the scoring sample has ``scoring_samples`` rows. A share ``weak`` of the distributions is drawn
    near the limit of what n samples can tell from independence (samplers/weak.py).
    """

    pool_size: int = 4096
    passes: int = 4
    replicates: int = 2
    scoring_samples: int = 8192
    weak: float = 0.15
    workers: int = 1


@dataclass(frozen=True)
class TrainingConfig:
    """AdamW with warm-up and cosine decay to zero; the exported weights are their moving average.

    bfloat16: share of the steps (the first ones) whose convolutions run in bfloat16.
    table_weight, quantile_weight, detection_weight: of the losses (copula/losses.py).
    start_from: a model.pt whose weights to start from, or nothing; parts that it lacks start at
    random, further inputs of a layer at zero.
    """

    pools: int = 100
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 300
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    bfloat16: float = 0.0
    table_weight: float = 3.0
    quantile_weight: float = 0.1
    detection_weight: float = 0.2
    start_from: str | None = None
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class CopulaTraining:
    """Everything that determines a trained ``copula`` model."""

    architecture: str = "copula"
    model: CopulaConfig = field(default_factory=CopulaConfig)
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @property
    def steps_per_pool(self) -> int:
        """Steps of the optimizer on one pool, over all of its passes."""
        return self.data.passes * (self.data.pool_size // self.training.batch_size)

    @property
    def steps(self) -> int:
        """Steps of the optimizer in the whole training."""
        return self.training.pools * self.steps_per_pool

    def to_dict(self) -> dict[str, Any]:
        """Plain values by section and key, as they stand in a checkpoint."""
        return asdict(self)


def copula_from_dict(values: Any, source: str) -> CopulaTraining:
    """The configuration that the sections ``values`` describe; absent keys take their defaults.

    Raises ValueError, with ``source`` in front, that says what is wrong and what is allowed.
    """
    sections = {"model": CopulaConfig, "data": DataConfig, "training": TrainingConfig}
    config = CopulaTraining(**build_sections(sections, values, source))
    _check_sizes(config, source)
    return config


def _check_sizes(config: CopulaTraining, source: str) -> None:
    model, size = config.model, config.data.pool_size
    for name, part in (("training.batch_size", config.training.batch_size), ("a chunk", CHUNK)):
        if size % part:
            raise ValueError(
                f"{source}: data.pool_size is {size}, it must be a multiple of {name} ({part})"
            )
    smallest = 4 * 2 ** (len(model.channels) - 1)
    if model.histogram_grid % smallest:
        raise ValueError(
            f"{source}: model.histogram_grid is {model.histogram_grid}, it must be a multiple of "
            f"{smallest} for {len(model.channels)} levels of model.channels"
        )
    if model.n_max < model.n_min:
        raise ValueError(
            f"{source}: model.n_max is {model.n_max}, it must be at least model.n_min "
            f"({model.n_min})"
        )
