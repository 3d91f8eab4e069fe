"""Write random numbers of NumPy, for the test of the page's generator.

Usage: python numpy_draws.py FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

KEYS = ([0], [7], [0, 2**64 - 1, 1], [3, 5, 2**40, 2], [2**33, 1, 2, 3, 4, 5])


def draws(key: list[int]) -> dict[str, Any]:
    """All kinds of draws that the package makes, one after the other."""
    random = np.random.default_rng(key)
    row = np.arange(7)
    hypergeometric = [
        (5, 7, 6),
        (30, 40, 25),
        (100, 200, 50),
        (3, 900, 11),
        (0, 9, 4),
        (50, 60, 100),
    ]
    return {
        "key": [str(part) for part in key],
        "uniform": [random.random() for _ in range(5)],
        "permutation": random.permutation(1000).tolist(),
        "permuted": random.permuted(np.broadcast_to(row, (9, 7)), axis=1).tolist(),
        "integers": random.integers(0, 1000, 21).tolist(),
        "one": random.integers(0, 1, 3).tolist(),
        "hypergeometric": [
            [*arguments, int(random.hypergeometric(*arguments))]
            for arguments in hypergeometric * 30
        ],
        "exponential": random.standard_exponential(20_000).tolist(),
        "last": random.random(),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps([draws(key) for key in KEYS]), encoding="utf-8")
