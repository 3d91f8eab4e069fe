"""The paper's network in NumPy and float64, one sample set and one head at a time.

Written from the paper and from the names and shapes in the published checkpoints, which it reads as
they are. Slow on purpose: nothing is folded, fused or shared.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erf


def run(weights, ranks, read=8, process=16, query=8, decode=4):
    """weights: published state dictionary; ranks [n, 2] -> latents, query, raw table, table."""
    p = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    ranks = np.asarray(ranks, np.float64)
    latents = _cross(p, "encoder.cross_attn_block", p["encoder.latents"], ranks, read)
    for i in range(sum(".norm.weight" in name and "self_attn_block" in name for name in p)):
        latents = _self(p, f"encoder.self_attn_block.{i}", latents, process)
    queries = _query(p, ranks, query)
    raw = _cross(p, "decoder.cross_attn", queries, latents, decode)
    return latents, queries, raw, smooth(raw, p["mild.kernel"][0, 0])


def smooth(table, kernel):
    """Correlation with zeros outside, by shifting the table."""
    reach = len(kernel) // 2
    padded = np.pad(table, reach)
    result = np.zeros_like(table)
    for i in range(len(kernel)):
        for j in range(len(kernel)):
            result += kernel[i, j] * padded[i : i + len(table), j : j + len(table)]
    return result


def bilinear(table, x, y):
    """Value of a table over [-1, 1]^2 (rows: y) at one point each, the nearest edge beyond."""
    size = len(table)
    result = np.empty(len(x))
    for k, (a, b) in enumerate(zip(x, y, strict=True)):
        column, row = (min(max((c + 1) / 2 * (size - 1), 0), size - 1) for c in (a, b))
        j, i = (min(int(c), size - 2) for c in (column, row))
        u, v = column - j, row - i
        result[k] = (
            table[i, j] * (1 - u) * (1 - v)
            + table[i, j + 1] * u * (1 - v)
            + table[i + 1, j] * (1 - u) * v
            + table[i + 1, j + 1] * u * v
        )
    return result


def donsker_varadhan(table, ranks):
    """The bound with all n^2 pairs, one by one (nats)."""
    table, (x, y) = np.asarray(table, np.float64), np.asarray(ranks, np.float64).T
    joint = bilinear(table, x, y).mean()
    pairs = bilinear(table, np.repeat(x, len(y)), np.tile(y, len(x)))
    top = pairs.max()
    return joint - (math.log(np.exp(pairs - top).mean()) + top)


def _query(p, ranks, heads):
    tokens = _norm(p, "query_gen.norm_q", p["query_gen.query"][0])
    # the x branch reads y as well: mlp_y is never used
    keys = _norm(p, "query_gen.norm_k", _mlp(p, ranks[:, :1]))
    values = _norm(p, "query_gen.norm_v", _mlp(p, ranks[:, 1:]))
    return _attention(p, "query_gen.attention", tokens, keys, values, heads)


def _mlp(p, x):
    for layer in (0, 2):
        x = _linear(p, f"query_gen.mlp_x.{layer}", x)
        x = np.where(x > 0, x, 0.01 * x)
    return _linear(p, "query_gen.mlp_x.4", x)


def _cross(p, name, x, source, heads):
    inner = f"{name}.cross_attention"
    source = _norm(p, f"{inner}.kv_norm", source)
    normed = _norm(p, f"{inner}.q_norm", x)
    x = x + _attention(p, f"{inner}.attention", normed, source, source, heads)
    return x + _feed_forward(p, f"{name}.mlp.mlp", x)


def _self(p, name, x, heads):
    normed = _norm(p, f"{name}.self_attention.norm", x)
    x = x + _attention(p, f"{name}.self_attention.attention", normed, normed, normed, heads)
    return x + _feed_forward(p, f"{name}.mlp.mlp", x)


def _feed_forward(p, name, x):
    x = _linear(p, f"{name}.1", _norm(p, f"{name}.0", x))
    return _linear(p, f"{name}.3", x * 0.5 * (1 + erf(x / math.sqrt(2))))


def _attention(p, name, queries, keys, values, heads):
    queries = _linear(p, f"{name}.qeury", queries)
    keys, values = _linear(p, f"{name}.key", keys), _linear(p, f"{name}.value", values)
    width = queries.shape[1] // heads
    mixed = np.empty_like(queries)
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = queries[:, part] @ keys[:, part].T / math.sqrt(width)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed[:, part] = shares / shares.sum(axis=1, keepdims=True) @ values[:, part]
    return _linear(p, f"{name}.projection", mixed)


def _linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def _norm(p, name, x):
    centred = x - x.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return centred / scale * p[f"{name}.weight"] + p[f"{name}.bias"]
