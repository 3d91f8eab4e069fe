"""The portable file in other runtimes, beside `Estimator.mi`: largest differences, and times.

    python benchmarks/portable.py --node FOLDER --chromium --openvino PYTHON

FOLDER holds the node modules onnxruntime-node and onnxruntime-web (npm install, with
ONNXRUNTIME_NODE_INSTALL=skip in the environment), the latter also for --chromium, which needs the
packages of web/ (`make web`) and Debian's chromium; PYTHON is an interpreter with openvino and
numpy. Without these options only ONNX Runtime in Python is compared.

Continuous pairs of fewer than 20,000 samples, up to 3.5 nats, are compared with `Estimator.mi`.
Others, and those with ties, are compared with the model file with custom operators, bounded by the
kernels' entropy: there `Estimator.mi` counts, too, which the file leaves to the package. One
thread; the runtimes take turns, round by round, and the shortest time of each counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = (20, 33, 129, 500, 1000, 1151, 3000, 5000, 20_000, 100_000)
TIMED = (1000, 5000, 50_000)
ROUNDS, REPEATS = 5, 3
CONTINUOUS = ("normal", "independent", "cauchy", "exponential", "sine", "circle", "noisy step")
TIED = ("rounded", "steps", "zeros")
HERE = Path(__file__).parent

# What the other interpreter runs; it has no infonet.
OPENVINO = """
import json, sys, time
from pathlib import Path
import numpy as np, openvino
folder = Path(sys.argv[1])
plan = json.loads((folder / "sets.json").read_text())
core = openvino.Core()
settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
compiled = core.compile_model(folder / "model.onnx", "CPU", settings)
def read(s):
    return np.fromfile(folder / s["file"], np.float32).reshape(1, s["n"], 2)
answers = [float(compiled({"samples": read(s)})["mi"][0]) for s in plan["sets"]]
times = {}
for s in plan["timed"]:
    samples, spent = read(s), []
    compiled({"samples": samples})
    for _ in range(plan["repeats"]):
        start = time.perf_counter()
        compiled({"samples": samples})
        spent.append(1e3 * (time.perf_counter() - start))
    times[s["n"]] = spent
runtime = "OpenVINO " + openvino.__version__.split("-")[0]
answer = {"runtime": runtime, "answers": answers, "times": times}
(folder / "answers.json").write_text(json.dumps(answer))
"""


def draw(kind, n, seed):
    rng = np.random.default_rng([seed, n])
    x, noise = rng.standard_normal((2, n))
    y = {
        "independent": noise,
        "sine": np.sin(3 * x) + 0.1 * noise,
        "noisy step": (x > 0) + 0.05 * noise,
    }.get(kind, x + noise)
    if kind == "cauchy":
        x, y = x / rng.standard_normal(n), y**3
    elif kind == "exponential":
        x, y = np.exp(4 * x), np.exp(-y)
    elif kind == "circle":
        angle = rng.uniform(0, 2 * np.pi, n)
        x, y = np.cos(angle) + 0.05 * x, np.sin(angle) + 0.05 * noise
    elif kind == "rounded":
        x, y = np.round(x, 1), np.round(y, 1)
    elif kind == "steps":
        x, y = np.round(x), np.round(y)
    elif kind == "zeros":
        x = np.where(rng.random(n) < 0.7, 0, x)
    return np.stack([x, y], axis=1).astype(np.float32)


class Package:
    """`Estimator.mi`, and of tied pairs the file with custom operators."""

    def __init__(self):
        import infonet
        import infonet_kernels
        import onnxruntime

        self.estimator = infonet.Estimator(threads=1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.register_custom_ops_library(str(infonet_kernels.library_path()))
        path = str(infonet.load_model().path)
        self.whole = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def expected(self, kind, samples):
        from infonet.pairs.ranking import rank_columns

        mi = self.whole.run(["mi"], {"samples": samples[None]})[0][0]
        if kind in CONTINUOUS and len(samples) < 20_000 and mi <= 3.5:
            return float(self.estimator.mi(samples[None])[0])
        return float(min(mi, rank_columns(list(samples.T)).entropy.min()))

    def times(self, timed):
        return {str(n): spent(self.estimator.mi, samples[None]) for n, samples in timed.items()}


def spent(call, value):
    call(value)
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call(value)
        found.append(1e3 * (time.perf_counter() - start))
    return found


class Python:
    """ONNX Runtime in this process, without custom operators."""

    def __init__(self, model):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self.version = onnxruntime.__version__

    def run(self, samples):
        return self.session.run(["mi"], {"samples": samples})[0]


def other(command, folder, cwd=None):
    """Run another runtime on the folder and return what it wrote."""
    subprocess.run([*command, str(folder)], cwd=cwd, check=True)
    return json.loads((folder / "answers.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", type=Path, help="folder with node_modules")
    parser.add_argument("--chromium", action="store_true", help="onnxruntime-web there, too")
    parser.add_argument("--openvino", help="interpreter with openvino")
    given = parser.parse_args()
    if given.chromium and not given.node:
        parser.error("--chromium runs the onnxruntime-web of a folder: add  --node FOLDER")
    from infonet.model.portable import write_portable

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_portable(folder / "model.onnx")
        kinds = (*CONTINUOUS, *TIED)
        cases = [(kind, n, seed) for kind in kinds for n in SIZES for seed in (0, 1)]
        package, python = Package(), Python(folder / "model.onnx")
        expected, found, sets = [], [], []
        for index, case in enumerate(cases):
            samples = draw(*case)
            samples.tofile(folder / f"{index}.bin")
            sets.append({"n": case[1], "file": f"{index}.bin"})
            expected.append(package.expected(case[0], samples))
            found.append(float(python.run(samples[None])[0]))
        timed = {n: draw("normal", n, 2) for n in TIMED}
        for n, samples in timed.items():
            samples.tofile(folder / f"timed{n}.bin")
        runtimes = {}
        if given.node:
            modules = ["onnxruntime-node", "onnxruntime-web", *["chromium"] * given.chromium]
            for module in modules:
                runtimes[module] = ["node", str(HERE / "portable.mjs"), module], given.node
        if given.openvino:
            runtimes["OpenVINO"] = [given.openvino, "-c", OPENVINO], None
        answers = {f"onnxruntime {python.version} (Python)": found}
        times = {"Estimator.mi": [], next(iter(answers)): []}
        labels = {}
        for turn in range(ROUNDS):
            plan = {
                "sets": [] if turn else sets,
                "timed": [{"n": n, "file": f"timed{n}.bin"} for n in TIMED],
                "repeats": REPEATS,
            }
            (folder / "sets.json").write_text(json.dumps(plan))
            times["Estimator.mi"].append(package.times(timed))
            own = {str(n): spent(python.run, samples[None]) for n, samples in timed.items()}
            times[next(iter(answers))].append(own)
            for runtime, (command, cwd) in runtimes.items():
                answer = other(command, folder, cwd)
                if not turn:
                    labels[runtime] = answer["runtime"]
                    answers[labels[runtime]] = answer["answers"]
                times.setdefault(labels[runtime], []).append(answer["times"])
    show(cases, expected, answers, times)


def show(cases, expected, answers, times):
    continuous = np.array([kind in CONTINUOUS for kind, *_ in cases])
    print(f"{continuous.sum()} continuous and {(~continuous).sum()} tied data sets; {sys.platform}")
    heads = ["runtime", "continuous", "tied", *(f"n = {n:,}" for n in TIMED)]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    own = {n: min(t for turn in times["Estimator.mi"] for t in turn[str(n)]) for n in TIMED}
    for runtime, turns in times.items():
        row = [runtime]
        if runtime in answers:
            difference = np.abs(np.array(answers[runtime]) - expected)
            row += [f"{difference[continuous].max():.1e}", f"{difference[~continuous].max():.1e}"]
        else:
            row += ["", ""]
        for n in TIMED:
            best = min(t for turn in turns for t in turn[str(n)])
            row.append(f"{best:.2f} ms ({best / own[n]:.1f})")
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
