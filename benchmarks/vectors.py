"""MI of several dimensions, conditional MI and tests, beside nearest neighbours, KCI and CMIknn.

    python benchmarks/vectors.py --part bmi [--samples DIR] [--seeds 5] [--only sparse] [--alone]
    python benchmarks/vectors.py --part mixtures|conditional|common-cause [--n 5000] [--count 5]
    python benchmarks/vectors.py --part levels|strong|strong-left [--n 500,2000,5000] [--count 100]
    python benchmarks/vectors.py --part rejections|series [--n 500,2000] [--count 200]
        [--saved /tmp/rejections.jsonl] [--minutes 9]
    python benchmarks/vectors.py --part coverage|families [--n 1000,5000] [--count 40]
    python benchmarks/vectors.py --part power [--peers /tmp/peers-results] [--count 100]
    python benchmarks/vectors.py --part speed [--repeats 15]

One part is one table of the documentation, in Markdown, of one thread but where it says otherwise.
bmi reads what `vector_samples.py` saved, power what `vector_peers.py` did; the rest draws from
`vector_tasks.py`, `vector_conditions.py`, `vector_levels.py` and `vector_strong.py`. KSG is that of
`vector_nearest.py`, k = 5, on standardised columns (--scores: on normal scores). rejections and
series (`vector_rejections.py`) keep p-values in a file and go on from there, if it is named. Nats.
"""

# ruff: noqa: E402

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import platform
import time
from pathlib import Path

import infonet
import numpy as np
import vector_levels
import vector_peers
import vector_rejections
import vector_speed
from vector_conditions import alternatives, causes, conditional, nulls
from vector_families import families
from vector_nearest import ksg, saved_ksg
from vector_rejections import LEVEL, squeezed
from vector_strong import strong
from vector_tasks import benchmark, interactions, mixtures

CURLED = ("spiral", "swissroll")
PUBLISHED = {  # mean |error|, n = 1,000, 5,000, 10,000: Franzese, Rossi & Michiardi 2026, table 2
    "Alice Base": (0.092, 0.063, 0.060),
    "MINDE": (0.353, 0.070, 0.065),
    "InfoNCE": (0.887, 0.123, 0.083),
    "MINE": (0.248, 0.117, 0.108),
    "KSG, as published": (0.288, 0.240, 0.219),
    "InfoAtlas": (0.253, 0.271, 0.276),
    "CCA": (0.195, 0.192, 0.181),
}


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def head(*cells):
    print()
    row(*cells)
    print("|---" + "|---:" * (len(cells) - 1) + "|", flush=True)


def timed(function, *arguments):
    start = time.perf_counter()
    found = function(*arguments)
    return found, time.perf_counter() - start


def draws(task, options, n):
    for k in range(options.count):
        yield task.sample(np.random.default_rng([options.seed, task.number, n, k]), n)


def estimated(estimator, x, y, z=None):
    given = None if z is None else squeezed(z)
    return timed(lambda: estimator.estimate(squeezed(x), squeezed(y), given=given))


def tested(x, y, z):
    return infonet.conditional_independence(squeezed(x), squeezed(y), squeezed(z))


def bmi(options, estimator):
    index = json.loads((options.samples / "index.json").read_text(encoding="utf-8"))
    index = [task for task in index if options.only in task["task"]]
    sizes = options.n or (1000, 5000, 10_000)
    ours = np.zeros((len(index), len(sizes), options.seeds))
    theirs, seconds, rival_seconds = np.zeros((3, *ours.shape))
    for i, task in enumerate(index):
        with np.load(options.samples / f"{task['task']}.npz") as saved:
            for j, n in enumerate(sizes):
                for k in range(options.seeds):
                    x, y = saved[f"x_{n}_{k}"], saved[f"y_{n}_{k}"]
                    found, seconds[i, j, k] = estimated(estimator, x, y)
                    ours[i, j, k] = found.mi
                    key = f"{task['task']} {n} {k}"
                    path = options.samples / "ksg.jsonl"
                    if not options.alone:
                        theirs[i, j, k], rival_seconds[i, j, k] = saved_ksg(path, key, x, y)
        print(f"\r{i + 1} of {len(index)}", end="", flush=True)
    truth = np.array([task["mi"] for task in index])
    names = [f"{n:,}" for n in sizes]
    head("task", "truth", *names, *(f"KSG {n}" for n in names), *(f"s {n}" for n in names))
    for i, task in enumerate(index):
        means = [f"{v:.3f}" for v in (*ours[i].mean(1), *theirs[i].mean(1))]
        row(task["task"], f"{truth[i]:.3f}", *means, *(f"{v:.3f}" for v in seconds[i].mean(1)))
    plain = np.array([not any(word in task["task"] for word in CURLED) for task in index])
    small = np.array([max(task["dim_x"], task["dim_y"]) <= 5 for task in index])
    head("mean |error|", *names, *(f"KSG {n}" for n in names))
    for title, kept in (
        (f"all {len(index)}", np.ones(len(index), bool)),
        (f"the {plain.sum()} neither spiral nor Swiss roll", plain),
        (f"the {small.sum()} of at most 5 + 5 dimensions", small),
    ):
        for kind, collapse in (
            (", of the mean of the draws", lambda v: abs(v.mean(-1) - truth[:, None])),
            (", of each draw", lambda v: abs(v - truth[:, None, None]).mean(-1)),
        ):
            errors = [collapse(v)[kept].mean(0) for v in (ours, theirs)]
            row(title + kind, *(f"{v:.4f}" for v in np.concatenate(errors)))
    if tuple(sizes) == (1000, 5000, 10_000):
        for name, figures in PUBLISHED.items():
            row(name, *(f"{v:.3f}" for v in figures), *[""] * 3)
    spent = [v.mean((0, 2)) for v in (seconds, rival_seconds)]
    row("seconds, mean of the tasks", *(f"{v:.2f}" for v in np.concatenate(spent)))


def accuracy(tasks, options, estimator):
    """The estimate beside KSG; relative errors are of single draws."""
    for n in options.n or (5000,):
        head(f"n = {n:,}", "truth", "± ", "ours", "relative error", "KSG", "its", "worse by", "s")
        ours, theirs = [], []
        for task in tasks:
            found, rival, seconds = [], [], []
            for x, y, z in draws(task, options, n):
                answer, spent = estimated(estimator, x, y, z)
                found.append(answer.mi)
                seconds.append(spent)
                rival.append(ksg(x, y, z, scores=options.scores))
            errors = [np.mean(np.abs(np.subtract(v, task.truth))) for v in (found, rival)]
            ours.append(errors[0] / task.truth)
            theirs.append(errors[1] / task.truth)
            row(
                task.name,
                f"{task.truth:.4f}",
                f"{task.error:.4f}" if task.error else "",
                f"{np.mean(found):.4f}",
                f"{ours[-1]:.1%}",
                f"{np.mean(rival):.4f}",
                f"{theirs[-1]:.1%}",
                f"{errors[0] - errors[1]:+.4f}",
                f"{np.median(seconds):.3f}",
            )
        row("mean", "", "", "", f"{np.mean(ours):.1%}", "", f"{np.mean(theirs):.1%}", "", "")


def common_cause(options, estimator):
    """What is estimated where there is nothing."""
    for n in options.n or (5000,):
        head(f"truth 0, n = {n:,}", "mean", "largest of the draws", "KSG", "its largest |MI|", "s")
        for task in causes():
            found, rival, seconds = [], [], []
            for x, y, z in draws(task, options, n):
                answer, spent = estimated(estimator, x, y, z)
                found.append(answer.mi)
                seconds.append(spent)
                rival.append(ksg(x, y, z, scores=options.scores))
            figures = np.mean(found), max(found), np.mean(rival), np.abs(rival).max()
            row(task.name, *(f"{v:.4f}" for v in figures), f"{np.median(seconds):.3f}")


def explained(tasks, options, _):
    """How often independence is rejected given the cause, and what is estimated instead of 0."""
    sizes = options.n or (500, 2000, 5000)
    titles = [f"n = {n:,}" for n in sizes]
    head(f"p <= {LEVEL}, {options.count} draws", *titles, *(f"mean MI, {t}" for t in titles))
    for task in tasks:
        if options.only in task.name:
            answers = [[tested(*draw) for draw in draws(task, options, n)] for n in sizes]
            shares = [np.mean([a.p_value <= LEVEL for a in found]) for found in answers]
            means = [np.mean([a.mi for a in found]) for found in answers]
            row(task.name, *(f"{v:.0%}" for v in shares), *(f"{v:.4f}" for v in means))


def power(options, _):
    """On the peers' draws, and on `count` draws of the same seed; `times`: of our median."""
    known = vector_peers.results(options.peers)
    peers = vector_peers.TESTS
    head(
        "rejections at 0.05",
        "n",
        "MI",
        f"ours, {options.count} draws",
        *(f"{name} (ours on the same draws)" for name in peers),
        "s",
        *(f"times, {name}" for name in peers),
    )
    for n in options.n or (500, 1000):
        for task in (*alternatives(), *nulls()):
            needed = {
                name: [k for case, size, test, k in known if (case, size, test) == key]
                for name in peers
                for key in [(task.name, n, name)]
            }
            most = max(options.count, *(1 + max(ks, default=-1) for ks in needed.values()))
            _, samples = vector_peers.draws(options.peers, task, n, most, vector_peers.SEED)
            answers = [timed(tested, *sample) for sample in samples]
            rejected = np.array([answer.p_value <= LEVEL for answer, _ in answers])
            own = np.median([seconds for _, seconds in answers])
            shares, times = [], []
            for name, ks in needed.items():
                if not ks:
                    shares.append("")
                    times.append("")
                    continue
                rows = np.array([known[task.name, n, name, k] for k in ks])
                share = np.mean(rows[:, 0] <= LEVEL)
                shares.append(f"{share:.0%} ({rejected[ks].mean():.0%}) of {len(ks)}")
                times.append(f"{np.median(rows[:, 1]) / own:,.0f}")
            ours = f"{rejected[: options.count].mean():.0%}"
            row(task.name, f"{n:,}", f"{task.truth:.3f}", ours, *shares, f"{own:.4f}", *times)


def coverage(tasks, options, estimator):
    """How often the 90 % interval holds the truth, and how far off the mean of the draws is."""
    sizes = options.n or (1000, 5000)
    head(
        f"coverage, {options.count} draws",
        "truth",
        *(f"n = {n:,}" for n in sizes),
        *["mean width"] * len(sizes),
        *["mean - truth"] * len(sizes),
    )
    shares = []
    for task in tasks:
        if options.only not in task.name:
            continue
        held, widths, off = [], [], []
        for n in sizes:
            found = [estimated(estimator, *draw)[0] for draw in draws(task, options, n)]
            ends = np.array([answer.interval for answer in found])
            held.append(np.mean((ends[:, 0] <= task.truth) & (task.truth <= ends[:, 1])))
            widths.append(np.mean(ends[:, 1] - ends[:, 0]))
            off.append(np.mean([answer.mi for answer in found]) - task.truth)
        shares.append(held)
        percent = [f"{v:.0%}" for v in held]
        row(task.name, f"{task.truth:.3f}", *percent, *(f"{v:.3f}" for v in widths + off))
    row("mean", "", *(f"{v:.0%}" for v in np.mean(shares, 0)), *[""] * 2 * len(sizes))


PARTS = {  # function, draws if not said
    "bmi": (bmi, 0),
    "mixtures": (lambda *a: accuracy(mixtures() + interactions(), *a), 5),
    "conditional": (lambda *a: accuracy(conditional(), *a), 5),
    "common-cause": (common_cause, 5),
    "levels": (lambda *a: explained(vector_levels.causes(), *a), 100),
    "strong": (lambda *a: explained(strong(0.0), *a), 100),
    "strong-left": (lambda *a: coverage(strong(0.6), *a), 40),
    "rejections": (lambda options, _: vector_rejections.rejections(options, head, row), 200),
    "series": (lambda options, _: vector_rejections.series(options, head, row), 200),
    "power": (power, 100),
    "coverage": (lambda *a: coverage(benchmark() + mixtures(1), *a), 40),
    "families": (lambda *a: coverage(families(), *a), 10),
    "speed": (lambda options, _: vector_speed.table(options.repeats, options.peers, head, row), 0),
}


def processor():
    with Path("/proc/cpuinfo").open() as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--n", type=lambda text: tuple(int(v) for v in text.split(",")))
    parser.add_argument("--count", "--draws", type=int, help="draws of each case")
    parser.add_argument("--saved", type=Path, help="file of p-values, to go on with")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of rejections, series")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--alone", action="store_true", help="bmi without KSG: its columns are 0")
    parser.add_argument("--scores", action="store_true", help="KSG on normal scores")
    parser.add_argument("--samples", type=Path, default=Path("/tmp/bmi-samples"))
    parser.add_argument("--seeds", type=int, default=5, help="of the saved samples")
    parser.add_argument("--peers", type=Path, default=vector_peers.OUT)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--permutations", type=int, default=199, help="of series")
    options = parser.parse_args()
    part, count = PARTS[options.part]
    options.count = options.count or count
    print(f"{options.part}, infonet {infonet.__version__}, {processor()}, one thread")
    part(options, infonet.Estimator(threads=1))


if __name__ == "__main__":
    main()
