"""Cases for refitting from where on pairs/refine.py leaves the cells of samples; see `refit.py`.

Cells are too coarse for functions of many branches and little noise. The families that calibrate
intervals have few of these, so functional relations as training draws them are cases, too, each
kind of noise a family of its own. Those that judge are never drawn.
"""

import numpy as np
from infonet.pairs import cells, refine, sharp
from infonet_export.samplers import held_out
from infonet_export.samplers.functional import functional
from refit import Fit, check
from refit_pairs import COARSE, TIED, mid_ranks, mixed, print_by_size, read

SIZES = (20_000, 50_000, 100_000)
# Nats: below there is little to tell, beyond other constants decide.
LEAST, MOST = 0.4, refine.SHARP
CLOSED = 0.03  # nats left open, below which no constant that is tried changes anything
# Left out are families with ties, and one whose dependence is always too weak.
FAMILIES = {"functional": functional} | {
    name: family for name, family in held_out.CALIBRATION.items() if name not in (*TIED, "extremes")
}


def cases(estimator, options):
    """Every family at every n; functional relations ten times as often."""
    for number, (name, family) in enumerate(FAMILIES.items()):
        for n in SIZES[:1] if options.few_sizes else SIZES:
            for k in range(options.count * (10 if name == "functional" else 1)):
                seed = [options.seed, 200 + number, n, k]
                yield (
                    f"{name} {n} {seed}",
                    lambda f=family, n=n, s=seed: case(estimator, f, n, np.random.default_rng(s)),
                )


def case(estimator, family, n, rng):
    """A distribution whose truth the constants may matter for."""
    drawn = (family(rng) for _ in range(10_000))
    distribution = next((one for one in drawn if LEAST < one.mi < MOST), None)
    if distribution is None:
        raise SystemExit(
            f"{family.__name__} has no truth from {LEAST} to {MOST} nats: leave it out"
        )
    network, rows = read(estimator, mid_ranks(distribution.sample(rng, n)))
    base, _, left_open = cells.by_cells(network, *rows)
    pair = np.array([[0, 1]])
    found, *_ = refine.refined(np.array([network]), np.full((1, 3), network), rows, pair)
    return {
        "family": distribution.name, "n": n, "truth": distribution.mi, "network": network,
        "base": base, "open": left_open, "other": sharp.beyond_the_grid(*rows)[0],
        "found": float(found[0]),
    }  # fmt: skip


def fits(columns):
    """Where the sharp estimate comes in because of what cells leave open."""
    check("mixed", mixed(columns), columns["found"])
    print_by_size(
        {"network": columns["network"], "cells": columns["base"], "sharp": columns["other"],
         "runtime": columns["found"]}, columns["truth"], columns)  # fmt: skip
    return [
        Fit(
            f"From where on cells are too coarse, of cases that leave {CLOSED:g} nats open",
            ("refine._OPEN", "refine._WIDE_OPEN"),
            COARSE,
            lambda v, part: (mixed(part, coarse=v) - part["truth"]) ** 2,
            lambda part: part["open"] > CLOSED,
        )
    ]
