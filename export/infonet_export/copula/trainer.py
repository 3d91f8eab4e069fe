"""Train the copula model: one loop, checkpoints at pool boundaries, bit-exact resume."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from infonet_export.checkpoints import open_checkpoint, write_state
from infonet_export.copula.calibration import calibrate
from infonet_export.copula.checkpoint import (
    load_model,
    read_checkpoint,
    start_from,
    write_checkpoint,
)
from infonet_export.copula.config import CopulaTraining
from infonet_export.copula.losses import (
    apply_symmetry,
    cross_sample_donsker_varadhan,
    detection_loss,
    quantile_loss,
)
from infonet_export.copula.network import CopulaNet, CopulaOutput
from infonet_export.copula.pool import Pool, pools
from infonet_export.training.processes import choose_device
from infonet_export.training.records import Records, update_average, warmed_up


def train(
    config: CopulaTraining,
    output: Path,
    *,
    resume: bool = True,
    device: str | None = None,
    report: Callable[[str], None] = print,
) -> Path:
    """Train and write ``output/checkpoint.pt`` (after every pool), ``log.jsonl``, TensorBoard
    events and, at the end, ``model.pt``: the averaged weights with calibrated intervals, for
    export.

    Continues from an existing checkpoint of the same configuration unless ``resume`` is False; the
    file that ``training.start_from`` names is read only where there is none to continue from.
    Returns the path of model.pt.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError("the copula model trains in one process: leave out torchrun")
    place = choose_device(device)
    path = output / "checkpoint.pt"
    state = _checkpoint_to_resume(path, config) if resume and path.exists() else None
    torch.set_num_threads(config.training.threads)
    torch.manual_seed(config.training.seed)
    net = CopulaNet(config.model)
    if state is None and config.training.start_from is not None:
        net = start_from(net, Path(config.training.start_from))
    output.mkdir(parents=True, exist_ok=True)
    net = net.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = deepcopy(net).requires_grad_(False)
    optimizer = _optimizer(net, config)
    first = 0
    if state is not None:
        net.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["pools"]
        report(f"resuming after {first} of {config.training.pools} pools")
    records = Records(output, restart=first == 0)
    steps = config.steps_per_pool
    begin = time.perf_counter()
    with tqdm(total=config.steps, initial=first * steps, unit="step", disable=None) as bar:
        source = pools(config, first, config.training.pools)
        for index, pool in enumerate(source, start=first):
            losses = _train_pool(net, average, optimizer, config, pool, index, place, bar)
            row = {"pool": index + 1, "step": (index + 1) * steps, **losses}
            row["minutes"] = round((time.perf_counter() - begin) / 60, 2)
            records.add(row, losses)
            bar.set_postfix(
                table=f"{losses['table_loss']:.4f}", quantile=f"{losses['quantile_loss']:.4f}"
            )
            write_checkpoint(path, net, average, optimizer, config, index + 1)
    records.close()
    return finish(path, output / "model.pt", report)


def _checkpoint_to_resume(path: Path, config: CopulaTraining) -> dict[str, Any]:
    """The state in ``path``. Raises ValueError if another configuration trained it."""
    state = read_checkpoint(path)
    if state["config"] != config.to_dict():
        raise ValueError(
            f"{path} was trained with another configuration; choose another --output or pass "
            "--restart to overwrite it"
        )
    return state


def finish(checkpoint: Path, output: Path, report: Callable[[str], None] = print) -> Path:
    """Calibrate the intervals of a finished checkpoint and write what an export needs, without the
    state of the optimizer, to ``output``."""
    finished = open_checkpoint(checkpoint)
    factors = calibrate(load_model(finished).net)
    report(f"intervals stretched by these factors to hold 90 %: {factors}")
    state = read_checkpoint(finished)
    kept = {key: state[key] for key in ("format", "config", "pools", "average")}
    write_state(output, {**kept, "interval_factors": factors.to_dict()})
    return output


def _train_pool(
    net: CopulaNet,
    average: CopulaNet,
    optimizer: torch.optim.Optimizer,
    config: CopulaTraining,
    pool: Pool,
    index: int,
    place: torch.device,
    bar: Any,
) -> dict[str, float]:
    options = config.training
    generator = torch.Generator().manual_seed(options.seed * 1_000_003 + index)
    step = index * config.steps_per_pool
    totals = {"table_loss": 0.0, "quantile_loss": 0.0, "detection_loss": 0.0}
    reading, scoring = torch.from_numpy(pool.reading), torch.from_numpy(pool.scoring)
    mi, n = torch.from_numpy(pool.mi), torch.from_numpy(pool.n)
    for _ in range(config.data.passes):
        order = torch.randperm(len(pool), generator=generator)
        for batch in order.split(options.batch_size):  # type: ignore[no-untyped-call]
            rate = learning_rate(step, config)
            for group in optimizer.param_groups:
                group["lr"] = rate
            seen, other = _augment(reading[batch], scoring[batch], generator)
            out = _forward(net, seen.to(place), bfloat16=step < options.bfloat16 * config.steps)
            # units of nats for the table, of typical errors for the quantiles
            table_loss = -cross_sample_donsker_varadhan(out.table, other.to(place)).mean()
            truth = mi[batch].to(place)
            head_loss = quantile_loss(out.quantiles, truth, n[batch].to(place))
            test_loss = detection_loss(out.score, truth)
            loss = options.table_weight * table_loss + options.quantile_weight * head_loss
            loss = loss + options.detection_weight * test_loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), options.gradient_clip)
            optimizer.step()
            update_average(average, net, warmed_up(options.ema_decay, step))
            totals["table_loss"] += table_loss.item()
            totals["quantile_loss"] += head_loss.item()
            totals["detection_loss"] += test_loss.item()
            step += 1
            bar.update()
    means = {name: total / config.steps_per_pool for name, total in totals.items()}
    if not math.isfinite(sum(means.values())):
        raise FloatingPointError(
            f"the loss is not finite in pool {index}: lower training.learning_rate"
        )
    return {**means, "learning_rate": rate}


def _forward(net: CopulaNet, histogram: Tensor, bfloat16: bool) -> CopulaOutput:
    with torch.autocast(histogram.device.type, torch.bfloat16, enabled=bfloat16):
        features = net.body(histogram)
    return net.read_out(histogram, features)


def _augment(reading: Tensor, scoring: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    offset = int(torch.randint(8, (1,), generator=generator))
    parts = range(8)
    return (
        torch.cat(
            [
                apply_symmetry(h, (i + offset) % 8)
                for i, h in zip(parts, reading.chunk(8), strict=False)
            ]
        ),
        torch.cat(
            [
                apply_symmetry(h, (i + offset) % 8)
                for i, h in zip(parts, scoring.chunk(8), strict=False)
            ]
        ),
    )


def learning_rate(step: int, config: CopulaTraining) -> float:
    """Linear warm-up, then cosine to zero."""
    options = config.training
    warm = min(1.0, (step + 1) / max(1, options.warmup_steps))
    return options.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / config.steps))


def _optimizer(net: CopulaNet, config: CopulaTraining) -> torch.optim.Optimizer:
    options = config.training
    return torch.optim.AdamW(
        net.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
