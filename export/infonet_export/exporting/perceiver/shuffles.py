"""Permutations inside a graph: as good as random, and the same at every run."""

from __future__ import annotations

import torch
from torch import Tensor

_PRIME = 2**31 - 1  # squares of residues fit an int64
_COEFFICIENTS = ((1_103_515_245, 12_345), (69_069, 362_437), (16_807, 521_288_629))


def permutation(n: int, index: int) -> Tensor:
    """Permutation ``index`` of n samples, int64 [n]: positions sorted by a hash of them.

    The hash is three rounds of a quadratic map modulo a prime. (Random operators of ONNX would give
    another estimate at every call.)
    """
    key = torch.arange(n, dtype=torch.int64) + (index + 1) * 1_000_003
    for factor, offset in _COEFFICIENTS:
        key = (key * key % _PRIME * factor + key * 7_919 + offset) % _PRIME
    return torch.argsort(key)
