"""Cases and formulas for refitting vines/bounds.py; see `refit.py`.

Cases are those of `vector_families.py`. What the vine, the functions and the neighbours find of
each is noted as the estimate goes along.
"""

from contextlib import contextmanager

import numpy as np
from infonet.vines import bounds, estimate
from refit import Fit, check, interval_score
from vector_families import families
from vector_rejections import squeezed

SIZES = (500, 1_000, 5_000)


@contextmanager
def noted(notes):
    """Within it, the arguments of each interval and of each choice of a bound are noted."""
    interval, larger = estimate.interval, bounds._larger

    def note_interval(mi, error, p_value, doubt=None):
        notes.append(("interval", (mi, error, p_value, doubt)))
        return interval(mi, error, p_value, doubt)

    def note_choice(known, other):
        notes.append(("choice", (known, other)))
        return larger(known, other)

    estimate.interval, bounds._larger = note_interval, note_choice
    try:
        yield
    finally:
        estimate.interval, bounds._larger = interval, larger


def cases(estimator, options):
    """Every family at every n."""
    sizes = SIZES[:2] if options.few_sizes else SIZES
    for task in families():
        for n in sizes:
            for k in range(options.count):
                seed = [options.seed, task.number, n, k]
                yield (
                    f"{task.name} {n} {seed}",
                    lambda t=task, n=n, s=seed: case(estimator, t, n, np.random.default_rng(s)),
                )


def case(estimator, task, n, rng):
    x, y, _ = task.sample(rng, n)
    notes = []
    with noted(notes):
        found = estimator.estimate(squeezed(x), squeezed(y))
    (mi, error, p, doubt), *_ = (what for kind, what in notes if kind == "interval")
    choices = [what for kind, what in notes if kind == "choice"]
    others = [other.mi for _, other in choices] + [-1.0] * 3
    vine = choices[0][0].mi if choices else mi
    low, high = found.interval
    return {
        "family": task.name, "n": n, "truth": task.truth, "mi": mi, "error": error, "p": p,
        "columns": doubt.columns, "pairs": doubt.pairs, "read": doubt.read,
        "bad": float(doubt.low), "low": low, "high": high, "vine": vine,
        **{f"other {i}": others[i] for i in range(3)},
        **{f"samples {i}": choices[i][1].n if i < len(choices) else 1 for i in range(3)},
    }  # fmt: skip


def ends(constants, columns):
    """`bounds.interval` of all cases."""
    method, network, read, changing, weak = constants
    n, mi = columns["n"], columns["mi"]
    error = np.hypot(columns["error"], weak * np.sqrt(columns["read"] * columns["pairs"]) / n)
    share = method + network * columns["read"]
    above = read * columns["read"] + changing * columns["bad"]
    above = above * np.sqrt(columns["columns"] / n)
    width = np.hypot(bounds._QUANTILE * error, share * mi)
    low = np.where(columns["p"] <= bounds.SEEN, np.maximum(mi - width, 0), 0)
    return low, mi + width + above * mi


def chosen(constants, columns):
    """The largest bound of all cases, one after the other."""
    more, chance = constants
    found = columns["vine"]
    for i in range(3):
        other = columns[f"other {i}"]
        beyond = other > found + more + chance / np.sqrt(columns[f"samples {i}"])
        found = np.where(beyond, other, found)
    return found


def fits(columns):
    """The interval, and by how much another bound must be larger."""
    widths = (bounds._METHOD, bounds._NETWORK, bounds._READ, bounds._CHANGING, bounds._WEAK)
    check("interval of bounds", np.array(ends(widths, columns)),
          np.array([columns["low"], columns["high"]]))  # fmt: skip
    choice = bounds._MORE, bounds._CHANCE
    check("choice of bounds", chosen(choice, columns), columns["mi"])

    def everything(part):
        return part["truth"] > -1

    def holds(values, part):
        low, high = ends(values, part)
        return (low <= part["truth"]) & (part["truth"] <= high)

    return [
        Fit(
            "By how much another bound must find more (_PROMISING, which spares time, is kept)",
            ("bounds._MORE", "bounds._CHANCE"),
            choice,
            lambda v, part: (chosen(v, part) - part["truth"]) ** 2,
            everything,
        ),
        Fit(
            "The interval of several columns",
            (
                "bounds._METHOD", "bounds._NETWORK", "bounds._READ",
                "bounds._CHANGING", "bounds._WEAK",
            ),
            widths,
            lambda v, part: interval_score(*ends(v, part), part["truth"]),
            everything,
            holds,
        ),
    ]  # fmt: skip
