"""Sizes of the paper's network, and the two that its authors published."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Normalize = Literal["midrank", "over_n", "minmax"]
_LEAST = {"blocks": 0, "table_grid": 2}


@dataclass(frozen=True)
class PerceiverConfig:
    """Sizes of the network of Hu et al. (ICML 2024). Defaults are those of the softrank branch.

    latents, latent_dim: number and width of the latent vectors; latent_dim is a multiple of 16.
    table_grid: nodes a side of the look-up table, and width of the decoder; a multiple of 8.
    blocks: self-attention blocks of the encoder. widening: of the feed-forward layers.
    embedding: widths of the network that embeds one coordinate.
    read_heads, process_heads, query_heads, decode_heads: attention heads of the encoder's
        cross-attention, of its self-attention, of the query generator and of the decoder. They
        leave no trace in a checkpoint; the published code never changed them.
    eps, normalize: soft ranks that the network reads, attributes of the SoftRank kernel.
    n_min, n_max: range of the number of samples; the authors trained at n_max alone.
    """

    latents: int = 512
    latent_dim: int = 512
    table_grid: int = 1000
    blocks: int = 8
    widening: int = 1
    embedding: tuple[int, int] = (128, 512)
    read_heads: int = 8
    process_heads: int = 16
    query_heads: int = 8
    decode_heads: int = 4
    eps: float = 0.1
    normalize: Normalize = "minmax"
    n_min: int = 20
    n_max: int = 5000

    def __post_init__(self) -> None:
        for entry in fields(self):
            value, least = getattr(self, entry.name), _LEAST.get(entry.name, 1)
            if isinstance(entry.default, int) and (type(value) is not int or value < least):
                raise ValueError(
                    f"{entry.name} is {value!r}, it must be a whole number of at least {least}"
                )
        if len(self.embedding) != 2 or min(self.embedding) < 1:
            raise ValueError(f"embedding is {self.embedding}, it must be two positive numbers")
        for width, heads in (
            ("latent_dim", "read_heads"),
            ("latent_dim", "process_heads"),
            ("table_grid", "query_heads"),
            ("table_grid", "decode_heads"),
        ):
            size, count = getattr(self, width), getattr(self, heads)
            if size % count:
                raise ValueError(f"{width} is {size}, it must be a multiple of {heads} ({count})")
        if self.n_max < self.n_min:
            raise ValueError(f"n_max is {self.n_max}, it must be at least n_min ({self.n_min})")
        if self.normalize not in ("midrank", "over_n", "minmax"):
            raise ValueError(
                f"normalize is {self.normalize!r}, allowed are midrank, over_n and minmax"
            )
        if not 0 <= self.eps < float("inf"):
            raise ValueError(f"eps is {self.eps}, it must be 0 or above")


PRESETS = {
    "perceiver_softrank": PerceiverConfig(),
    "perceiver_rank": PerceiverConfig(
        latents=256, latent_dim=256, eps=0.0, normalize="over_n", n_max=2000
    ),
}
