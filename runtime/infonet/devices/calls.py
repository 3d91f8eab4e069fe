"""Calls of a core: what they give, and which of them are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.devices.core import Call
from infonet.devices.gpu import Gpu
from infonet.devices.sizes import Chunk

KEPT = 8  # calls, and stages, with their memory and graphs


def empty_outputs(names: list[str], call: Call, count: int) -> dict[str, NDArray[np.float32]]:
    """Arrays [count, ...] for outputs of a core."""
    return {name: np.empty((count, *call.shapes[name][1:]), np.float32) for name in names}


def download(gpu: Gpu, call: Call, found: dict[str, NDArray[np.float32]], chunk: Chunk) -> None:
    """Fetch the outputs of a call, without its padding."""
    for name, array in found.items():
        part = array[chunk.start : chunk.start + chunk.count]
        gpu.download(call.outputs[name].address, part)


def kept(found: OrderedDict[Any, Any], key: Any, gpu: Gpu, make: Callable[[], Any]) -> Any:
    """Return the object kept for `key`; make it on a miss, dropping the least recently used."""
    if key not in found:
        while len(found) >= KEPT:
            gpu.sync()  # it may still be at work
            found.popitem(last=False)
        found[key] = make()
    found.move_to_end(key)
    return found[key]
