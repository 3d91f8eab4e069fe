"""Training configuration: YAML in configs/, frozen dataclasses here. Unknown keys are errors."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from infonet_export.models.copula import CopulaConfig

CHUNK = 256  # pairs that one task of a worker process draws
_MAY_BE_ZERO = ("workers", "seed")


@dataclass(frozen=True)
class DataConfig:
    """Pairs of samples of one distribution, drawn afresh for every pool.

    A pool of ``pool_size`` pairs is a function of (seed, its index) alone; it is seen ``passes``
    times, each time under fresh symmetries, while ``workers`` processes draw the next. Each
    distribution gives ``replicates`` pairs of different n. n is log-uniform on the model's range;
    the scoring sample has ``scoring_samples`` rows.
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
    """Read a YAML file. Raises ValueError that names what is wrong and what is allowed."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"{path} is not valid YAML: {problem}") from error
    return config_from_dict(values, str(path))


def config_from_dict(values: Any, source: str = "config") -> CopulaTraining:
    """Build the configuration that ``values`` describe; absent keys take their defaults.

    Raises ValueError that names an unknown key, a value of the wrong kind or sizes that do not fit.
    """
    if not isinstance(values, dict):
        raise ValueError(
            f"{source}: got {type(values).__name__}, expected a mapping such as 'model: ...'"
        )
    architecture = values.get("architecture", "copula")
    if architecture != "copula":
        raise ValueError(f"{source}: architecture is {architecture!r}, allowed: 'copula'")
    sections = {"model": CopulaConfig, "data": DataConfig, "training": TrainingConfig}
    _check_keys(values, {*sections, "architecture"}, source)
    built = {name: _build(kind, values.get(name), name, source) for name, kind in sections.items()}
    config = CopulaTraining(**built)
    _check_sizes(config, source)
    return config


def _build(kind: Any, values: Any, name: str, source: str) -> Any:
    if values is None:
        return kind()
    if not isinstance(values, dict):
        raise ValueError(f"{source}: {name} is {values!r}, expected a mapping of settings")
    _check_keys(values, {f.name for f in fields(kind)}, f"{source}: {name}")
    default = kind()
    for key, value in values.items():
        wanted = _wanted(key, getattr(default, key), value)
        if wanted:
            raise ValueError(f"{source}: {name}.{key} is {value!r}, expected {wanted}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _wanted(key: str, default: Any, value: Any) -> str:
    """What ``value`` should have been, or '' if it is right."""
    if isinstance(default, tuple):
        right = isinstance(value, list | tuple) and value and all(_is_count(v, 1) for v in value)
        return "" if right else "a list of positive whole numbers such as [16, 32, 64]"
    if isinstance(default, int):
        least = 0 if key in _MAY_BE_ZERO else 1
        return "" if _is_count(value, least) else f"a whole number of at least {least}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and value >= 0:
        return ""
    return "a number of at least 0 such as 2.0e-3 (YAML reads 2e-3, without a point, as text)"


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


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


def _check_keys(values: dict[str, Any], allowed: set[str], source: str) -> None:
    unknown = sorted(str(key) for key in set(values) - allowed)
    if unknown:
        raise ValueError(
            f"{source}: unknown key {unknown[0]!r}, allowed: {', '.join(sorted(allowed))}"
        )
