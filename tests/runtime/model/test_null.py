"""p-values by interpolation in the table of null quantiles."""

from __future__ import annotations

import json

import numpy as np
import pytest
from infonet.model.null import NullDistribution
from infonet.pairs.estimates import BOUND, TIED, notes_of, why_no_p_value
from infonet.result import BOUND_NOTE, TIES_NOTE
from scipy.stats import chi2, genpareto

PROBABILITIES = np.array([0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999])
SIZES = np.array([20.0, 50, 200, 1000, 10_000])


@pytest.fixture
def null():
    """A likelihood ratio with 3 degrees of freedom: 2 n mi is chi-squared."""
    quantiles = [(chi2.ppf(PROBABILITIES, 3) / (2 * n)).tolist() for n in SIZES]
    fields = {"n": SIZES.tolist(), "probabilities": PROBABILITIES.tolist(), "quantiles": quantiles}
    return NullDistribution.from_json(json.dumps(fields))


@pytest.mark.parametrize("n", [20, 33, 200, 777, 10_000])
@pytest.mark.parametrize("p", [0.9, 0.4, 0.12, 0.03, 0.004])
def test_p_value_of_chi_squared(null, n, p):
    assert null.p_value(chi2.isf(p, 3) / (2 * n), n) == pytest.approx(p, rel=0.12)


def test_p_value_falls_and_ends(null):
    p = [null.p_value(mi, 100) for mi in np.linspace(-0.1, 0.5, 200)]
    assert p[0] == 1.0
    assert p[-1] == pytest.approx(0.001)
    assert (np.diff(p) <= 0).all()


def test_at_a_knot_it_is_exact(null):
    assert null.p_value(null.quantiles[2, 7], 200) == pytest.approx(1 - PROBABILITIES[7])


def test_reasons_for_none(null):
    assert null.p_value(9.9, 100) == null.smallest == 0.001
    assert not null.covers(10_001)
    assert "from 20 to 10000" in why_no_p_value(null, 10_001)
    assert "has no null" in why_no_p_value(None, 100)


def test_what_notes_say(null):
    quiet = (0.0, 0.1)
    assert notes_of(0, 0.2, quiet, null, 100) == ()
    assert notes_of(BOUND, 0.001, quiet, null, 100) == (BOUND_NOTE,)
    assert notes_of(TIED, 0.2, quiet, null, 100) == (TIES_NOTE,)
    assert notes_of(0, np.nan, quiet, None, 100) == (why_no_p_value(None, 100),)
    # an interval well above 0 beside a p-value that says nothing
    (note,) = notes_of(0, 0.5, (0.2, 0.3), null, 100)
    assert "another statistic" in note


def scored(shape=0.0):
    """A statistic that is exponential, or generalised Pareto, with scale 1 at n = 20, 2 at 2000."""
    probabilities = np.array([0.1, 0.5, 0.9, 0.98])
    law = genpareto(shape)
    scales = np.array([1.0, 2.0])
    fields = {
        "statistic": "score",
        "n": [20, 2000],
        "probabilities": probabilities.tolist(),
        "quantiles": (scales[:, None] * law.ppf(probabilities)).tolist(),
        # what lies beyond the quantile u of such a law is one again, of scale s + shape u
        "tail": {
            "shape": shape,
            "scales": (scales * (1 + shape * law.ppf(0.98))).tolist(),
        },
    }
    return NullDistribution.from_json(json.dumps(fields)), law


@pytest.mark.parametrize("shape", [0.0, 0.2])
@pytest.mark.parametrize(("n", "scale"), [(20, 1.0), (200, 1.5), (2000, 2.0)])
def test_tail_of_a_score(shape, n, scale):
    null, law = scored(shape)
    for p in (0.02, 1e-3, 1e-6, 2e-9):
        assert null.p_value(scale * law.isf(p), n) == pytest.approx(p, rel=1e-3)
    assert null.p_value(scale * law.isf(1e-9) * 1.2, n) == null.smallest == 1e-9
    # a score may be negative, and is not multiplied by n
    assert null.p_value(-1.0, n) == 1.0
    assert null.p_value(scale * law.isf(0.5), n) == pytest.approx(0.5)


def test_many_at_once(null):
    statistics = np.array([[0.0, 0.01], [np.nan, 5.0]])
    found = null.p_values(statistics, 100)
    assert found[0, 1] == null.p_value(0.01, 100)
    assert np.isnan(found[1, 0])
    assert found[1, 1] == null.smallest


def test_repeated_quantiles_give_the_larger_p():
    null = NullDistribution(np.array([20.0, 100]), np.array([0.5, 0.9]), np.zeros((2, 2)))
    assert null.p_value(0.0, 50) == 1.0
    assert null.p_value(0.1, 50) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": [1, 2], "probabilities": [0.5], "quantiles": [[0.1]]},
        {"n": [2, 1], "probabilities": [0.5], "quantiles": [[0.1], [0.2]]},
        {"n": [1], "probabilities": [0.0, 1.0], "quantiles": [[0.1, 0.2]]},
        {"n": [], "probabilities": [], "quantiles": []},
        {
            "n": [9],
            "probabilities": [0.5],
            "quantiles": [[0.1]],
            "tail": {"shape": -0.1, "scales": [1]},
        },
        {
            "n": [9],
            "probabilities": [0.5],
            "quantiles": [[0.1]],
            "tail": {"shape": 0.1, "scales": [1, 2]},
        },
    ],
)
def test_malformed(fields):
    with pytest.raises(ValueError, match="must"):
        NullDistribution.from_json(json.dumps(fields))


def test_absent():
    assert NullDistribution.from_json("") is None
