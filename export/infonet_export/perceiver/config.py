"""Configuration of the training of the paper's network; the defaults are its softrank branch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from infonet_export.perceiver.read_out import Marginal
from infonet_export.perceiver.sizes import PerceiverConfig
from infonet_export.training.sections import build_sections

Loss = Literal["same_sample", "cross_sample"]
Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class PerceiverDataConfig:
    """Gaussian mixtures, drawn afresh for every step; each is a function of (seed, epoch, index).

    samples: n of every mixture. components: most components of a mixture; component_weights: how
    often k of them are drawn, in proportion to k ("count") or equally often ("uniform").
    distributions: mixtures of an epoch. workers: processes that draw while others train.
    """

    samples: int = 5000
    components: int = 10
    component_weights: Literal["count", "uniform"] = "count"
    distributions: int = 4500
    workers: int = 4


@dataclass(frozen=True)
class PerceiverTrainingConfig:
    """Adam; batches, gradients and rates do not depend on how many processes share the work.

    batch_size: mixtures of a step, over all processes.
    schedule: "step" multiplies the rate by ``gamma`` every ``step_size`` steps, "cosine" lets it
        fall to zero at the last step. Either follows a linear rise over ``warmup_steps``.
    loss: the Donsker-Varadhan bound of the sample that the network reads ("same_sample", as
        published) or of another one of the same distribution ("cross_sample", which does not pay
        for noise). marginal: how its second term is computed (perceiver/read_out.py).
    ema_decay: of the moving average of the weights that is exported; 0 exports the last weights.
    precision: of the network. The read-out stays in float32.
    threads: of each process.
    """

    epochs: int = 1500
    batch_size: int = 15
    learning_rate: float = 1e-4
    schedule: Literal["step", "cosine"] = "step"
    step_size: int = 8000
    gamma: float = 0.9
    warmup_steps: int = 0
    gradient_clip: float = 1.0
    loss: Loss = "same_sample"
    marginal: Marginal = "shuffle"
    ema_decay: float = 0.0
    precision: Precision = "fp32"
    threads: int = 4
    seed: int = 0


@dataclass(frozen=True)
class ValidationConfig:
    """Order accuracy on mixtures that training never draws (perceiver/order.py).

    every: epochs between two validations. triples: mixtures of each number of components.
    test_triples: the same for the test after the last epoch, on other mixtures.
    samples: n of each; nothing for that of the training.
    mixtures: a gmm_eval.npz, relative to the working directory, whose mixtures take the place of
    fresh ones, all of them.
    """

    every: int = 40
    triples: int = 100
    test_triples: int = 500
    samples: int | None = None
    mixtures: str | None = None


@dataclass(frozen=True)
class PerceiverTraining:
    """Everything that determines a trained ``perceiver`` model, and how its training is watched."""

    architecture: str = "perceiver"
    model: PerceiverConfig = field(default_factory=PerceiverConfig)
    data: PerceiverDataConfig = field(default_factory=PerceiverDataConfig)
    training: PerceiverTrainingConfig = field(default_factory=PerceiverTrainingConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the optimizer in one epoch."""
        return self.data.distributions // self.training.batch_size

    @property
    def steps(self) -> int:
        """Steps of the optimizer in the whole training."""
        return self.training.epochs * self.steps_per_epoch

    def to_dict(self) -> dict[str, Any]:
        """Plain values by section and key, as they stand in a checkpoint."""
        return asdict(self)


def perceiver_from_dict(values: Any, source: str) -> PerceiverTraining:
    """The configuration that the sections ``values`` describe; absent keys take their defaults.

    Raises ValueError, with ``source`` in front, that says what is wrong and what is allowed.
    """
    sections = {
        "model": PerceiverConfig,
        "data": PerceiverDataConfig,
        "training": PerceiverTrainingConfig,
        "validation": ValidationConfig,
    }
    config = PerceiverTraining(**build_sections(sections, values, source))
    model, data, training = config.model, config.data, config.training
    if data.distributions % training.batch_size:
        raise ValueError(
            f"{source}: data.distributions is {data.distributions}, it must be a multiple of "
            f"training.batch_size ({training.batch_size})"
        )
    for section, n in (("data", data.samples), ("validation", config.validation.samples)):
        if n is not None and not model.n_min <= n <= model.n_max:
            raise ValueError(
                f"{source}: {section}.samples is {n}, it must lie between model.n_min "
                f"({model.n_min}) and model.n_max ({model.n_max})"
            )
    if training.ema_decay >= 1:
        raise ValueError(
            f"{source}: training.ema_decay is {training.ema_decay}, it must be below 1"
        )
    return config
