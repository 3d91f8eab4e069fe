"""Little memory is one clear error, or slower, and never the end of the process."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import infonet
import numpy as np
import pytest
from infonet.errors import names_lack_of_memory

resource = pytest.importorskip("resource", reason="limits of memory are of POSIX")

# Each in a process of its own: what has been tried is seen in what is printed, aborts included.
CHILD = """
import json, resource, sys
import numpy as np, infonet

rng = np.random.default_rng(0)
x = rng.standard_normal((3000, 12))
sets = np.stack([x[:, [i, i + 1]] for i in range(10)] * 5)
estimator = infonet.Estimator(threads=4)
WHAT = {
    "open": lambda: infonet.Estimator(threads=4).estimate(x[:, 0], x[:, 1]).mi,
    "estimate": lambda: estimator.estimate(x[:, 0], x[:, 1]).mi,
    "mi": lambda: estimator.mi(sets).tolist(),
    "pairwise": lambda: estimator.pairwise(x).mi[0].tolist(),
    "output": lambda: estimator.pairwise(x, output=sys.argv[2], resume=False).mi[0].tolist(),
    "sliced": lambda: estimator.sliced(x[:, :6], x[:, 6:], 64).mean,
    "monitor": lambda: [
        found.estimates[0].mi
        for found in infonet.Monitor(500, 12, [(0, 1)], 250, estimator=estimator).extend(x[:1000])
    ],
}
work = WHAT[sys.argv[1]]
for extra in (0.2, 3, 9, 20, 30, 40, 55, None):
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limit = resource.RLIM_INFINITY if extra is None else size + int(extra * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    try:
        found = work()
    except Exception as error:
        found = error
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    kind = type(found).__name__ if isinstance(found, Exception) else "answer"
    print(json.dumps([extra, kind, str(found)]), flush=True)
"""


@pytest.mark.parametrize(
    "what", ["open", "estimate", "mi", "pairwise", "output", "sliced", "monitor"]
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_limits_of_the_address_space(what, tmp_path):
    command = [sys.executable, "-c", CHILD, what, str(tmp_path / "o.csv")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [extra for extra, _, _ in lines] == [0.2, 3, 9, 20, 30, 40, 55, None]
    assert {kind for _, kind, _ in lines} <= {"answer", "OutOfMemoryError"}
    answers = [text for _, kind, text in lines if kind == "answer"]
    assert lines[-1][1] == "answer"
    assert len(set(answers)) == 1, "fewer threads give the same numbers"
    assert np.isfinite(np.array(ast.literal_eval(answers[0].replace("nan", "0")))).all()
    assert not any("\n" in text for _, kind, text in lines if kind != "answer")


# Threads that fit are those that were started: 100 tasks, of which each waits for the others.
THREADS = """
import resource, sys, threading, time
from infonet.pairs.parallel import Progress, run_tiles

kind, megabytes = getattr(resource, sys.argv[1]), int(sys.argv[2])
pages = open("/proc/self/statm").read().split()
used = int(pages[0 if kind == resource.RLIMIT_AS else 5]) * resource.getpagesize()
resource.setrlimit(kind, (used + megabytes * 2**20, resource.RLIM_INFINITY))
names = set()

def task():
    names.add(threading.current_thread().name)
    time.sleep(0.05)
    return 1

with Progress(12, "task", False) as bar:
    run_tiles([task] * 12, 6, bar)
print(len(names))
"""


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
@pytest.mark.parametrize(("megabytes", "threads"), [(10, 1), (120, 1), (250, 2), (5000, 6)])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_threads_that_fit(kind, megabytes, threads):
    """A thread takes 96 MB of either: its stack, its heap, and room to work."""
    command = [sys.executable, "-c", THREADS, kind, str(megabytes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.stderr) == (f"{threads}\n", "")


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("two\nlines")])
def test_lack_of_memory_is_named(error):
    @names_lack_of_memory
    def work(raised):
        raise raised

    with pytest.raises(infonet.OutOfMemoryError, match="needs more memory than there is") as caught:
        work(error)
    assert isinstance(caught.value, MemoryError)
    assert "\n" not in str(caught.value)
    with pytest.raises(infonet.OutOfMemoryError, match="can't start new thread"):
        work(RuntimeError("can't start new thread"))
    for other in (RuntimeError("another"), infonet.InputError("ours")):
        with pytest.raises(type(other), match=str(other)):
            work(other)
