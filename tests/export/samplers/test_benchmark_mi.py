"""The tasks of benchmark-mi against the package itself, which needs an environment of its own.

    python -m venv bmi && bmi/bin/pip install benchmark-mi 'jax==0.4.33' 'jaxlib==0.4.33' \
        'equinox<0.11.9'
    INFONET_BMI_PYTHON=bmi/bin/python python -m pytest tests/export/test_benchmark_mi.py
"""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest
from infonet_export.samplers.benchmark_mi import TASKS
from scipy import stats

PYTHON = os.environ.get("INFONET_BMI_PYTHON", "")
N = 4000
PROGRAM = """
import sys
import numpy as np
from bmi.benchmark import BENCHMARK_TASKS
found = {}
for name, task in BENCHMARK_TASKS.items():
    if task.dim_x == task.dim_y == 1:
        x, y = task.sample(int(sys.argv[2]), 1)
        found[name] = np.concatenate([np.asarray(x), np.asarray(y)], 1).astype(float)
        found[name + " truth"] = task.mutual_information
np.savez(sys.argv[1], **found)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not PYTHON:
        pytest.skip("INFONET_BMI_PYTHON does not name a Python that has benchmark-mi")
    path = tmp_path_factory.mktemp("bmi") / "tasks.npz"
    done = subprocess.run(
        [PYTHON, "-c", PROGRAM, str(path), str(N)], capture_output=True, text=True, check=False
    )
    if "No module named 'bmi'" in done.stderr:
        pytest.skip(f"{PYTHON} has no benchmark-mi")
    assert done.returncode == 0, done.stderr
    with np.load(path) as arrays:
        return dict(arrays)


def test_the_same_tasks_and_truths(package):
    truths = {name: float(package[f"{name} truth"]) for name in package if "truth" not in name}
    assert set(truths) == set(TASKS)
    for name, mi in truths.items():
        assert TASKS[name].mi == pytest.approx(mi, abs=1e-3)


@pytest.mark.parametrize("name", list(TASKS))
def test_the_same_distribution(package, name):
    theirs = package[name]
    ours = TASKS[name].sample(np.random.default_rng(7), N)
    # both marginals, and two directions in which the dependence shows
    views = (lambda p: p[:, 0], lambda p: p[:, 1], lambda p: p.sum(1), lambda p: np.diff(p)[:, 0])
    for view in views:
        assert stats.ks_2samp(view(ours), view(theirs)).pvalue > 1e-4
    taus = [stats.kendalltau(*points.T).statistic for points in (ours, theirs)]
    assert taus[0] == pytest.approx(taus[1], abs=0.05)
