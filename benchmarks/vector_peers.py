"""Conditional-independence tests of others on the draws of `vectors.py --part power`.

    python3.11 -m venv /tmp/peers-venv
    /tmp/peers-venv/bin/pip install "tigramite==5.2.*" numba causal-learn "pyvinecopulib==1.0.*"
    python benchmarks/vector_peers.py [--n 500,1000] [--count 40,20] [--only KCI]
        [--out /tmp/peers-results] [--python /tmp/peers-venv/bin/python]

CMIknn (Runge 2018; tigramite, 200 shuffles, one thread) and KCI (Zhang et al. 2011; causal-learn,
as it comes) on the five alternatives and two common causes of `vector_conditions.py`. Draws are
saved to OUT/draws/NUMBER-N.npz, p-values and seconds of processor time to OUT/results.jsonl as they
come; what is there already is not run again. The tests run in an environment of their own:
tigramite and causal-learn bring numba, pandas and statsmodels.
"""

# ruff: noqa: E402

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np

SHUFFLES = 200
TESTS = ("KCI", "CMIknn")
OUT = Path("/tmp/peers-results")
SEED = 5


def cases():
    from vector_conditions import alternatives, nulls

    return alternatives() + nulls()


def draws(out, case, n, count, seed):
    """The first `count` draws, saved if they are not yet: arrays x_k, y_k, z_k."""
    path = out / "draws" / f"{case.number}-{n}.npz"
    arrays = {}
    if path.exists():
        with np.load(path) as saved:
            arrays = dict(saved)
    if f"x_{count - 1}" not in arrays:
        for k in range(count):
            rng = np.random.default_rng([seed, case.number, n, k])
            for name, values in zip("xyz", case.sample(rng, n), strict=True):
                arrays[f"{name}_{k}"] = values
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"part-{path.name}")  # a reader sees the old file or the new one
        np.savez(part, **arrays)
        part.replace(path)
    return path, [[arrays[f"{name}_{k}"] for name in "xyz"] for k in range(count)]


def results(out=OUT):
    """{(case, n, test, draw): (p, seconds)} of what has run so far."""
    path = out / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(r["case"], r["n"], r["test"], r["draw"]): (r["p"], r["seconds"]) for r in rows}


def cmi_knn():
    from tigramite.independence_tests.cmiknn import CMIknn

    def test(x, y, z):
        # A new object and seed each time, as one who tests one triple would have it
        peer = CMIknn(significance="shuffle_test", sig_samples=SHUFFLES, workers=1, seed=0)
        return peer.run_test_raw(x, y, z)[1]

    return test


def kci():
    from causallearn.utils.cit import CIT

    def test(x, y, z):
        np.random.seed(0)  # noqa: NPY002 - the global state is what causal-learn draws from
        return CIT(np.hstack([x, y, z]), "kci")(0, 1, list(range(2, 2 + z.shape[1])))

    return test


def work(jobs, out):
    """In the environment of the tests: jobs are lines of path, case, n, test, draw."""
    made = {"KCI": kci, "CMIknn": cmi_knn}
    ready = {}
    for job in jobs:
        with np.load(job["path"]) as saved:
            x, y, z = (saved[f"{name}_{job['draw']}"].astype(float) for name in "xyz")
        if job["test"] not in ready:
            ready[job["test"]] = made[job["test"]]()
            ready[job["test"]](x[:100], y[:100], z[:100])  # compiles
        start = time.process_time()
        p = float(ready[job["test"]](x, y, z))
        row = {name: job[name] for name in ("case", "n", "test", "draw")}
        row |= {"p": p, "seconds": round(time.process_time() - start, 4)}
        with (out / "results.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", default="500,1000")
    parser.add_argument("--count", default="40,20", help="draws at each n")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=TESTS)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--python", default="/tmp/peers-venv/bin/python")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return work(json.loads(arguments.worker.read_text()), arguments.out)
    sizes, counts = ([int(v) for v in text.split(",")] for text in (arguments.n, arguments.count))
    done = results(arguments.out)
    jobs = []
    for n, count in zip(sizes, counts, strict=True):
        for case in cases():
            path, _ = draws(arguments.out, case, n, count, arguments.seed)
            for test in [arguments.only] if arguments.only else TESTS:
                jobs += [
                    {"path": str(path), "case": case.name, "n": n, "test": test, "draw": k}
                    for k in range(count)
                    if (case.name, n, test, k) not in done
                ]
    jobs.sort(key=lambda job: (job["n"], job["draw"]))  # whatever is interrupted is even
    listed = arguments.out / f"jobs-{os.getpid()}.json"
    listed.write_text(json.dumps(jobs))
    command = [arguments.python, __file__, "--worker", listed, "--out", arguments.out]
    subprocess.run(command, check=True)
    listed.unlink()


if __name__ == "__main__":
    main()
