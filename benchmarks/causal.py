"""PC on nonlinear graphs of ten nodes: skeletons by this package's test, KCI and Fisher's z.

    python3.11 -m venv /tmp/causal-venv
    /tmp/causal-venv/bin/pip install causal-learn onnxruntime click narwhals tqdm
    PYTHONPATH=runtime:kernels INFONET_KERNELS_LIBRARY=.../libinfonet_kernels.so \\
        /tmp/causal-venv/bin/python benchmarks/causal.py [--graphs 5] [--n 500] [--alpha 0.01]

Random graphs of 10 nodes and 12 edges; every node is the sum of nonlinear functions of its parents
and Gaussian noise. All three run in causal-learn's PC, on one thread. For each: F1, precision and
recall of the edges of the skeleton, mean over graphs, and seconds of processor time.
"""

# ruff: noqa: E402

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import time
from pathlib import Path

import numpy as np
from causallearn.search.ConstraintBased.PC import pc
from infonet.causal import register_causal_learn

NODES, EDGES = 10, 12
FUNCTIONS = (
    lambda x: np.sin(2 * x),
    lambda x: x**2 - 1,
    lambda x: np.abs(x) - 0.8,
    lambda x: np.tanh(2 * x),
    lambda x: np.cos(2 * x),
)


def sample(rng, n):
    """A graph as bool [nodes, nodes], parent in rows, and n samples of it [n, nodes]."""
    pairs = np.array(np.triu_indices(NODES, 1)).T
    graph = np.zeros((NODES, NODES), bool)
    for i, j in pairs[rng.permutation(len(pairs))]:
        if graph.sum() < EDGES and graph[:, j].sum() < 3:
            graph[i, j] = True
    data = np.empty((n, NODES))
    for j in range(NODES):
        value = rng.standard_normal(n) * (0.5 if graph[:, j].any() else 1)
        for i in np.flatnonzero(graph[:, j]):
            value = value + FUNCTIONS[rng.integers(len(FUNCTIONS))](data[:, i])
        data[:, j] = (value - value.mean()) / value.std()
    return graph, data


def scores(graph, found):
    truth, found = np.triu(graph | graph.T), np.triu(found | found.T)
    right = (truth & found).sum()
    return 2 * right / (truth.sum() + found.sum()), right / max(found.sum(), 1), right / truth.sum()


def processor():
    names = [s for s in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in s]
    return names[0].split(":")[1].strip() if names else "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--graphs", type=int, default=5)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--alpha", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", default="infonet,kci,fisherz")
    arguments = parser.parse_args()
    register_causal_learn()
    print(f"{processor()}, one thread; n = {arguments.n}, level {arguments.alpha}", flush=True)
    print("test      F1    precision  recall  seconds a graph")
    for test in arguments.tests.split(","):
        rows, seconds = [], 0.0
        for number in range(arguments.graphs + 1):  # the first one warms up
            graph, data = sample(np.random.default_rng([arguments.seed, number]), arguments.n)
            np.random.seed(0)  # noqa: NPY002 - the global state is what causal-learn draws from
            data = data[:60] if number == 0 else data
            start = time.process_time()
            found = pc(data, arguments.alpha, test, show_progress=False).G.graph != 0
            if number:
                seconds += time.process_time() - start
                rows.append(scores(graph, found))
        f1, precision, recall = np.mean(rows, axis=0)
        mean = seconds / arguments.graphs
        print(f"{test:9s} {f1:.2f}  {precision:.2f}       {recall:.2f}    {mean:.2f}", flush=True)


if __name__ == "__main__":
    main()
