"""State of one training run of the paper's network, and one step of it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from infonet_export.config.perceiver import PerceiverTraining
from infonet_export.models.perceiver import Perceiver
from infonet_export.training.averaging import update_average, warmed_up
from infonet_export.training.perceiver.checkpoint import (
    read_checkpoint,
    same_training,
    write_checkpoint,
)
from infonet_export.training.perceiver.data import Batch
from infonet_export.training.perceiver.losses import bounds
from infonet_export.training.perceiver.processes import Process
from infonet_export.training.perceiver.schedule import learning_rate
from infonet_export.training.perceiver.tables import Tables
from infonet_export.training.states import FIX


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
