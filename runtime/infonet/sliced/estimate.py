"""Sliced mutual information, from reading the variables to the answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from infonet.errors import warn
from infonet.pairs.engine import PairEngine
from infonet.result import SlicedEstimate
from infonet.sliced.options import SlicedOptions
from infonet.sliced.projections import Projections
from infonet.sliced.stopping import projections_wanted, standard_error
from infonet.sliced.variables import read_variables


def sliced(
    engine: PairEngine,
    x: Any,
    y: Any,
    options: SlicedOptions,
    progress: bool | None,
    names: tuple[str, str],
) -> SlicedEstimate:
    """See `Estimator.sliced`."""
    network = engine.network
    names, (first, second), hints = read_variables(
        x, y, names, options, network.model.n_min, network.threads, progress
    )
    # Two variables of one dimension have one projection, whatever its direction.
    single = max(first.dimensions, second.dimensions) == 1
    run = Projections(
        engine.with_seed(options.seed), first, second, options, 1 if single else options.tested
    )
    wanted = 1 if single else options.least
    while wanted > len(run.values):
        run.extend(wanted, progress)
        if not single:
            wanted = projections_wanted(run.values, options.tolerance, options.most)
    values = np.repeat(run.values, options.least) if single else run.values
    error = 0.0 if single and len(values) > 1 else standard_error(values)
    reached = None if options.tolerance is None else error <= options.tolerance
    notes = list(hints)
    if run.constant:
        notes.append(f"{run.constant} projection(s) are constant: mutual information 0")
        warn(f"{names[0]} with {names[1]}: {notes[-1]}")
    if reached is False:
        notes.append(
            f"the standard error is {error:.2g} nats after {len(values)} projections, above the "
            f"tolerance of {options.tolerance:.2g}: allow more with max_projections"
        )
    return SlicedEstimate(
        mean=float(values.mean()),
        standard_error=error,
        max=float(values.max()),
        values=values,
        projections=len(values),
        n=first.n,
        seed=options.seed,
        scale=options.scale,
        names=names,
        notes=tuple(notes),
        directions=run.directions,
        tolerance=options.tolerance,
        tolerance_reached=reached,
        p_value=run.p_value(),
        permutations=options.permutations,
        permutation_projections=run.tested if options.permutations else 0,
    )
