"""Cases and formulas for refitting pairs/cells.py, sharp.py and refine.py; see `refit.py`.

Cases are continuous families of samplers.held_out.CALIBRATION, those of `sharp` at parameters that
make them sharper than calibration draws them, and at truths that are spread evenly; among them is
one with branches, a Lissajous curve of little noise.
"""

import numpy as np
from infonet.model.libraries import kernels
from infonet.pairs import cells, refine, sharp
from infonet.pairs.engine import ONE_PAIR
from infonet.pairs.neighbours import terms_of_scores
from infonet_export.samplers import held_out, simplex
from infonet_export.samplers.additive import NoisyCurve
from infonet_export.samplers.distribution import Distribution, log_uniform
from refit import Fit, check, interval_score
from scipy.optimize import brentq
from scipy.spatial import cKDTree
from scipy.stats import rankdata

TIED = ("logistic-label",)  # other rules are for them
CELL_SIZES = (20_000, 50_000, 100_000, 200_000, 1_000_000)
SHARP_SIZES = (2_000, 5_000, 20_000, 50_000, 100_000)
LEAST, MOST = 2.5, 8.0  # nats of the sharp ones
ROOM = 1.5  # nats below log n beyond which no estimate of a sharp case can be asked for


def mid_ranks(samples):
    """float32 [2, n]; in double precision, which the tails of sharp samples need."""
    return ((rankdata(samples, axis=0) - 0.5) / len(samples)).T.astype(np.float32)


def read(estimator, ranks):
    """What both parts need of a pair: the network's estimate, and counts."""
    engine = estimator.engine
    prepared = engine.prepare([*ranks])
    return float(engine.run(prepared, ONE_PAIR, refine=False).mi[0]), prepared.rows


def counts(rows, module):
    """What the three smallest classes of cells told, and all from the smallest on."""
    divisions = max(1, min(4, module._DIVISIONS // rows[0].size))
    told = kernels().cell_information(rows[0], rows[1], module._FEWEST, divisions)
    return [*map(float, told[module._CLASS :][:3]), float(told[module._CLASS :].sum())]


def cell_cases(estimator, options):
    """Every calibration family at every n."""
    sizes = CELL_SIZES[:3] if options.few_sizes else CELL_SIZES
    for number, (name, family) in enumerate(held_out.CALIBRATION.items()):
        for n in sizes if name not in TIED else ():
            for k in range(options.count):
                seed = [options.seed, number, n, k]
                yield (
                    f"{name} {n} {seed}",
                    lambda f=family, n=n, s=seed: cell_case(
                        estimator, f, n, np.random.default_rng(s)
                    ),
                )


def cell_case(estimator, family, n, rng):
    distribution = family(rng)
    network, rows = read(estimator, mid_ranks(distribution.sample(rng, n)))
    found, (low, _, high), _ = cells.by_cells(network, *rows)
    last, before, first, resolved = counts(rows, cells)
    return {
        "family": distribution.name, "n": n, "truth": distribution.mi, "network": network,
        "last": last, "before": before, "first": first, "resolved": resolved,
        "found": found, "low": float(low), "high": float(high),
    }  # fmt: skip


def counted(times, columns):
    """`cells.extrapolated` of all cases."""
    prior = cells._PRIOR / np.sqrt(columns["n"])
    last, before, first = (np.maximum(columns[name], 0) for name in ("last", "before", "first"))
    ratios = [
        (smaller + cells._RATIO * prior) / (larger + prior) - cells._RATIO
        for smaller, larger in ((last, before), (before, first))
    ]
    beyond = times[0] + times[1] * ratios[0] + times[2] * ratios[1]
    return columns["resolved"] + np.clip(beyond, 0, cells._MOST) * columns["before"]


def blended(noise, unsure, values, columns):
    """`cells.by_cells` of all cases, of estimates by counts."""
    open_part = np.maximum(columns["before"], 0)
    error = np.hypot(noise / np.sqrt(columns["n"]), unsure * open_part)
    apart = columns["network"] - values
    return np.maximum(values + apart / (1 + (apart / (cells._FAR * error)) ** 4), 0)


def cell_ends(constants, columns):
    """The interval of all cases, about the committed estimates."""
    strong, weak, of_open, left = constants
    found, open_part = columns["found"], np.maximum(columns["before"], 0)
    spread = np.sqrt((strong * -np.expm1(-2 * found) + weak) / columns["n"])
    reach = cells._WIDTH * np.sqrt(spread**2 + (of_open * open_part) ** 2 + left**2)
    return np.maximum(found - reach, 0), found + reach


def cell_fits(columns):
    """What is extrapolated, where the network gives way to counts, and the interval."""
    blend = cells._NOISE, cells._UNSURE
    widths = cells._STRONG, cells._WEAK, cells._OPEN, cells._LEFT
    truth = columns["truth"]
    check("cells", blended(*blend, counted(cells._TIMES, columns), columns), columns["found"])
    check("interval of cells", np.array(cell_ends(widths, columns)),
          np.array([columns["low"], columns["high"]]))  # fmt: skip

    def holds(values, part):
        low, high = cell_ends(values, part)
        return (low <= part["truth"] + 1e-9) & (part["truth"] <= high)

    def everything(part):
        return part["truth"] > -1

    print_by_size(
        {"network": columns["network"], "counts": counted(cells._TIMES, columns),
         "runtime": columns["found"]}, truth, columns)  # fmt: skip
    return [
        Fit(
            "What smaller cells would tell (_RATIO, _PRIOR and _MOST are kept)",
            ("cells._TIMES[0]", "cells._TIMES[1]", "cells._TIMES[2]"),
            cells._TIMES,
            lambda v, part: (counted(v, part) - part["truth"]) ** 2,
            everything,
        ),
        Fit(
            "Where counts displace the network (_FAR is kept: it only scales both)",
            ("cells._NOISE", "cells._UNSURE"),
            blend,
            lambda v, part: (blended(*v, counted(cells._TIMES, part), part) - part["truth"]) ** 2,
            everything,
        ),
        Fit(
            "The interval of many samples (_WIDTH is kept: it only scales all)",
            ("cells._STRONG", "cells._WEAK", "cells._OPEN", "cells._LEFT"),
            widths,
            lambda v, part: interval_score(*cell_ends(v, part), part["truth"]),
            everything,
            holds,
        ),
    ]


def print_by_size(estimates, truth, columns):
    """RMSE of the network, of counts and of the runtime: where each is the best."""
    print("\n| n | " + " | ".join(f"RMSE, {name}" for name in estimates) + " |")
    print("|---:|" + "---:|" * len(estimates))
    for n in np.unique(columns["n"]):
        kept = columns["n"] == n
        errors = [np.sqrt(np.mean((v - truth)[kept] ** 2)) for v in estimates.values()]
        print(f"| {n:,} | " + " | ".join(f"{error:.4f}" for error in errors) + " |")


def sharp_shapes(rng):
    """Calibration families made as sharp as one parameter says, which grows with MI."""
    c = log_uniform(rng, 0.5, 8)
    return {
        "plackett": (held_out.plackett_of, 5.0, 23.0),
        "shared-exponential": (lambda t: held_out.shared_exponential_of(1 / t), 1.0, 14.0),
        "dirichlet": (lambda t: simplex.dirichlet_of(t, t, c), 2.0, 22.0),
        "common-divisor": (lambda t: simplex.common_divisor_of(t, t, c), 2.0, 22.0),
    }


def sharp_lissajous(rng):
    """A curve that crosses itself, of so many normal components that they merge; MI falls with the
    logarithm of their width.

    Entropies of margins are integrals; that of both is the mean log density of 50,000 points, 0.005
    nats off, for which components further away than 7 standard deviations count for nothing.
    """
    a, b = ((1, 2), (2, 1), (1, 3), (3, 2), (2, 3))[int(rng.integers(5))]
    phase, noise = rng.uniform(0, 2 * np.pi), log_uniform(rng, 2e-4, 5e-3)
    count = int(2 * np.pi * np.hypot(a, b) / noise)
    t = 2 * np.pi * (np.arange(count) + 0.5) / count
    path = np.stack([np.cos(a * t), np.sin(b * t + phase)], 1)
    shares = np.full(count, 1 / count)

    def sample(r, n):
        return path[r.integers(count, size=n)] + noise * r.standard_normal((n, 2))

    points = sample(np.random.default_rng(0), 50_000)
    near = cKDTree(path).query_ball_point(points, 7 * noise)
    who = np.repeat(np.arange(len(points)), [len(found) for found in near])
    squares = ((points[who] - path[np.concatenate(near).astype(int)]) ** 2).sum(1)
    density = np.bincount(who, np.exp(-0.5 * squares / noise**2))
    joint = np.log(count * 2 * np.pi * noise**2) - np.log(density).mean()
    # of a margin: what it tells of the curve, and the entropy of the noise
    margins = sum(NoisyCurve(values, shares, noise).mi() for values in path.T)
    mi = margins + np.log(2 * np.pi * np.e * noise**2) - joint
    return Distribution("lissajous", float(mi), sample)


def sharp_cases(estimator, options):
    """Every shape at every n, the truth drawn evenly."""
    sizes = SHARP_SIZES[:3] if options.few_sizes else SHARP_SIZES
    names = [*sharp_shapes(np.random.default_rng(0)), "lissajous"]
    for number, name in enumerate(names):
        for n in sizes:
            for k in range(options.count):
                seed = [options.seed, 100 + number, n, k]
                yield (
                    f"{name} {n} {seed}",
                    lambda a=name, n=n, s=seed: sharp_case(
                        estimator, a, n, np.random.default_rng(s)
                    ),
                )


def sharp_case(estimator, name, n, rng):
    if name == "lissajous":
        distribution = sharp_lissajous(rng)
    else:
        of, low, high = sharp_shapes(rng)[name]
        wanted = rng.uniform(LEAST, MOST)
        log_t = brentq(lambda t: of(np.exp(t)).mi - wanted, low, high, xtol=1e-4)
        distribution = of(float(np.exp(log_t)))
    base, rows = read(estimator, mid_ranks(distribution.sample(rng, n)))
    left_open = 0.0
    if n >= refine.LARGE:
        base, _, left_open = cells.by_cells(base, *rows)
    other, (low, _, high) = sharp.beyond_the_grid(*rows)
    last, before, first, resolved = counts(rows, sharp)
    near = float("nan")
    if n <= sharp._MOST_SAMPLES:
        near = float(terms_of_scores(*map(sharp._scores, rows)).mean())
    return {
        "family": name, "n": n, "truth": distribution.mi, "base": base, "near": near,
        "last": last, "before": before, "first": first, "resolved": resolved,
        "other": other, "low": float(low), "high": float(high), "open": left_open,
    }  # fmt: skip


def halved(times, columns):
    """`sharp.beyond_the_grid` of all cases: the estimate, and what both halves differ by."""
    values = counted(times, columns)
    near = np.where(np.isnan(columns["near"]), values, columns["near"])
    return np.maximum((values + near) / 2, 0), values - near


def sharp_ends(constants, columns):
    """The interval of all cases, about the committed estimates."""
    of_apart, scale, of_last, still_open, wholly = constants
    found, apart = halved(sharp._TIMES, columns)
    last = np.maximum(columns["before"], 0)
    reach = np.hypot(sharp._WIDTH / np.sqrt(columns["n"]), of_apart * apart)
    reach = reach + scale * found + of_last * last
    if wholly <= still_open:
        return np.zeros(len(found)), np.full(len(found), np.inf)  # no such constants
    beyond = np.clip((last / np.log(2) - still_open) / (wholly - still_open), 0, 1)
    top = (1 - beyond) * (found + reach) + beyond * np.maximum(found, np.log(columns["n"]))
    return np.maximum(found - reach, 0), top


STRONG = refine.SHARP, refine._WHOLLY
COARSE = refine._OPEN, refine._WIDE_OPEN


def mixed(columns, strong=STRONG, coarse=COARSE):
    """`refine.refined` of all cases: the sharp estimate comes in between two constants of the
    estimate, and between two of what cells leave open."""
    if strong[1] <= strong[0] or coarse[1] <= coarse[0]:
        return np.full(len(columns["n"]), np.inf)

    def step(values, ends):
        t = np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1)
        return t * t * (3 - 2 * t)

    share = np.maximum(step(columns["base"], strong), step(columns["open"], coarse))
    return (1 - share) * columns["base"] + share * columns["other"]


def sharp_fits(columns):
    """What is extrapolated, the interval, and where the network gives way."""
    widths = sharp._APART, sharp._SCALE, sharp._EXTRAPOLATED, sharp._OPEN, sharp._WHOLLY_OPEN
    check("sharp", halved(sharp._TIMES, columns)[0], columns["other"])
    check("interval of sharp", np.array(sharp_ends(widths, columns)),
          np.array([columns["low"], columns["high"]]))  # fmt: skip

    def told(part):
        return part["truth"] < np.log(part["n"]) - ROOM

    def used(part):
        return part["base"] > refine.SHARP

    def holds(values, part):
        low, high = sharp_ends(values, part)
        return (low <= part["truth"]) & (part["truth"] <= high)

    def relative(values, part):
        return (values / part["truth"] - 1) ** 2

    print_by_size(
        {"network": columns["base"], "sharp": columns["other"],
         "runtime": mixed(columns)},
        columns["truth"], columns)  # fmt: skip
    return [
        Fit(
            f"What smaller cells would tell, truths up to log n - {ROOM:g}, relative errors",
            ("sharp._TIMES[0]", "sharp._TIMES[1]", "sharp._TIMES[2]"),
            sharp._TIMES,
            lambda v, part: relative(halved(v, part)[0], part),
            lambda part: told(part) & used(part),
        ),
        Fit(
            "Where the sharp estimate comes in, and where it is all; relative errors",
            ("refine.SHARP", "refine._WHOLLY"),
            STRONG,
            lambda v, part: relative(mixed(part, strong=v), part),
            told,
        ),
        Fit(
            "The interval of sharp dependence",
            (
                "sharp._APART", "sharp._SCALE", "sharp._EXTRAPOLATED",
                "sharp._OPEN", "sharp._WHOLLY_OPEN",
            ),
            widths,
            lambda v, part: interval_score(*sharp_ends(v, part), part["truth"]),
            used,
            holds,
        ),
    ]  # fmt: skip
