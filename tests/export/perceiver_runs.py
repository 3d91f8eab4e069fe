"""Trainings of the paper's network, and what they leave behind."""

from __future__ import annotations

import json

import torch
from infonet_export.perceiver.trainer import train_perceiver


def train(config, output, **options):
    lines = []
    model = train_perceiver(config, output, device="cpu", report=lines.append, **options)
    return model, lines


def log_rows(output, *without):
    rows = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in without} for row in rows]


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
