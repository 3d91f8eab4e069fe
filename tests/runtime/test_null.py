"""p-values by interpolation in the table of null quantiles."""

from __future__ import annotations

import json

import numpy as np
import pytest
from infonet.null import NullDistribution
from infonet.result import BOUND_NOTE
from infonet.significance import p_value
from scipy.stats import chi2

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
    assert p_value(null, 0.01, 100, tied=False)[1] == ""
    assert p_value(null, 9.9, 100, tied=False) == (0.001, BOUND_NOTE)
    assert p_value(null, 0.1, 100, tied=True) == (
        None,
        "no p-value: the data have many ties, and the null distribution is for none",
    )
    assert "from 20 to 10000" in p_value(null, 0.1, 10_001, tied=False)[1]
    assert "has no null" in p_value(None, 0.1, 100, tied=False)[1]


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
    ],
)
def test_malformed(fields):
    with pytest.raises(ValueError, match="must"):
        NullDistribution.from_json(json.dumps(fields))


def test_absent():
    assert NullDistribution.from_json("") is None
