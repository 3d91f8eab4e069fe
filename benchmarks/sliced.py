"""Independence testing with sliced mutual information: areas under the ROC curve.

    python benchmarks/sliced.py [--trials 100] [--projections 1024] [--alternatives one,all]

The experiment of InfoNet's notebook independence_test.ipynb (after Goldfeld & Greenewald, NeurIPS
2021): half of the trials draw dependent X and Y, half independent ones, and the sliced estimate is
to tell them apart. The independent ones serve all alternatives; the notebook draws new ones.
X and Z ~ N(0, I_d), n samples of both, and

    one   Y = (1 1'X / sqrt(d) + Z) / sqrt(2)      all coordinates of Y share one direction of X
    half  the same for each half of the coordinates, X's with Y's: two directions
    all   Y = (X + Z) / sqrt(2)                    coordinate i of Y shares coordinate i of X

"one" and "all" are test1 and test3 of the notebook. Its test2 has two equal branches and divides
signal and noise by d sqrt(2), so "half" is what it means: two features, scaled by sqrt(d / 2) so
that signal and noise are equally strong in every coordinate, as in the other two.

Beside ours, on the same samples: bias-corrected distance correlation (Szekely & Rizzo, 2013), and
the mean of -log(1 - r^2) / 2 over as many random projections, r the sample correlation: sliced
mutual information of an estimator that knows that the data are Gaussian. Published values are those
stored in the notebook. With 50 + 50 trials the standard error of an area of 0.8 is 0.04.

Statistics of finished cells are kept in --output, one JSON object a line, and not computed again.
"""

# ruff: noqa: E402

import os

# Before NumPy is loaded: one thread for its libraries.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import time
from pathlib import Path

import numpy as np
from infonet import Estimator
from scipy.spatial.distance import cdist
from sklearn.metrics import roc_auc_score

PUBLISHED = {  # of the first alternative, n = 50, 100, ... 300
    16: [0.9608, 1.0, 1.0, 1.0, 1.0, 1.0],
    128: [0.5972, 0.806, 0.8696, 0.9364, 0.9632, 0.9952],
}
ALTERNATIVES = ("one", "half", "all")
KINDS = ("none", *ALTERNATIVES)  # of data sets
SIZES = tuple(range(50, 301, 50))
STATISTICS = ("ours", "gaussian", "dcor")


def draw(alternative, n, d, rng):
    """(X, Y), [n, d] each; "none" for independent ones."""
    x, z = rng.standard_normal((2, n, d))
    if alternative == "none":
        return x, z
    if alternative == "all":
        return x, (x + z) / np.sqrt(2)
    parts = 1 if alternative == "one" else 2
    groups = np.repeat(np.arange(parts), d // parts)
    member = groups[:, None] == groups  # [d, d]: coordinates i of X that coordinate j of Y shares
    return x, (x @ member / np.sqrt(d / parts) + z) / np.sqrt(2)


def distance_correlation(x, y):
    """Bias-corrected distance correlation; the plain one is useless where d is not far below n."""

    def centred(samples):
        n = len(samples)
        distances = cdist(samples, samples)
        rows = distances.sum(axis=0) / (n - 2)
        distances += rows.sum() / (n - 1) - rows - rows[:, None]
        np.fill_diagonal(distances, 0)
        return distances

    a, b = centred(x), centred(y)
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def gaussian_sliced(x, y, projections, rng):
    """Sliced mutual information from correlations of projections."""
    px = (x - x.mean(axis=0)) @ rng.standard_normal((x.shape[1], projections))
    py = (y - y.mean(axis=0)) @ rng.standard_normal((y.shape[1], projections))
    squared = (px * py).sum(axis=0) ** 2 / ((px**2).sum(axis=0) * (py**2).sum(axis=0))
    return np.mean(-0.5 * np.log1p(-squared))


def run_cell(estimator, cell):
    """Statistics of all data sets of one cell, a list each."""
    scores = {name: [] for name in STATISTICS}
    start = time.perf_counter()
    for trial in range(cell["sets"]):
        where = KINDS.index(cell["kind"])
        rng = np.random.default_rng([cell["seed"], where, cell["d"], cell["n"], trial])
        x, y = draw(cell["kind"], cell["n"], cell["d"], rng)
        count, seed = cell["projections"], int(rng.integers(2**32))
        scores["ours"].append(estimator.sliced(x, y, count, seed, progress=False).mean)
        scores["gaussian"].append(gaussian_sliced(x, y, count, rng))
        scores["dcor"].append(distance_correlation(x, y))
    return {**scores, "seconds": round(time.perf_counter() - start, 1)}


def read_finished(path):
    """Finished cells by their settings; a line cut off by an interruption is skipped."""
    finished = {}
    text = path.read_text() if path.exists() else ""
    if text and not text.endswith("\n"):
        with path.open("a") as file:
            file.write("\n")  # or the next record would be lost, too
    for line in text.splitlines():
        try:
            record = json.loads(line)
            finished[key(record["cell"])] = record["result"]
        except (ValueError, KeyError, TypeError):
            print(f"skipped a line of {path} that is not whole")
    return finished


def key(cell):
    return json.dumps(cell, sort_keys=True)


def print_table(cells, finished):
    columns = ["alternative", "d", "n", "AUC", "published", "Gaussian plug-in"]
    columns += ["distance correlation", "SMI, dependent", "SMI, independent"]
    print(f"\n| {' | '.join(columns)} |\n|---{'|---:' * (len(columns) - 1)}|")
    for cell in cells:
        dependent = finished.get(key(cell))
        independent = finished.get(key({**cell, "kind": "none"}))
        if cell["kind"] == "none" or dependent is None or independent is None:
            continue
        labels = np.repeat([1, 0], cell["sets"])
        area = {
            name: roc_auc_score(labels, dependent[name] + independent[name]) for name in STATISTICS
        }
        published = "-"
        if cell["kind"] == "one" and cell["n"] in SIZES and cell["d"] in PUBLISHED:
            published = f"{PUBLISHED[cell['d']][SIZES.index(cell['n'])]:.3f}"
        print(
            f"| {cell['kind']} | {cell['d']} | {cell['n']} | {area['ours']:.3f} | {published} | "
            f"{area['gaussian']:.3f} | {area['dcor']:.3f} | {np.mean(dependent['ours']):.5f} | "
            f"{np.mean(independent['ours']):.5f} |"
        )


def names(text):
    chosen = text.split(",")
    if not set(chosen) <= set(ALTERNATIVES):
        raise argparse.ArgumentTypeError(f"{text}: choose from {','.join(ALTERNATIVES)}")
    return chosen


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="default: the model in the package")
    parser.add_argument("--trials", type=int, default=100, help="half of them dependent")
    parser.add_argument("--projections", type=int, default=1024)
    parser.add_argument("--alternatives", type=names, default=list(ALTERNATIVES))
    parser.add_argument("--dimensions", type=numbers, default=[16, 128])
    parser.add_argument("--sizes", type=numbers, default=list(SIZES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("runs/sliced.jsonl"))
    options = parser.parse_args()
    estimator = Estimator(options.model, threads=options.threads)
    cells = [
        {
            "model": estimator.model.checkpoint_sha256,
            "kind": kind,
            "d": d,
            "n": n,
            "sets": options.trials // 2,
            "projections": options.projections,
            "seed": options.seed,
        }
        for kind in ("none", *options.alternatives)
        for d in options.dimensions
        for n in options.sizes
    ]
    finished = read_finished(options.output)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for i, cell in enumerate(cells):
        if key(cell) not in finished:
            result = finished[key(cell)] = run_cell(estimator, cell)
            with options.output.open("a") as file:
                file.write(json.dumps({"cell": cell, "result": result}) + "\n")
        result = finished[key(cell)]
        print(
            f"{i + 1}/{len(cells)}: {cell['kind']}, d = {cell['d']}, n = {cell['n']}: "
            f"mean {np.mean(result['ours']):.5f} in {result['seconds']:.0f} s",
            flush=True,
        )
    print_table(cells, finished)


if __name__ == "__main__":
    main()
