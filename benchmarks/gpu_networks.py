"""End-to-end contestants: samples in the memory of the GPU in, mutual information out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PERMUTATIONS = 5  # of the published code


@dataclass(frozen=True)
class Contestant:
    """run: samples float32 [B, n, 2] on the GPU -> estimates. precision: of most products.
    ours: whether it is infonet's."""

    name: str
    precision: str
    ours: bool
    run: Callable[[Any], Any]


def infonet_on(device: str, model: Path | None) -> Contestant:
    """An estimator of infonet; its result stays on the GPU."""
    import infonet

    estimator = infonet.Estimator(model, device=device)
    precision = estimator.model.precision
    name = f"infonet, {device}, {precision}"
    return Contestant(name, precision, True, estimator.mi_on_device)


def paper_networks(preset: str, kinds: list[str]) -> list[Contestant]:
    """The paper's network in PyTorch, random weights: time does not depend on them.

    kinds: "published" (attention as the authors wrote it), "eager" (PyTorch's fused attention),
    "autocast" (eager, float16), "compile", "compile-autocast".
    """
    import torch
    from infonet_export.perceiver import PRESETS, Perceiver

    torch.manual_seed(0)
    net = Perceiver(PRESETS[preset]).cuda().eval()
    return [_paper(net, kind) for kind in kinds]


def _paper(net: Any, kind: str) -> Contestant:
    import torch
    from infonet_export.perceiver.network import Attention
    from perceiver import published_attention

    half = "autocast" in kind
    forward = torch.compile(net) if "compile" in kind else net

    def run(samples):
        fused = Attention.forward
        if kind == "published":
            Attention.forward = published_attention
        try:
            with torch.no_grad():
                return paper_mi(forward, samples, half)
        finally:
            Attention.forward = fused

    return Contestant(f"paper, PyTorch {kind}", "fp16" if half else "fp32", False, run)


def paper_mi(net: Callable[[Any], Any], samples: Any, half: bool = False) -> Any:
    """As published: soft ranks at eps = 0.1, network, and five shuffles on the device.

    At that eps soft ranks are scaling to [0, 1] (tests/kernels compare them), so no sort is charged
    to the paper's network; nor is one for the branch that ranks.
    """
    import torch
    from infonet_export.perceiver.read_out import axis_position, log_mean_exp_shuffled, look_up

    low, high = samples.amin(1, keepdim=True), samples.amax(1, keepdim=True)
    ranks = (samples - low) / (high - low)
    with torch.autocast(samples.device.type, torch.float16) if half else nullcontext():
        table = net(ranks).table
    table = table.float()
    x, y = (axis_position(ranks[..., axis], table.shape[-1]) for axis in (0, 1))
    n, device = samples.shape[1], samples.device
    orders = [torch.randperm(n, device=device) for _ in range(PERMUTATIONS)]
    return look_up(table, x, y).mean(1) - log_mean_exp_shuffled(table, x, y, orders)


def fitting(run: Callable[[Any], Any], samples: Any) -> Any:
    """``samples``, or the first half, quarter ... of them that the memory is enough for."""
    import torch

    while True:
        try:
            run(samples)
            torch.cuda.synchronize()
            return samples
        except torch.cuda.OutOfMemoryError:
            if len(samples) == 1:
                raise
        torch.cuda.empty_cache()
        samples = samples[: len(samples) // 2]
