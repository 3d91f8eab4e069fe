"""Cost, memory, false alarms and delay of `infonet.Monitor`.

    python benchmarks/monitor.py [--window 5000] [--rows 1000000] [--windows 1000] [--part PART]

One thread. False alarms: independent variables (continuous, binary, counts) and variables of
constant dependence, --windows windows of 1,000 rows each; the stated number is an upper bound.
Delay: rows from a change of the correlation to the alert, in 20 streams. `given`: false alarms of
streams whose variables follow a cause that drifts, with the cause given and without; the delay and
the cost of an evaluation with it, both also as ratios. Nothing is asserted here.
"""

# ruff: noqa: E402

import os
import sys

# Before NumPy is loaded: its libraries would use every core.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import resource
import statistics
import time
from collections import Counter

import infonet
import infonet_kernels
import numpy as np

ESTIMATOR = infonet.Estimator(threads=1)
COMMON = {"estimator": ESTIMATOR}
CHUNK = 10_000


def gaussian(rho, n, random):
    x, noise = random.standard_normal((2, n))
    return np.stack([x, rho * x + np.sqrt(1 - rho**2) * noise], axis=1)


def median_us(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def peak_mb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def cost(window, rows):
    random = np.random.default_rng(0)
    monitor = infonet.Monitor(window, estimator=ESTIMATOR)
    print(f"\nTwo variables, window {window:,}, an evaluation every {monitor.stride} rows")
    peaks, seconds = {}, {"push": 0.0, "extend": 0.0}
    for part in range(rows // CHUNK):
        values = random.standard_normal((CHUNK, 2))
        as_lists = values.tolist()
        start = time.perf_counter()
        if part % 2:
            monitor.extend(values)
        else:
            for row in as_lists:
                monitor.push(row)
        seconds["extend" if part % 2 else "push"] += time.perf_counter() - start
        peaks[monitor.rows] = peak_mb()
    for name, value in seconds.items():
        print(f"  {name + ', all in':<38}{value / (rows / 2) * 1e6:8.2f} us a row")
    for at in (rows // 10, rows):
        print(f"  peak memory after {at:>9,} rows          {peaks[at]:8.1f} MB")
    evaluation(window, monitor, random)


def evaluation(window, monitor, random):
    """What an evaluation is made of, in turn."""
    values = random.standard_normal((window, 2))
    columns = list(np.ascontiguousarray(values.T))
    engine = ESTIMATOR.engine
    ranked, pair = engine.prepare(columns), np.array([[0, 1]])
    parts = {
        "evaluation": lambda: monitor._evaluate(0, None),
        "ranks of both columns": lambda: infonet_kernels.rank_columns(columns),
        "histogram and network": lambda: engine.run(ranked, pair),
        "push, without evaluation": lambda: [monitor._window.push(row) for row in values],
    }
    times = {name: [] for name in parts}
    for _ in range(20):
        for name, function in parts.items():
            times[name].append(median_us(function, 5 if "push" not in name else 1))
    times["push, without evaluation"] = [t / window for t in times["push, without evaluation"]]
    for name, found in times.items():
        print(f"  {name:<38}{statistics.median(found):8.2f} us")


STREAMS = {
    "independent, continuous": lambda n, r: r.standard_normal((n, 2)),
    "independent, binary": lambda n, r: r.integers(0, 2, (n, 2)),
    "independent, counts and continuous": lambda n, r: np.stack(
        [r.poisson(3, n), r.standard_normal(n)], axis=1
    ),
    "Gaussian, rho 0.3": lambda n, r: gaussian(0.3, n, r),
    "Gaussian, rho 0.9": lambda n, r: gaussian(0.9, n, r),
    "Gaussian, rho 0.6, rounded": lambda n, r: np.round(gaussian(0.6, n, r)),
}


def false_alarms(windows, stated=0.1, window=1000):
    print(f"\nFalse alarms in {windows} windows of {window:,} rows; stated: at most")
    print(f"{stated:g} in a window, so {stated * windows:g} expected at most")
    for name, draw in STREAMS.items():
        monitor = infonet.Monitor(window, false_alarms=stated, estimator=ESTIMATOR)
        random, found = np.random.default_rng(1), Counter()
        for _ in range(windows // 10):
            for one in monitor.extend(draw(10 * window, random)):
                found.update(alert.kind for alert in one.alerts)
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items())) or "none"
        print(f"  {name:<38}{counts}")


def delay(window, repeats=20):
    print(f"\nRows from a change to the alert, window {window:,}, {repeats} streams")
    for before, after in ((0.0, 0.3), (0.0, 0.1), (0.3, 0.5), (0.5, 0.0)):
        delays = []
        for seed in range(repeats):
            random = np.random.default_rng(seed)
            monitor = infonet.Monitor(window, estimator=ESTIMATOR)
            monitor.extend(gaussian(before, 4 * window, random))
            changed = monitor.extend(gaussian(after, 3 * window, random))
            rows = [alert.row for one in changed for alert in one.alerts]
            delays.append(rows[0] - 4 * window if rows else np.inf)
        shown = f"median {np.median(delays):6.0f}, longest {max(delays):6.0f}"
        print(f"  rho {before:g} to {after:<30g}{shown}")


class Course:
    """Rows of a stream and how a cause drifts along them, in windows of 1,000 or so many rows."""

    def __init__(self, rows, window, random):
        self.t, self.random = np.arange(rows), random
        # A strength that goes from 0 to 2 and back within 20 windows.
        self.strength = 1 - np.cos(2 * np.pi * self.t / (20 * window))
        self.window = window

    def normal(self, *shape):
        return self.random.standard_normal((*shape, self.t.size))


def no_cause(course):
    return np.zeros((2, course.t.size)), [course.normal()]


def load(course):
    z = course.normal()
    return course.strength * np.stack([z, np.tanh(2 * z)]), [z]


def scattering_load(course):
    """The load itself becomes larger and smaller."""
    z = (0.2 + course.strength) * course.normal()
    return np.stack([z, z**2 / 2]), [z]


def wandering_load(course):
    """A random walk drawn back to 0, standard deviation 1, with a memory of two windows."""
    keep = 1 - 1 / (2 * course.window)
    found, value = np.empty(course.t.size), course.random.standard_normal()
    for i, step in enumerate((np.sqrt(1 - keep**2) * course.normal()).tolist()):
        found[i] = value = keep * value + step
    return np.stack([found, 2 * found]), [found]


def hour(course):
    angle = 2 * np.pi * (course.t % 24) / 24
    return course.strength * np.stack([np.sin(angle), np.sin(angle + 1)]), [course.t % 24]


def counted_load(course):
    z = course.random.poisson(2 + course.strength).astype(float)
    return np.stack([z, z]), [z]


def load_and_hour(course):
    (first, (z,)), (second, (h,)) = load(course), hour(course)
    return first + second, [z, h]


def five_loads(course):
    z = course.normal(5)
    return np.stack([0.5 * course.strength * z.sum(axis=0)] * 2), list(z)


CAUSES = {
    "none, a column of noise is given": no_cause,
    "a load, followed more and less": load,
    "a load that scatters more and less": scattering_load,
    "a load that wanders": wandering_load,
    "the hour, followed more and less": hour,
    "a count that rises and falls": counted_load,
    "a load and the hour": load_and_hour,
    "five loads, followed more and less": five_loads,
}


def stream(cause, rho, rows, random, window=1000):
    """Rows of two variables that follow a cause, and the columns of it. Their partial correlation
    is `rho`, a number or one for each row."""
    follow, given = cause(Course(rows, window, random))
    a, b = random.standard_normal((2, rows))
    return np.stack([follow[0] + a, follow[1] + rho * a + np.sqrt(1 - rho**2) * b, *given], axis=1)


def names_of(rows):
    return ("x", "y", *(f"z{i}" for i in range(rows.shape[1] - 2)))


def false_alarms_given(windows, stated=0.1, window=1000):
    print(
        f"\nA cause that drifts: alerts in windows of {window:,} rows, in each at most {stated:g}"
    )
    print(
        "stated and one more to take it back; by a monitor without the cause, and given it. x and y"
    )
    print("are independent (rho 0), or of partial correlation 0.6")
    for name, cause in CAUSES.items():
        for rho in (0.0, 0.6):
            single = cause not in (load_and_hour, five_loads)
            count = windows if single else windows // 2
            rows = stream(cause, rho, count * window, np.random.default_rng(1))
            names = names_of(rows)
            without = infonet.Monitor(window, ("x", "y"), false_alarms=stated, **COMMON)
            given = infonet.Monitor(window, names, given=names[2:], false_alarms=stated, **COMMON)
            found = [
                sum(len(one.alerts) for one in monitor.extend(values))
                for monitor, values in ((without, rows[:, :2]), (given, rows))
            ]
            shown = f"stated {stated * count:g}, without {found[0]:>3}, given {found[1]:>3}"
            print(f"  {name:<38}rho {rho:g}, {count} windows: {shown}", flush=True)


def delay_given(window, repeats=20):
    print(f"\nRows from a change of the partial correlation to the alert, window {window:,},")
    print(
        f"{repeats} streams: given a load that is followed more and less; the same without a load"
    )
    for before, after in ((0.0, 0.3), (0.0, 0.1), (0.3, 0.5), (0.5, 0.0)):
        delays = {"given": [], "no load": []}
        rho = np.repeat([before, after], [4 * window, 3 * window])
        for seed in range(repeats):
            for name, cause in (("given", load), ("no load", no_cause)):
                rows = stream(cause, rho, rho.size, np.random.default_rng(seed), window)
                names = names_of(rows) if name == "given" else ("x", "y")
                monitor = infonet.Monitor(window, names, given=names[2:] or None, **COMMON)
                found = monitor.extend(rows[:, : len(names)])
                late = [a.row for one in found for a in one.alerts if a.row > 4 * window]
                delays[name].append(late[0] - 4 * window if late else np.inf)
        shown = "; ".join(
            f"{name}: median {np.median(rows):6.0f}, longest {max(rows):6.0f}"
            for name, rows in delays.items()
        )
        print(f"  rho {before:g} to {after:<6g}{shown}", flush=True)


def jump_given(window=1000, repeats=20):
    """The window that holds rows of before and after is no sample of one distribution."""
    print("\nStreams with an alert within a window after x and y begin to follow a load at once,")
    print(
        f"of {repeats}, window {window:,}: without it, given it, given it and the number of the row"
    )
    for strength in (0.5, 1.0, 2.0):
        counts = Counter()
        for seed in range(repeats):
            random, t = np.random.default_rng(seed), np.arange(3 * window)
            z, a, b = random.standard_normal((3, t.size))
            follow = np.where(t < 2 * window, 0.0, strength) * z
            rows = np.stack([follow + a, follow + b, z, t], axis=1)
            for names in (("x", "y"), ("x", "y", "z"), ("x", "y", "z", "row")):
                monitor = infonet.Monitor(window, names, given=names[2:] or None, **COMMON)
                found = monitor.extend(rows[:, : len(names)])
                counts[names] += any(a.row > 2 * window for one in found for a in one.alerts)
        shown = ", ".join(str(count) for count in counts.values())
        print(f"  strength {strength:<29g}{shown}", flush=True)


def cost_given(repeats=15):
    print("\nAn evaluation given others, as a ratio to one of the same variables without")
    random = np.random.default_rng(0)
    for window, watched, count in (
        *((window, 2, count) for window in (1000, 5000) for count in (1, 2, 5)),
        (1000, 10, 1),
        (5000, 10, 1),
    ):
        z = random.standard_normal((count, window))
        rows = np.stack([*(z.sum(axis=0) + random.standard_normal((watched, window))), *z], axis=1)
        names = [str(i) for i in range(watched + count)]
        options = {"false_alarms": 0.1, **COMMON}
        given = infonet.Monitor(window, names, given=names[watched:], **options)
        without = infonet.Monitor(window, names[:watched], **options)
        given.extend(rows)
        without.extend(rows[:, :watched])
        times = {given: [], without: []}
        for _ in range(repeats):
            for monitor, found in times.items():
                found.append(median_us(lambda monitor=monitor: monitor._evaluate(0, None), 1))
        with_, plain = (statistics.median(found) / 1e3 for found in times.values())
        what = f"{watched} variables, window {window:,}, {count} given"
        print(f"  {what:<40}{with_:8.2f} ms, without {plain:6.2f} ms, ratio {with_ / plain:5.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--part", choices=["all", "plain", "given"], default="all")
    options = parser.parse_args()
    print(f"infonet {infonet.__version__}, numpy {np.__version__}, one thread")
    if options.part in ("all", "plain"):
        cost(options.window, options.rows)  # first: the peaks of memory are its own
        delay(options.window)
        false_alarms(options.windows)
    if options.part in ("all", "given"):
        cost_given()
        jump_given()
        delay_given(options.window)
        false_alarms_given(options.windows)


if __name__ == "__main__":
    main()
