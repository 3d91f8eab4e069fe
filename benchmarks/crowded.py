"""Density that piles up below the network's grid: what pairs/crowded.py does to intervals.

    python benchmarks/crowded.py [--families dirichlet made calibration] [--n 1000 5000 20000]
        [--count 20] [--seed 0] [--processes 1]

Every case is estimated twice, without and with the correction, and a row of the table compares
both. dirichlet: two of three shares, of five sharp parameters. made: densities that grow like a
power along an edge or in a corner, made to choose the constants of pairs/crowded.py. calibration,
training: those of held_out.py and training_families.py, which served for that, too, and must hardly
change. mixtures: of the paper's recipe. test, new: the families that judge, which no constant was
chosen on. Pairs with ties are left out.

All truths of `made` are closed forms: of Y = X + W modulo 1, X uniform, it is -h(W), and of Y = X +
A, A independent, h(Y) - h(A).
"""

# ruff: noqa: E402

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import infonet
import numpy as np
from infonet.pairs import crowded
from infonet.pairs.engine import ONE_PAIR
from infonet_export.samplers import held_out, mixtures, simplex, training_families, unseen_new
from infonet_export.samplers.distribution import Distribution, log_uniform
from scipy.special import betaln, digamma, gammaln
from scipy.stats import rankdata

# Of shares. The last says how closely they crowd along x + y = 1: the smaller, the more.
SHARES = ((0.3, 0.3, 0.3), (0.5, 0.5, 0.5), (5, 5, 0.5), (2, 2, 0.2), (0.1, 0.1, 0.1))


def shares(*parameters):
    """Families of one distribution."""
    return lambda rng: simplex.dirichlet_of(*parameters)


def wrapped_power(rng):
    """X uniform, Y = k X + s B**(1 / c) modulo 1, B uniform: a ridge with one or two sides."""
    c, s, branches = (
        log_uniform(rng, 0.12, 1.5),
        log_uniform(rng, 0.15, 1),
        rng.choice([1, 1, 1, 2]),
    )
    sides = 2 if rng.random() < 0.4 else 1
    s /= sides
    entropy = np.log(s * sides) + betaln(c, 1) - (c - 1) * (digamma(c) - digamma(c + 1))

    def sample(r, n):
        x = r.random(n)
        noise = s * r.random(n) ** (1 / c) * (r.choice([-1, 1], n) if sides == 2 else 1)
        return np.stack([x, (branches * x + noise) % 1], 1)

    return Distribution("wrapped-power", float(-entropy), sample)


def gamma_sum(rng):
    """X and X + A, of gamma distributions: they crowd where A is next to nothing."""
    a, c = log_uniform(rng, 0.12, 3), log_uniform(rng, 0.3, 6)

    def entropy(shape):
        return shape + gammaln(shape) + (1 - shape) * digamma(shape)

    def sample(r, n):
        small, x = (
            np.log(r.standard_gamma(shape + 1, n)) + np.log(r.random(n)) / shape for shape in (a, c)
        )
        x = np.exp(x.astype(np.longdouble))  # ranks tell apart what float64 does not
        y = x + np.exp(small.astype(np.longdouble))
        return np.stack([np.argsort(np.argsort(v)) for v in (x, y)], 1).astype(float)

    return Distribution("gamma-sum", float(entropy(a + c) - entropy(a)), sample)


def levy_sum(rng):
    """X and X + s A, both of Lévy's distribution, which is stable: tails come together."""
    s = log_uniform(rng, 0.02, 3)

    def sample(r, n):
        x, a = 1 / r.standard_normal((2, n)) ** 2
        return np.stack([x, x + s * a], 1)

    return Distribution("levy-sum", float(2 * np.log1p(1 / np.sqrt(s))), sample)


def ordinal_sum(rng):
    """Uniform in squares along the diagonal, each q times as wide as the one before."""
    q = rng.uniform(0.2, 0.8)

    def sample(r, n):
        place = np.minimum(r.geometric(1 - q, n) - 1, 60)
        return (q**place)[:, None] * (q + (1 - q) * r.random((n, 2)))

    return Distribution("ordinal-sum", float(-np.log(1 - q) - q / (1 - q) * np.log(q)), sample)


def small_shares(rng):
    """Shares of smaller parameters than calibration draws."""
    return simplex.dirichlet_of(*(log_uniform(rng, 0.12, 8) for _ in range(3)))


def small_divisor(rng):
    """Ratios to a common divisor, likewise."""
    return simplex.common_divisor_of(*(log_uniform(rng, 0.12, 3) for _ in range(3)))


def training(rng):
    """The mix of training, without ties, where the truth is known."""
    drawn = (training_families._draw_continuous(rng) for _ in range(10_000))
    return next(one for one in drawn if np.isfinite(one.mi))


FAMILIES = {
    "dirichlet": {f"shares {' '.join(f'{v:g}' for v in p)}": shares(*p) for p in SHARES},
    "made": {
        one.__name__.replace("_", "-"): one
        for one in (
            wrapped_power, gamma_sum, levy_sum, ordinal_sum, small_shares, small_divisor,
        )
    },
    "calibration": {k: f for k, f in held_out.CALIBRATION.items() if k != "logistic-label"},
    "training": {"training": training},
    "mixtures": {"mixtures": mixtures.paper},
    "test": held_out.TEST,
    "new": unseen_new.NEW,
}  # fmt: skip


def ranked(samples):
    """float32 [2, n]; in double precision, which sharp samples need."""
    return ((rankdata(samples, axis=0) - 0.5) / len(samples)).T.astype(np.float32)


def measure(group, name, n, seed, case):
    """Truth, then estimate and interval without the correction and with it: [7]."""
    rng = np.random.default_rng([seed, n, case, *name.encode()])
    distribution = FAMILIES[group][name](rng)
    samples = np.asarray(distribution.sample(rng, n), float)
    if any(len(np.unique(column)) < 0.9 * n for column in samples.T):
        return None  # with ties, which have rules of their own
    estimator = infonet.Estimator(threads=1)
    prepared = estimator.engine.prepare([*ranked(samples)])
    found = [distribution.mi]
    corrected = crowded.extra
    for extra in (lambda *_: 0.0, corrected):
        crowded.extra = extra
        outputs = estimator.engine.run(prepared, ONE_PAIR)
        found += [float(outputs.mi[0]), *map(float, outputs.quantiles[0, [0, 2]])]
    return found


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--families", nargs="+", choices=FAMILIES, default=["dirichlet", "made", "calibration"]
    )
    parser.add_argument("--n", nargs="+", type=int, default=[1000, 5000, 20_000, 100_000])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    print("| family | n | truth | changed | coverage | after | RMSE | after | width | after |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    with ProcessPoolExecutor(options.processes) as pool:
        for group in options.families:
            for n in options.n:
                everything = []
                for name in FAMILIES[group]:
                    fixed = map(repeat, (group, name, n, options.seed))
                    found = [*pool.map(measure, *fixed, range(options.count))]
                    if kept := [one for one in found if one is not None]:
                        everything += kept
                        print(row(name, n, kept), flush=True)
                if len(FAMILIES[group]) > 1 and everything:
                    print(row(f"all of {group}", n, everything), flush=True)


def row(name, n, cases):
    """What the correction does to these cases."""
    truth, *found = np.array(cases).T
    parts = [name, f"{n:,}", f"{truth.mean():.3f}", f"{np.mean(found[5] != found[2]):.0%}"]
    both = found[:3], found[3:]
    parts += [f"{np.mean((low <= truth) & (truth <= high)):.0%}" for _, low, high in both]
    parts += [f"{np.sqrt(np.mean((mi - truth) ** 2)):.4f}" for mi, _, _ in both]
    parts += [f"{np.mean(high - low):.4f}" for _, low, high in both]
    return f"| {' | '.join(parts)} |"


if __name__ == "__main__":
    main()
