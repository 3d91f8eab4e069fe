"""When a monitor raises alerts: detection, and the stated rate of false ones."""

from __future__ import annotations

from collections import Counter

import infonet
import numpy as np
import pytest
from infonet.monitor.decisions import Look, Sample, State, limits, step


def gaussian(rho, n, random):
    x, noise = random.standard_normal((2, n))
    return np.stack([x, rho * x + np.sqrt(1 - rho**2) * noise], axis=1)


def alerts(monitor, rows):
    return [alert for e in monitor.extend(rows) for alert in e.alerts]


def test_appears_drifts_vanishes_in_time(estimator):
    """The acceptance: rho from 0 to 0.3 is seen within one window of 5,000."""
    random = np.random.default_rng(0)
    parts = [gaussian(rho, 20_000, random) for rho in (0, 0.3, 0.7, 0)]
    monitor = infonet.Monitor(5000, estimator=estimator)
    found = alerts(monitor, np.concatenate(parts))
    assert [a.kind for a in found if a.kind != "drifts"] == ["appears", "vanishes"]
    appears, drifts = found[0], [a for a in found if a.kind == "drifts"]
    assert appears.kind == "appears"
    assert 20_000 < appears.row <= 25_000
    assert appears.reference is None
    assert 40_000 < drifts[0].row <= 45_000
    assert drifts[0].reference.mi == pytest.approx(-np.log(1 - 0.09) / 2, abs=0.015)
    assert drifts[0].estimate.mi > drifts[0].reference.mi
    assert 60_000 < found[-1].row <= 70_000
    assert found[-1].kind == "vanishes"
    assert found[-1].estimate.mi < 0.01
    assert "dependence of x and y appears: 0." in appears.describe()
    assert set(appears.to_dict()) == {"alert", "pair", "row", "time", "estimate", "reference"}


def test_dependence_without_correlation_is_seen(estimator):
    random = np.random.default_rng(1)
    rows = random.standard_normal((3000, 3))
    rows[1500:, 1] = np.cos(3 * rows[1500:, 0]) + 0.3 * rows[1500:, 1]
    monitor = infonet.Monitor(500, ("a", "b", "c"), estimator=estimator)
    (found,) = (a for a in alerts(monitor, rows) if a.kind == "appears")
    assert found.pair == ("a", "b")
    assert 1500 < found.row <= 2000


def test_a_stuck_sensor_vanishes(estimator):
    random = np.random.default_rng(2)
    rows = gaussian(0.9, 4000, random)
    rows[2000:, 1] = 7.0
    found = alerts(infonet.Monitor(400, estimator=estimator), rows)
    assert found[-1].kind == "vanishes"
    assert found[-1].row <= 3000


def test_dependence_from_the_start_is_no_alert(estimator):
    monitor = infonet.Monitor(300, estimator=estimator)
    evaluations = monitor.extend(gaussian(0.8, 3000, np.random.default_rng(3)))
    assert all(e.dependent == (True,) for e in evaluations)
    assert not any(e.alerts for e in evaluations)


CASES = {
    "continuous": lambda n, r: r.standard_normal((n, 2)),
    "heavy tails": lambda n, r: r.standard_cauchy((n, 2)),
    "binary": lambda n, r: r.integers(0, 2, (n, 2)),
    "counts and continuous": lambda n, r: np.stack([r.poisson(3, n), r.standard_normal(n)], axis=1),
}


@pytest.mark.parametrize("kind", CASES)
def test_false_alarms_of_independent_variables(estimator, kind):
    """100 windows at most 0.2 false alarms each: 20 expected at most, more than 33 would be 3
    standard deviations above. That there are some shows that the bound is no idle one."""
    monitor = infonet.Monitor(200, stride=40, false_alarms=0.2, estimator=estimator)
    random = np.random.default_rng(11)
    found = Counter(a.kind for a in alerts(monitor, CASES[kind](200 * 101, random)))
    assert 1 <= found["appears"] <= 20
    assert found["vanishes"] <= found["appears"]
    assert found["drifts"] <= 1


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_false_alarms_of_dependent_variables(estimator, rho):
    monitor = infonet.Monitor(300, stride=60, false_alarms=0.2, estimator=estimator)
    rows = gaussian(rho, 300 * 61, np.random.default_rng(12))
    rows[:, 1] = np.round(rows[:, 1], 1)
    assert len(alerts(monitor, rows)) <= 12


def test_limits():
    """Bounds add up over pairs and evaluations; deeper levels take more parts."""
    for false_alarms, pairs in ((0.01, 1), (0.01, 45), (1e-5, 45)):
        found = limits(false_alarms, 5000, 250, pairs)
        assert found.alpha * pairs * 20 == pytest.approx(false_alarms)
        assert found.p**found.parts < found.alpha
        assert found.p >= 0.01
    assert limits(0.01, 5000, 500, 1).parts == 2
    assert limits(1e-5, 5000, 250, 45).parts == 5
    assert limits(1.0, 5000, 5000, 1).alpha == 0.1


# The state machine on its own: what `step` does with given p-values.
LIMITS = limits(0.01, 1000, 100, 1)


def look(rows, mi, p, parts_p=None, error=0.01):
    estimate = infonet.Estimate(mi, (mi, mi), p, 1000)
    parts = tuple(Sample(mi, error * 1.4, q) for q in (parts_p or (p, p)))
    return Look(rows, 1000, estimate, Sample(mi, error, p), lambda: parts)


def run(*looks):
    state, kinds = State(), []
    for one in looks:
        state, kind = step(state, one, LIMITS)
        kinds.append(kind)
    return state, kinds


def test_all_parts_must_agree():
    quiet = look(1000, 0, 1)
    assert run(quiet, look(1100, 0.1, 0.001))[1] == [None, "appears"]
    assert run(quiet, look(1100, 0.1, 0.001, (0.001, 0.03)))[1] == [None, None]
    assert run(quiet, look(1100, 0.1, 0.2, (0.001, 0.001)))[1] == [None, None]


def test_rest_reference_and_drift():
    begin = look(1000, 0, 1), look(1100, 0.1, 0.001)
    # Rest: nothing is tested before no row of the alert is left.
    assert run(*begin, look(2000, 0.9, 0.001))[1][-1] is None
    state, kinds = run(*begin, look(2100, 0.1, 0.001))
    assert kinds[-1] is None
    assert state.reference.rows == 2100
    # Windows that overlap the reference are not compared with it.
    assert run(*begin, look(2100, 0.1, 0.001), look(3000, 0.9, 0.001))[1][-1] is None
    state, kinds = run(*begin, look(2100, 0.1, 0.001), look(3100, 0.9, 0.001))
    assert kinds[-1] == "drifts"
    assert state.reference is None
    assert run(*begin, look(2100, 0.1, 0.001), look(3100, 0.12, 0.001))[1][-1] is None
    gone = run(*begin, look(2100, 0.1, 0.001), look(3100, 0.01, 0.2))
    assert gone[1][-1] == "vanishes"
    assert gone[0] == State(False)


def test_false_alarms_are_taken_back():
    begin = look(1000, 0, 1), look(1100, 0.1, 0.001)
    assert run(*begin, look(2100, 0.01, 0.2))[1][-1] == "vanishes"
    # Confirmed by chance, but not for long.
    assert run(*begin, look(2100, 0.01, 0.04), look(3100, 0.0, 1.0))[1][-1] == "vanishes"
