"""Power, rejections and distance correlation of the evaluation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from infonet_export.evaluation import significance
from infonet_export.evaluation.significance import distance_correlation, power, rejections
from infonet_export.samplers.alternatives import ALTERNATIVES
from scipy import stats


def _slow_distance_correlation(samples):
    """The definition, in loops."""
    n = len(samples)
    centred = []
    for column in samples.T:
        a = [[abs(p - q) for q in column] for p in column]
        rows = [sum(row) / n for row in a]
        mean = sum(rows) / n
        centred.append([[a[i][j] - rows[i] - rows[j] + mean for j in range(n)] for i in range(n)])

    def product(p, q):
        return sum(p[i][j] * q[i][j] for i in range(n) for j in range(n)) / n**2

    a, b = centred
    return np.sqrt(product(a, b) / np.sqrt(product(a, a) * product(b, b)))


class _Spearman:
    """Stands in for an Estimator: the p-value of Spearman's test."""

    def estimate(self, x, y):
        p = float(stats.spearmanr(x, y).pvalue)
        return SimpleNamespace(mi=0.0, p_value=p, notes=())


class _Cheat(_Spearman):
    """p-values that are too small."""

    def estimate(self, x, y):
        return SimpleNamespace(mi=0.0, p_value=super().estimate(x, y).p_value / 3, notes=())


class _Silent:
    def estimate(self, x, y):
        return SimpleNamespace(mi=0.0, p_value=None, notes=("no p-value: many ties",))


@pytest.mark.parametrize("n", [2, 7, 30])
def test_distance_correlation_by_definition(n):
    samples = np.random.default_rng(n).normal(size=(n, 2))
    samples[:, 1] += samples[:, 0] ** 2
    assert distance_correlation(samples) == pytest.approx(
        _slow_distance_correlation(samples), abs=1e-12
    )


def test_distance_correlation_of_lines_and_constants():
    x = np.random.default_rng(0).normal(size=50)
    assert distance_correlation(np.stack([x, 3 - 2 * x], 1)) == pytest.approx(1)
    assert distance_correlation(np.stack([x, 0 * x], 1)) == 0
    assert distance_correlation(np.stack([x, x], 1).astype(np.float32)) == pytest.approx(1)


def test_rejections_of_an_exact_and_of_a_false_test():
    exact = rejections(_Spearman(), 40, 600, 1)
    assert [r.level for r in exact] == [0.05, 0.001]
    assert all(r.inside for r in exact)
    low, high = stats.binom.interval(0.99, 600, 0.05)
    assert (exact[0].low, exact[0].high) == (low / 600, high / 600)
    assert not rejections(_Cheat(), 40, 600, 1)[0].inside
    assert rejections(_Spearman(), 40, 600, 1) == exact


def test_power_by_hand():
    found = power(_Spearman(), 100, 60, 1, null_draws=99)
    by_name = {p.alternative: p for p in found}
    assert list(by_name) == list(ALTERNATIVES)
    # Spearman's test sees the line and nothing of the circle; distance correlation sees both
    linear, circular = by_name["linear"], by_name["circular"]
    assert linear.ours > 0.3
    assert circular.ours < 0.2
    assert abs(linear.others["distance correlation"] - linear.ours) < 0.15
    for p in found:
        assert list(p.others) == ["KSG", "distance correlation"]
        assert all(0 <= share <= 1 for share in p.others.values())


def test_power_is_a_function_of_the_seed():
    first, again, other = (power(_Spearman(), 30, 10, seed, null_draws=19) for seed in (1, 1, 2))
    assert first == again != other


def test_critical_values_keep_the_level(monkeypatch):
    """With independent data as the alternative the tests reject 5 %."""
    noise = {"noise": lambda rng, n: rng.normal(size=(n, 2))}
    monkeypatch.setattr(significance, "ALTERNATIVES", noise)
    (found,) = power(_Spearman(), 30, 400, 1, null_draws=399, others={"dcor": distance_correlation})
    assert 0.02 <= found.others["dcor"] <= 0.09
    assert 0.02 <= found.ours <= 0.09


def test_other_tests_can_be_left_out():
    assert power(_Spearman(), 30, 5, 1, others={})[0].others == {}


def test_a_model_without_p_values_is_said_so():
    with pytest.raises(ValueError, match="many ties"):
        rejections(_Silent(), 30, 3, 1)
