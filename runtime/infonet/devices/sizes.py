"""How many pairs go to a GPU at a time.

Sizes are fixed, so that each needs one CUDA graph: what is left over is padded to a size, and what
the padding gives is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infonet.engine_file import Profile, Shape
from infonet.errors import InputError

# Pairs of a call of the copula model: 1,024 fill a GPU of 132 multiprocessors.
_LIGHT = (1, 4, 16, 64, 256, 1024)
_HEAVY = (1, 2, 4, 8, 16, 32, 64)
# Samples of a call: of kernels (up to three buffers of 128 MB), and of the paper's network, whose
# attention takes some 10 KB a sample in float32.
_SAMPLES, _HEAVY_SAMPLES = 2**24, 2**17


@dataclass(frozen=True)
class Chunk:
    """Pairs from `start` on, `count` of them, in a call of `size` pairs."""

    start: int
    count: int
    size: int


def split(count: int, sizes: Sequence[int]) -> list[Chunk]:
    """Calls for `count` pairs.

    Args:
        count: from 0.
        sizes: of calls, ascending.
    """
    chunks, start = [], 0
    while start < count:
        left = count - start
        fitting = [size for size in sizes if size <= left]
        above = [size for size in sizes if size >= left]
        # Pad to the next size if more than half of it is used: that costs less than another call.
        padded = bool(above) and (not fitting or 2 * left > above[0])
        size = above[0] if padded else fitting[-1]
        chunks.append(Chunk(start, min(left, size), size))
        start += size
    return chunks


def graph_sizes(n: int, heavy: bool) -> tuple[int, ...]:
    """Sizes of calls of an ONNX graph for sets of n samples, ascending; 1 is always one."""
    sizes, samples = (_HEAVY, _HEAVY_SAMPLES) if heavy else (_LIGHT, _SAMPLES)
    return tuple(size for size in sizes if size == 1 or size * n <= samples)


def profile_sizes(profiles: Sequence[Profile], rest: Shape, n: int) -> dict[int, int]:
    """Sizes of calls of an engine, ascending, and the position of the profile of each.

    The sizes are those that profiles were optimised for, their largest, and 1; of two profiles that
    cover a size, the first counts.

    Args:
        profiles: of the engine.
        rest: shape of its input but for the batch.
        n: samples of a set.

    Raises:
        InputError: no profile is for such an input.
    """
    found: dict[int, int] = {}
    for index, profile in enumerate(profiles):
        for size in (profile.min[0], profile.opt[0], profile.max[0]):
            if (size > 1 or profile.min[0] == 1) and profile.covers((size, *rest)):
                if size == profile.min[0] > 1 and size not in (profile.opt[0], profile.max[0]):
                    continue
                found.setdefault(size, index)
    if not found:
        ranges = ", ".join(f"{p.name}: {_range(p)}" for p in profiles)
        raise InputError(
            f"the engine has no profile for {'x'.join(map(str, rest))} after the batch, but for "
            f"{ranges}: build it with a profile for {n} samples, infonet build --profile "
            "NAME=min:opt:max"
        )
    small = {size: index for size, index in found.items() if size * n <= _SAMPLES}
    return dict(sorted((small or {min(found): found[min(found)]}).items()))


def _range(profile: Profile) -> str:
    low, high = ("x".join(map(str, shape[1:])) for shape in (profile.min, profile.max))
    return low if low == high else f"{low} to {high}"
