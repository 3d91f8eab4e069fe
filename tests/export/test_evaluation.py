"""Scores, cases and the table of an evaluation, against hand calculations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from infonet_export.evaluation import evaluate
from infonet_export.evaluation.baselines import ksg
from infonet_export.evaluation.cases import (
    COMPONENTS,
    Case,
    fresh_mixture_cases,
    held_out_cases,
    independent_cases,
    mixture_file_cases,
)
from infonet_export.evaluation.metrics import coverage, order_accuracy, score
from infonet_export.samplers.held_out import CALIBRATION, TEST
from references import mixture_log_ratio

FIXTURE = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "gmm_eval.npz"


class _Oracle:
    """Stands in for an Estimator: quantiles written into the first samples."""

    batches: list[int]
    model = SimpleNamespace(quantile_levels=(0.05, 0.5, 0.95))

    def __init__(self):
        self.batches = []

    def quantiles(self, samples):
        self.batches.append(len(samples))
        return samples[:, :3, 0].astype(np.float64)


class _OracleWithoutInterval:
    """Stands in for a model of the paper's network: the estimate is in the first sample."""

    model = SimpleNamespace(quantile_levels=())

    def mi(self, samples):
        return samples[:, 1, 0].astype(np.float64)


def _case(group, answer, mi, rival=-1, oracle=float("nan")):
    samples = np.random.default_rng(int(1e6 * sum(answer))).random((50, 2)).astype(np.float32)
    samples[:3, 0] = answer
    return Case(group, samples, mi, oracle, rival)


@pytest.fixture
def mixture_file(tmp_path):
    """Three mixtures of every size; the truths are labels to be recognised."""
    rng, arrays = np.random.default_rng(0), {}
    for k in COMPONENTS:
        arrays[f"weights_{k}"] = rng.dirichlet(np.ones(k), 3)
        arrays[f"means_{k}"] = rng.normal(size=(3, k, 3))
        a = rng.normal(size=(3, k, 3, 3))
        arrays[f"covs_{k}"] = a @ a.swapaxes(2, 3) + 0.1 * np.eye(3)
        arrays[f"mi_xy_{k}"] = np.array([0.1, 0.2, 0.3]) + k
        arrays[f"mi_xz_{k}"] = np.array([0.15, 0.15, 0.35]) + k
    path = tmp_path / "mixtures.npz"
    np.savez(path, **arrays)
    return path, arrays


def test_scores_by_hand():
    scores = score(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
    assert scores.count == 3
    assert scores.bias == pytest.approx(1 / 3)
    assert scores.absolute == pytest.approx(1.0)
    assert scores.rmse == pytest.approx(np.sqrt(5 / 3))


def test_order_accuracy_by_hand():
    truth = np.array([0.1, 0.2, 0.5, 0.4])
    rivals = np.array([1, 0, 3, 2])
    assert order_accuracy(np.array([1.0, 2.0, 9.0, 8.0]), truth, rivals) == 1
    assert order_accuracy(np.array([2.0, 1.0, 9.0, 8.0]), truth, rivals) == 0.5
    assert order_accuracy(np.array([2.0, 1.0, 8.0, 9.0]), truth, rivals) == 0
    assert order_accuracy(np.zeros(4), truth, rivals) == 0.5  # a tie is a coin toss
    assert np.isnan(order_accuracy(np.array([np.nan, 1, 2, 3]), truth, rivals))


def test_coverage_by_hand():
    low, high = np.array([0.0, 0.2, 0.0, 0.5]), np.array([0.1, 0.3, 0.0, 0.6])
    assert coverage(low, high, np.array([0.05, 0.31, 0.0, 0.4])) == 0.5


def test_groups_and_the_line_of_all():
    cases = [
        _case("a", (0.1, 0.3, 0.4), 0.2, rival=1, oracle=0.25),
        _case("b", (0.5, 1.0, 2.0), 1.5),
        _case("a", (0.0, 0.1, 0.2), 0.3, rival=0, oracle=0.25),
    ]
    a, b, everyone = evaluate.run(_Oracle(), cases, with_ksg=False)
    assert [r.group for r in (a, b, everyone)] == ["a", "b", "all"]
    assert [r.count for r in (a, b, everyone)] == [2, 1, 3]
    assert a.mean_mi == pytest.approx(0.25)
    assert a.bias == pytest.approx((0.1 - 0.2) / 2)
    assert a.rmse == pytest.approx(np.sqrt((0.01 + 0.04) / 2))
    assert a.coverage == 0.5
    assert a.oracle_rmse == pytest.approx(0.05)
    assert a.order == 0  # 0.3 > 0.1 where 0.2 < 0.3
    assert (b.rmse, b.coverage) == (pytest.approx(0.5), 1)
    assert np.isnan([b.order, b.oracle_rmse, b.ksg_rmse, a.order_ksg]).all()
    assert everyone.rmse == pytest.approx(np.sqrt((0.01 + 0.04 + 0.25) / 3))
    assert everyone.coverage == pytest.approx(2 / 3)


def test_one_group_has_no_line_of_all():
    assert len(evaluate.run(_Oracle(), [_case("a", (0, 1, 2), 1.0)], with_ksg=False)) == 1


def test_models_without_intervals_have_no_coverage():
    cases = [_case("a", (0, 0.1, 9), 0.2), _case("a", (0, 0.5, 9), 0.2)]
    (result,) = evaluate.run(_OracleWithoutInterval(), cases, with_ksg=False)
    assert result.rmse == pytest.approx(np.sqrt((0.01 + 0.09) / 2))
    assert np.isnan(result.coverage)
    assert "| a | 2 | 0.200 | 0.2236 | +0.1000 |  |" in evaluate.table([result])


def test_batches_keep_the_order_of_cases():
    count = 2 * evaluate.BATCH + 3
    cases = [_case("a", (0, i / 64, 9), i / 64) for i in range(count)]
    estimator = _Oracle()
    (result,) = evaluate.run(estimator, cases, with_ksg=False)
    assert result.rmse == pytest.approx(0, abs=1e-6)
    assert estimator.batches == [evaluate.BATCH, evaluate.BATCH, 3]


def test_ksg_beside_it():
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, 3000))
    samples = np.stack([x, 0.8 * x + 0.6 * e], 1).astype(np.float32)
    truth = -0.5 * np.log(1 - 0.64)
    assert ksg(samples) == pytest.approx(truth, abs=0.05)
    (result,) = evaluate.run(_Oracle(), [Case("a", samples, truth)])
    assert result.ksg_rmse == pytest.approx(abs(ksg(samples) - truth))


def test_the_table_renders():
    cases = [
        _case("mixtures K=1", (0.1, 0.3, 0.4), 0.2, rival=1, oracle=0.25),
        _case("mixtures K=1", (0.0, 0.35, 0.4), 0.3, rival=0, oracle=0.25),
        _case("joe", (0.5, 1.0, 2.0), 1.5),
    ]
    lines = evaluate.table(evaluate.run(_Oracle(), cases, with_ksg=False)).splitlines()
    assert len(lines) == 5
    assert len({line.count("|") for line in lines}) == 1
    first = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    assert first == [
        "mixtures K=1", "2", "0.250", "0.0791", "+0.0750", "100.0 %", "", "0.0500", "100.0 %", "",
    ]  # fmt: skip
    assert "nan" not in "".join(lines)


def test_mixture_file_pairs_each_case_with_its_rival(mixture_file):
    path, arrays = mixture_file
    cases = list(mixture_file_cases(path, 40, 1))
    assert len(cases) == 4 * 6
    for k in COMPONENTS:
        group = [case for case in cases if case.group == f"mixtures K={k}"]
        truths = [case.mi for case in group]
        xy, xz = arrays[f"mi_xy_{k}"], arrays[f"mi_xz_{k}"]
        assert truths == pytest.approx(np.stack([xy, xz], 1).ravel())
        for i in range(3):  # XY is compared with XZ of the same mixture, and back
            assert (group[2 * i].rival, group[2 * i + 1].rival) == (2 * i + 1, 2 * i)
        perfect = order_accuracy(
            np.array(truths), np.array(truths), np.array([c.rival for c in group])
        )
        assert perfect == 1


def test_mixture_cases_use_the_stated_coordinates_and_their_own_oracle(mixture_file):
    path, arrays = mixture_file
    cases = list(mixture_file_cases(path, 4000, 1))
    for index, axis in ((2, 1), (3, 2)):  # the second mixture of one component
        case, pair = cases[index], [0, axis]
        mean, cov = arrays["means_1"][1, 0, pair], arrays["covs_1"][1, 0][np.ix_(pair, pair)]
        np.testing.assert_allclose(case.samples.mean(0), mean, atol=5 * np.sqrt(cov.max() / 4000))
        np.testing.assert_allclose(np.cov(case.samples.T), cov, rtol=0.2, atol=0.1)
        ratio = mixture_log_ratio([1.0], [mean], [cov], case.samples.astype(float))
        assert case.oracle == pytest.approx(ratio.mean(), abs=1e-4)
        assert case.samples.dtype == np.float32


@pytest.mark.skipif(not FIXTURE.exists(), reason=f"the fixture {FIXTURE.name} is not here")
def test_the_paper_mixtures_are_cases():
    cases = mixture_file_cases(FIXTURE, 2000, 1)
    for _ in range(20):
        case = next(cases)
        assert case.samples.shape == (2000, 2)
        # the oracle of 2,000 samples is within five standard errors: sd <= 1 for one component
        assert case.oracle == pytest.approx(case.mi, abs=0.02 + 5 / np.sqrt(2000))


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: fresh_mixture_cases(2, 60, seed),
        lambda seed: held_out_cases(2, 60, seed),
        lambda seed: held_out_cases(1, 60, seed, CALIBRATION),
        lambda seed: independent_cases(3, 60, seed),
    ],
)
def test_cases_are_functions_of_the_seed(make):
    first, again, other = list(make(1)), list(make(1)), list(make(2))
    assert len(first) == len(again) == len(other) > 0
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)
        assert a.mi == b.mi
        assert a.group == c.group
        assert not np.array_equal(a.samples, c.samples)
        assert a.samples.shape == (60, 2)
        assert a.samples.dtype == np.float32
        assert np.isfinite(a.samples).all()
        assert a.mi >= 0


def test_more_cases_begin_with_the_fewer():
    few, many = list(held_out_cases(1, 30, 5)), list(held_out_cases(3, 30, 5))
    for index in range(len(TEST)):
        np.testing.assert_array_equal(few[index].samples, many[3 * index].samples)
    assert [case.group for case in few] == list(TEST)


def test_fresh_mixtures_have_exact_truths_for_one_component():
    for case in list(fresh_mixture_cases(3, 20_000, 3))[:3]:
        rho = np.corrcoef(case.samples.T.astype(float))[0, 1]
        assert case.mi == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.05)
        assert case.oracle == pytest.approx(case.mi, abs=0.05)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"weights", b"\x93NUMPY"])
def test_another_kind_of_file_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.npz.*weights_K"):
        next(mixture_file_cases(path, 50, 0))


def test_an_npz_without_the_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", weights_1=np.ones((1, 1)))
    np.save(tmp_path / "x.npy", np.ones(3))
    for name in ("x.npz", "x.npy"):
        with pytest.raises(ValueError, match="mi_xz_K"):
            next(mixture_file_cases(tmp_path / name, 50, 0))
