"""Training configuration: YAML in configs/, frozen dataclasses here. Unknown keys are errors."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from infonet_export.models.copula import CopulaConfig

CHUNK = 256  # pairs that one task of a worker process draws


@dataclass(frozen=True)
class DataConfig:
    """Pairs of samples of one distribution, drawn afresh for every pool.

    A pool of ``pool_size`` pairs is a function of (seed, its index) alone; it is seen ``passes``
    times, each time under fresh symmetries, while ``workers`` processes draw the next. Each
    distribution gives ``replicates`` pairs of different n. n is log-uniform on the model's range; the
    scoring sample has ``scoring_samples`` rows.
    """

    pool_size: int = 4096
    passes: int = 4
    replicates: int = 2
    scoring_samples: int = 8192
    workers: int = 1


@dataclass(frozen=True)
class TrainingConfig:
    """AdamW with warm-up and cosine decay to zero; the exported weights are their moving average.

    bfloat16: share of the steps (the first ones) whose convolutions run in bfloat16.
    table_weight, quantile_weight: of the two losses (training/losses.py).
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
        return self.data.passes * (self.data.pool_size // self.training.batch_size)

    @property
    def steps(self) -> int:
        return self.training.pools * self.steps_per_pool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def load_config(path: str | Path) -> CopulaTraining:
    """Read a YAML file. Raises ValueError that names an unknown key and the allowed ones."""
    text = yaml.safe_load(Path(path).read_text())
    if not isinstance(text, dict):
        raise ValueError(f"{path}: got {type(text).__name__}, expected a mapping such as 'model: ...'")
    return config_from_dict(text, str(path))


def config_from_dict(values: dict[str, Any], source: str = "config") -> CopulaTraining:
    architecture = values.get("architecture", "copula")
    if architecture != "copula":
        raise ValueError(f"{source}: architecture is {architecture!r}, allowed: 'copula'")
    sections = {"model": CopulaConfig, "data": DataConfig, "training": TrainingConfig}
    _check_keys(values, {*sections, "architecture"}, source)
    built = {
        name: _build(kind, values.get(name) or {}, f"{source}: {name}") for name, kind in sections.items()
    }
    config = CopulaTraining(**built)
    for name, part in (("training.batch_size", config.training.batch_size), ("a chunk", CHUNK)):
        if config.data.pool_size % part:
            raise ValueError(
                f"{source}: data.pool_size is {config.data.pool_size}, it must be a multiple of "
                f"{name} ({part})"
            )
    return config


def _build(kind: Any, values: dict[str, Any], source: str) -> Any:
    _check_keys(values, {f.name for f in fields(kind)}, source)
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _check_keys(values: dict[str, Any], allowed: set[str], source: str) -> None:
    unknown = sorted(set(values) - allowed)
    if unknown:
        raise ValueError(f"{source}: unknown key {unknown[0]!r}, allowed: {', '.join(sorted(allowed))}")
