"""Processes that are forked after infonet was used: they work, end, and keep their exit codes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

START = """
import os, sys, time
{first}
import numpy as np, infonet
x, y = np.random.default_rng(0).standard_normal((2, 200))
estimator = infonet.Estimator(threads=2)
if "{first}":  # the compiled network asks nothing of ONNX Runtime
    from infonet.pairs.backend import CpuBackend
    from infonet.pairs.engine import PairEngine
    estimator.engine = PairEngine(CpuBackend(estimator.model, 2, use_compiled=False))
expected = estimator.estimate(x, x + y).mi

def child(work):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        sys.exit(work())
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, 9)
    return "hangs"
"""
WORK = """
assert child(lambda: 0) == 0
assert child(lambda: 7) == 7
assert child(lambda: 5 if estimator.estimate(x, x + y).mi == expected else 6) == 5
assert child(lambda: 5 if estimator.pairwise({"a": x, "b": x + y}).mi[0, 1] else 6) == 5
import atexit
atexit.register(lambda: print("atexit", flush=True))
assert child(lambda: 3) == 3
"""
POOL = """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.starmap(infonet.mutual_information, [(x, x + y)] * 4)
assert found == [expected] * 4
"""
# As a heavy model has it: a session with threads of its own.
THREADS = """
from infonet.model.load import load_model
from infonet.pairs.networks import Session
session = Session(load_model(infonet.model.load.DEFAULT_MODEL.with_name("copula.core.onnx")), 2)
histogram = np.ones((1, 128, 128), np.float32)
(before,) = session.run(["mi"], histogram)
assert child(lambda: 4) == 4
assert child(lambda: 5 if session.run(["mi"], histogram)[0] == before else 6) == 5
"""


def run(program, first=""):
    done = subprocess.run(
        [sys.executable, "-c", START.format(first=first) + program],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("first", ["", "import onnxruntime"], ids=["ours", "theirs"])
def test_forked_processes_end_with_their_exit_codes(first):
    """Whoever has imported ONNX Runtime first, with its telemetry or without."""
    assert run(WORK, first) == "atexit\natexit\n"


def test_pools_of_forked_processes():
    run(POOL)


def test_sessions_with_threads_are_opened_anew():
    run(THREADS)


def test_the_environment_stays_as_it_is():
    assert run('print(os.environ.get("ORT_DISABLE_TELEMETRY"))') == "None\n"
