"""One value that two continuous columns have at once, as sensors that fail together."""

import numpy as np
import pytest
from infonet.pairs.estimates import COPIES_NOTE, REPEATED_NOTE


def _entropy_of(share):
    return float(-share * np.log(share) - (1 - share) * np.log(1 - share))


def _failing(r, n, share, rho):
    failed = r.random(n) < share
    x, noise = r.normal(size=(2, n))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    return np.where(failed, 0.0, x), np.where(failed, -99.0, y)


@pytest.mark.parametrize("rho", [0, 0.5])
@pytest.mark.parametrize(("n", "share"), [(500, 0.03), (1000, 0.03), (5000, 0.01), (20_000, 0.005)])
def test_sensors_that_fail_together_tell_when(estimator, n, share, rho):
    truth = _entropy_of(share) - (1 - share) * 0.5 * np.log(1 - rho**2)
    found = [
        estimator.estimate(*_failing(np.random.default_rng([seed, n]), n, share, rho))
        for seed in range(8)
    ]
    assert np.mean([one.mi for one in found]) == pytest.approx(truth, rel=0.1)
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 6
    assert max(one.p_value for one in found) < 1e-6
    for one in found:
        assert REPEATED_NOTE not in one.notes
        assert COPIES_NOTE not in one.notes


def test_exchanging_the_sensors_changes_nothing(estimator):
    x, y = _failing(np.random.default_rng(1), 1000, 0.02, 0.3)
    found, turned = estimator.estimate(x, y), estimator.estimate(y, x)
    assert turned.mi == pytest.approx(found.mi, abs=2e-3)
    assert turned.p_value < 1e-6


def test_sensors_that_fail_independently_are_independent(estimator):
    p, low = [], []
    for seed in range(100):
        r = np.random.default_rng([seed, 2])
        x, y = (np.where(r.random(1000) < 0.03, 0.0, r.normal(size=1000)) for _ in range(2))
        found = estimator.estimate(x, y)
        p.append(found.p_value)
        low.append(found.interval[0])
    assert np.mean(np.array(p) < 0.1) < 0.2
    assert min(p) > 1e-4
    assert max(low) < 0.005
