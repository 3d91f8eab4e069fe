"""The last stage of training: the test of independence, on weak dependence alone.

Most pairs of the training mix are plainly dependent, and teach a test nothing. So the rest of the
finished network is frozen, and the layers that give the score are trained on pairs that are hard
to tell from independent ones, with the features of all of them computed once.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from infonet_export.config import CHUNK, CopulaTraining
from infonet_export.models.copula import CopulaNet
from infonet_export.samplers.training_families import draw_weak
from infonet_export.training.losses import detection_loss
from infonet_export.training.pool import finite_samples, histogram, random_size
from infonet_export.training.workers import drawn_ahead

BATCH = 512
EPOCHS = 30
STREAM = 1_000_000  # seeds apart from those of the pools


def draw_weak_chunk(
    config: CopulaTraining, chunk: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """CHUNK histograms [CHUNK, G, G] and their truths: 0, or anything else for dependence."""
    rng = np.random.default_rng([config.training.seed, STREAM, chunk])
    grid = config.model.histogram_grid
    histograms, mi = np.empty((CHUNK, grid, grid), np.float32), np.empty(CHUNK, np.float32)
    with np.errstate(all="ignore"):
        for i in range(CHUNK):
            n = random_size(rng, config.model)
            distribution = draw_weak(rng, n)
            histograms[i] = histogram(finite_samples(distribution.sample(rng, n)), grid)
            mi[i] = distribution.mi
    return histograms, mi


def train_detection(net: CopulaNet, config: CopulaTraining) -> float:
    """Train ``net.test``, in place, on ``config.training.detection_pairs`` pairs.

    Returns the mean cross-entropy of the last pass (nats).
    """
    chunks = config.training.detection_pairs // CHUNK
    if not chunks:
        return math.nan
    tasks = ((config, chunk) for chunk in range(chunks))
    drawn = drawn_ahead(draw_weak_chunk, tasks, config.data.workers, ahead=8)
    evidence, truths = [], []
    for histograms, mi in tqdm(drawn, total=chunks, unit="chunk", desc="test", disable=None):
        with torch.no_grad():
            counts = torch.from_numpy(histograms)
            evidence.append(net.evidence(counts, net.body(counts))[0])
        truths.append(torch.from_numpy(mi))
    return _fit(net, torch.cat(evidence), torch.cat(truths), config.training.seed)


def _fit(net: CopulaNet, evidence: Tensor, mi: Tensor, seed: int) -> float:
    parameters = list(net.test.parameters())
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-4)
    steps = EPOCHS * math.ceil(len(mi) / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for _ in range(EPOCHS):
        total = 0.0
        for batch in torch.randperm(len(mi), generator=generator).split(BATCH):  # type: ignore[no-untyped-call]
            loss = detection_loss(net.test(evidence[batch]).flatten(), mi[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
    for parameter in parameters:
        parameter.requires_grad_(False)
    return total / len(mi)
