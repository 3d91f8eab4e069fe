"""One training run of the paper's network: its state, one step of it, and its checkpoints.

A checkpoint is a dictionary: "format", "config" (plain values, all sections) and "model" (the state
dictionary of `Perceiver`: of the moving average in a final model.pt), which is what
perceiver/published.py loads. A checkpoint to resume from also has "average", "optimizer", "scaler"
and "step".
"""

from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from infonet_export.checkpoints import FIX, open_checkpoint, write_state
from infonet_export.perceiver.config import PerceiverTraining, Precision
from infonet_export.perceiver.data import Batch
from infonet_export.perceiver.network import KERNEL_SIZE, Perceiver, smoothing_matrix
from infonet_export.perceiver.published import FORMAT
from infonet_export.perceiver.read_out import mutual_information
from infonet_export.training.processes import Process
from infonet_export.training.records import update_average, warmed_up

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_REACH = KERNEL_SIZE // 2
_NEEDED = {"config", "model", "average", "optimizer", "scaler", "step"}
# settings that change no weight
_FREE: dict[str, tuple[str, ...]] = {"data": ("workers",), "training": ("threads",)}


class Run:
    """The network, its moving average (the network itself if there is none), Adam, and the number
    of finished steps."""

    def __init__(self, config: PerceiverTraining, process: Process) -> None:
        options = config.training
        self.config, self.process = config, process
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.net = Perceiver(config.model).to(process.device)
        self.average = deepcopy(self.net).requires_grad_(False) if options.ema_decay else self.net
        self.tables: nn.Module = Tables(self.net, options.precision).to(process.device)
        if process.share.size > 1:
            self.tables = DistributedDataParallel(self.tables)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=options.learning_rate)
        # half precision has too small a range for gradients: they are scaled up, and a step whose
        # gradients overflow is left out
        self.scaler = torch.amp.GradScaler(process.device.type, enabled=options.precision == "fp16")
        self.step = 0

    def train_on(self, batch: Batch) -> Tensor:
        """One step on this process's part of a batch; the sum of its bounds (nats), detached."""
        options = self.config.training
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.config)
        reading = torch.from_numpy(batch.reading).to(self.process.device)
        scoring = reading
        if batch.scoring is not batch.reading:
            scoring = torch.from_numpy(batch.scoring).to(self.process.device)
        total = bounds(self.tables, reading, scoring, self.config, self.step).sum()
        # gradients are averaged over the processes, which may hold different numbers of mixtures
        loss = -total * (self.process.share.size / options.batch_size)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.net.parameters(), options.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if options.ema_decay:
            update_average(self.average, self.net, warmed_up(options.ema_decay, self.step))
        self.step += 1
        return total.detach()

    def save(self, path: Path) -> None:
        """Write a checkpoint to resume from; see the top of this module."""
        write_checkpoint(
            path,
            self.config,
            self.net,
            average=self.average.state_dict() if self.config.training.ema_decay else None,
            optimizer=self.optimizer.state_dict(),
            scaler=self.scaler.state_dict(),
            step=self.step,
        )

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint of the same training. Raises ValueError for another one."""
        state = read_checkpoint(path)
        try:
            same = same_training(state["config"], self.config.to_dict())
            if same:
                self._load(state)
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} does not fit together ({reason}): {FIX}") from error
        if not same:
            raise ValueError(
                f"{path} was trained with another configuration; choose another --output or pass "
                "--restart to overwrite it"
            )

    def _load(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["model"])
        if self.config.training.ema_decay:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step = int(state["step"])


class Tables(nn.Module):
    """ranks float32 [B, n, 2] in [0, 1] -> smoothed tables float32 [B, D, D].

    Ranks fall into one quarter of a table. The rows that neither hold it nor reach it by smoothing
    change no estimate and get no gradient, so they are not computed; their answers are zeros.
    The network runs in ``precision`` by autocast, the smoothing always in float32: as products with
    a banded matrix, because the kernel is separable and an autocast or direct convolution of one
    channel is slow.
    """

    smoothing: Tensor

    def __init__(self, net: Perceiver, precision: Precision = "fp32") -> None:
        super().__init__()
        self.net = net
        self.precision = precision
        nodes = net.config.table_grid
        self.first = (nodes - 1) // 2  # node left of rank 0
        self.first_read = max(0, self.first - _REACH)
        self.register_buffer("smoothing", smoothing_matrix(net.kernel, nodes), persistent=False)

    def forward(self, ranks: Tensor) -> Tensor:
        """Ranks float32 [B, n, 2] in [0, 1] -> smoothed tables float32 [B, D, D], in nats."""
        dtype = _DTYPES.get(self.precision)
        with torch.autocast(ranks.device.type, dtype, enabled=dtype is not None):
            raw = self.net.decoder(self.queries(ranks), self.net.encoder(ranks))
        with torch.autocast(ranks.device.type, enabled=False):
            rows = self.smoothing[self.first :, self.first_read :]
            return F.pad(rows @ raw.float() @ self.smoothing.T, (0, 0, self.first, 0))

    def queries(self, ranks: Tensor) -> Tensor:
        """What QueryGenerator gives for the rows from ``first_read`` on."""
        query = self.net.query
        tokens = query.token_norm(query.tokens[:, self.first_read :])
        keys = query.key_norm(query.embedding(ranks[..., :1]))
        values = query.value_norm(query.embedding(ranks[..., 1:]))
        answer: Tensor = query.attention(tokens.expand(ranks.shape[0], -1, -1), keys, values)
        return answer


def bounds(
    tables: nn.Module, reading: Tensor, scoring: Tensor, config: PerceiverTraining, step: int
) -> Tensor:
    """Bounds [B] (nats) that the tables read from ``reading`` give on ``scoring``, both [B, n, 2].

    The loss is minus their sum.
    Permutations are a function of (seed, step), so that every process uses the same ones.
    """
    generator = torch.Generator().manual_seed(config.training.seed * 1_000_003 + step)
    return mutual_information(tables(reading), scoring, config.training.marginal, generator)


def learning_rate(step: int, config: PerceiverTraining) -> float:
    """Linear warm-up; then steps down by ``gamma``, or a cosine that ends at zero.

    A function of the step alone: nothing to keep in a checkpoint.
    """
    options = config.training
    rate = options.learning_rate * min(1.0, (step + 1) / max(1, options.warmup_steps))
    if options.schedule == "step":
        return rate * options.gamma ** (step // options.step_size)
    return rate * 0.5 * (1 + math.cos(math.pi * step / config.steps))


def write_checkpoint(path: Path, config: PerceiverTraining, net: Perceiver, **rest: Any) -> None:
    """Save atomically; ``rest``: what a resumable checkpoint holds beside the weights."""
    state = {"format": FORMAT, "config": config.to_dict(), "model": net.state_dict(), **rest}
    write_state(path, state)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The dictionary of a checkpoint to resume from. Raises ValueError for any other file."""
    return open_checkpoint(path).require(FORMAT, _NEEDED, "perceiver")


def same_training(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two configurations (as dictionaries) lead to the same weights step by step.

    How the work is spread and watched does not matter, nor how long it goes on where the learning
    rate does not depend on it.
    """
    return _essence(a) == _essence(b)


def _essence(config: dict[str, Any]) -> dict[str, Any]:
    free = dict(_FREE)
    if config["training"]["schedule"] == "step":
        free["training"] = (*free["training"], "epochs")
    return {
        section: {k: v for k, v in config[section].items() if k not in free.get(section, ())}
        for section in ("model", "data", "training")
    }
