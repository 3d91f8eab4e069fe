"""80 mutations of each kind of file; a longer run is benchmarks/fuzz_files.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_PATH = Path(__file__).parents[3] / "benchmarks" / "fuzz_files.py"
_spec = importlib.util.spec_from_file_location("fuzz_files", _PATH)
assert _spec is not None
assert _spec.loader is not None
fuzz_files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz_files)


@pytest.mark.usefixtures("operators")  # the whole model file is among them
@pytest.mark.parametrize("kind", fuzz_files.KINDS)
def test_mutated_files(kind, tmp_path):
    """Refused in one line, or the same answer; a damaged tile is computed again."""
    counts = fuzz_files.fuzz(kind, 80, 1, tmp_path)
    assert set(counts) <= {"refused", "same"}
    assert sum(counts.values()) == 80
    assert counts["same" if kind == "tile" else "refused"] > 60
