"""What the runtime imports, keeps and leaks."""

from __future__ import annotations

import gc
import subprocess
import sys

import infonet
import numpy as np
import psutil
import pytest

USE = """
import sys, infonet
early = {"onnxruntime", "narwhals", "tqdm", "click", "pandas", "polars"} & set(sys.modules)
assert not early, early
x = [i * 0.37 % 1 for i in range(50)]
infonet.mutual_information(x, x[::-1])
infonet.pairwise({"a": x, "b": x[::-1]})
late = {"torch", "onnx", "narwhals", "tqdm", "click", "pandas", "scipy", "infonet_export"}
late &= set(sys.modules)
assert not late, late
"""
COMMANDS = """
import sys
from click.testing import CliRunner
from infonet.cli import main
for command in (["--help"], ["--version"], ["demo"], ["info"], ["doctor"]):
    assert CliRunner().invoke(main, command).exit_code == 0, command
heavy = {"torch", "onnx", "infonet_export"} & set(sys.modules)
assert not heavy, heavy
"""

MODULES = """
import sys, infonet
late = {"infonet.causal", "infonet.plotting", "infonet.sklearn", "matplotlib", "sklearn"}
assert not late & set(sys.modules), late & set(sys.modules)
tests = infonet.causal.IndependenceTests({"a": [i % 7 for i in range(50)], "b": list(range(50))})
assert tests.samples == 50
assert infonet.plotting.plot_matrix is sys.modules["infonet.plotting"].plot_matrix
assert infonet.causal is sys.modules["infonet.causal"]
assert not hasattr(infonet, "casual")
sys.modules["sklearn"] = None
try:
    infonet.sklearn
except infonet.MissingExtraError as error:
    assert "pip install 'infonet[sklearn]'" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.parametrize(
    "code", [USE, COMMANDS, MODULES], ids=["library", "commands", "modules on demand"]
)
def test_nothing_heavy_is_imported(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_thousands_of_estimates_leak_nothing(estimator):
    """A leak of one table per estimate would be 40 MB."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 100))
    process = psutil.Process()

    def resident(calls):
        for _ in range(calls):
            estimator.estimate(x, y)
        gc.collect()
        return process.memory_info().rss

    before = resident(500)
    after = resident(2500)
    assert after - before < 5_000_000


def test_errors_leak_nothing(estimator):
    bad = np.full(100, np.nan)
    process = psutil.Process()

    def resident(calls):
        for _ in range(calls):
            with pytest.raises(infonet.InputError):
                estimator.estimate(bad, bad)
        gc.collect()
        return process.memory_info().rss

    before = resident(200)
    assert resident(2000) - before < 5_000_000
