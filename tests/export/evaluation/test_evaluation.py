"""Scores, cases, measurements, tables and cells of an evaluation, against hand calculations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from infonet_export.evaluation import measure as measuring
from infonet_export.evaluation.baselines import ksg
from infonet_export.evaluation.cases import (
    COMPONENTS,
    HIGH_TRUTHS,
    Case,
    benchmark_mi_cases,
    discrete_cases,
    fresh_mixture_cases,
    held_out_cases,
    high_information_cases,
    independent_cases,
    mixture_file_cases,
)
from infonet_export.evaluation.measure import coverage, join, measure, order_accuracy, score
from infonet_export.evaluation.report import cell_report, cells, order, score_table, with_total
from infonet_export.samplers.held_out import CALIBRATION, TEST
from references import mixture_log_ratio

FIXTURE = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "gmm_eval.npz"


class _Oracle:
    """Stands in for an Estimator: quantiles written into the first samples."""

    batches: list[int]
    model = SimpleNamespace(quantile_levels=(0.05, 0.5, 0.95))

    def __init__(self):
        self.batches = []

    def quantiles(self, samples, progress=None):
        self.batches.append(len(samples))
        return samples[:, :3, 0].astype(np.float64)


class _OracleWithoutInterval:
    """Stands in for a model of the paper's network: the estimate is in the first sample."""

    model = SimpleNamespace(quantile_levels=())

    def mi(self, samples, progress=None):
        return samples[:, 1, 0].astype(np.float64)


def _case(group, answer, mi, rival=-1, oracle=float("nan"), n=50):
    samples = np.random.default_rng(int(1e6 * sum(answer))).random((n, 2))
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
    assert np.isnan(score(np.empty(0), np.empty(0)).rmse)


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
    assert np.isnan(coverage(low * np.nan, high, low))
    assert np.isnan(coverage(low[:0], high[:0], low[:0]))


def test_measurements_and_their_parts():
    cases = [
        _case("a", (0.1, 0.3, 0.4), 0.2, rival=1, oracle=0.25),
        _case("b", (0.5, 1.0, 2.0), 1.5),
        _case("a", (0.0, 0.1, 0.2), 0.3, rival=0, oracle=0.25),
        _case("a", (0.0, 0.7, 0.9), 0.6, n=80),
    ]
    measured = measure(_Oracle(), cases, {"first": lambda samples: float(samples[1, 0])})
    assert measured.group.tolist() == ["a", "b", "a", "a"]
    assert measured.n.tolist() == [50, 50, 50, 80]
    assert measured.rival.tolist() == [2, -1, 0, -1]  # places in the whole, within group and n
    np.testing.assert_allclose(measured.mi, [0.3, 1.0, 0.1, 0.7])
    np.testing.assert_allclose(measured.baselines["first"], measured.mi)
    np.testing.assert_allclose(measured.truth, [0.2, 1.5, 0.3, 0.6])
    parts = measured.groups()
    assert list(parts) == ["a", "b"]
    assert len(parts["a"]) == 3
    assert parts["a"].rival.tolist() == [1, 0, -1]
    assert parts["a"].by_n()[50].rival.tolist() == [1, 0]
    assert list(parts["a"].by_n()) == [50, 80]
    alone = measured.where(measured.truth == 0.2)
    assert alone.rival.tolist() == [-1]  # its rival was left out
    again = join([parts["b"], parts["a"]])
    np.testing.assert_allclose(again.mi, [1.0, 0.3, 0.1, 0.7])
    assert again.rival.tolist() == [-1, 2, 1, -1]


def test_measuring_nothing_is_an_error():
    with pytest.raises(ValueError, match="no cases"):
        measure(_Oracle(), [], {})


def test_batches_keep_the_order_of_cases():
    count = 2 * measuring.BATCH + 3
    cases = [_case("a", (0, i / 64, 9), i / 64) for i in range(count)]
    estimator = _Oracle()
    measured = measure(estimator, cases, {})
    np.testing.assert_allclose(measured.mi, measured.truth)
    assert estimator.batches == [measuring.BATCH, measuring.BATCH, 3]


def test_long_samples_come_in_small_batches(monkeypatch):
    monkeypatch.setattr(measuring, "BATCH_SAMPLES", 120)
    estimator = _Oracle()
    cases = [_case("a", (0, i, 9), i) for i in range(5)]
    cases += [_case("a", (0, 7, 9), 7, n=500)]
    np.testing.assert_allclose(measure(estimator, cases, {}).mi, [0, 1, 2, 3, 4, 7])
    assert estimator.batches == [2, 2, 1, 1]


def test_a_table_by_hand():
    cases = [
        _case("K=1", (0.1, 0.3, 0.4), 0.2, rival=1, oracle=0.25),
        _case("K=1", (0.0, 0.35, 0.4), 0.3, rival=0, oracle=0.25),
        _case("joe", (0.5, 1.0, 2.0), 1.5),
    ]
    measured = measure(_Oracle(), cases, {"other": lambda samples: 1.0})
    lines = score_table("family", with_total(measured.groups(), measured)).splitlines()
    assert len(lines) == 5
    assert len({line.count("|") for line in lines}) == 1
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        "family", "cases", "mean MI", "RMSE", "oracle", "RMSE / oracle", "bias", "90 % coverage",
        "width", "order", "other RMSE",
    ]  # fmt: skip
    first, second, total = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:])
    assert first == [
        "K=1", "2", "0.250", "0.0791", "0.0500", "1.58", "+0.0750", "100.0 %", "0.3500",
        "100.0 %", f"{np.sqrt((0.64 + 0.49) / 2):.4f}",
    ]  # fmt: skip
    assert second[3:7] == ["0.5000", "", "", "-0.5000"]
    assert second[9] == ""
    assert total[:2] == ["all", "3"]
    assert "nan" not in "".join(lines)


def test_relative_errors():
    cases = [_case("a", (0, 2.2, 9), 2.0), _case("a", (0, 3.6, 9), 4.0)]
    measured = measure(_Oracle(), cases, {})
    cells_of = score_table("case", [("a", measured)], relative=True).splitlines()[2].split("|")
    assert cells_of[4].strip() == "10.0 %"
    assert cells_of[5].strip() == "+0.0 %"


def test_models_without_intervals_have_no_coverage():
    cases = [_case("a", (0, 0.1, 9), 0.2), _case("a", (0, 0.5, 9), 0.2)]
    measured = measure(_OracleWithoutInterval(), cases, {})
    table = score_table("cases", [("a", measured)])
    assert "| a | 2 | 0.200 | 0.2236 | +0.1000 |" in table
    assert "coverage" not in table
    assert "width" not in table


def test_order_needs_rivals():
    cases = [_case("a", (0, 0.1, 9), 0.2, rival=1), _case("a", (0, 0.5, 9), 0.4, rival=0)]
    measured = measure(_Oracle(), cases, {})
    assert order(measured, measured.mi) == 1
    assert order(measured, -measured.mi) == 0
    assert np.isnan(order(measured.where(measured.truth < 0.3), np.ones(1)))


def test_cells_by_hand():
    def cases():
        for i in range(12):  # the model errs by 0.1, KSG by 0.2, in the first range of MI
            yield _case("a", (0, 0.12, 9), 0.02, oracle=0.22 if i < 6 else 0.03, n=50 + (i > 5))
        yield from (_case("a", (0, 1.4, 9), 1.5, oracle=1.5) for _ in range(4))  # too few

    measured = measure(_Oracle(), cases(), {})
    measured = type(measured)(**{**vars(measured), "baselines": {"KSG": measured.oracle}})
    found = cells(measured)
    assert [(c.family, c.n, c.low, c.count) for c in found] == [("a", 50, 0, 6), ("a", 51, 0, 6)]
    assert [c.rmse for c in found] == pytest.approx([0.1, 0.1])
    assert [c.rival for c in found] == pytest.approx([0.2, 0.01])
    assert [c.won for c in found] == [True, False]
    report = cell_report(found)
    assert "in 50.0 % of 2 cells" in report
    assert report.splitlines()[-1] == "| a | 51 | 0 to 0.03 | 6 | 0.1000 | 0.0100 |"
    assert cell_report(found[:1]) == "RMSE below KSG's in 100.0 % of 1 cells."
    assert "raise the count" in cell_report([])


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
        ratio = mixture_log_ratio([1.0], [mean], [cov], case.samples)
        assert case.oracle == pytest.approx(ratio.mean(), abs=1e-9)


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
        lambda seed: benchmark_mi_cases(2, 60, seed),
        lambda seed: high_information_cases(1, 60, seed),
        lambda seed: discrete_cases(1, 60, seed),
        lambda seed: independent_cases(3, 60, seed),
        lambda seed: independent_cases(3, 60, seed, 5),
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
        assert a.samples.dtype == np.float64
        assert np.isfinite(a.samples).all()
        assert a.mi >= 0


def test_more_cases_begin_with_the_fewer():
    few, many = list(held_out_cases(1, 30, 5)), list(held_out_cases(3, 30, 5))
    for index in range(len(TEST)):
        np.testing.assert_array_equal(few[index].samples, many[3 * index].samples)
    assert [case.group for case in few] == list(TEST)
    assert all(np.isfinite(case.oracle) for case in few)


def test_what_the_suites_hold():
    assert len({case.group for case in benchmark_mi_cases(1, 30, 1)}) == 9
    assert {case.mi for case in high_information_cases(1, 30, 1)} == {*HIGH_TRUTHS, 7.0, 8.0}
    assert len({case.group for case in discrete_cases(1, 30, 1)}) == 4
    assert {case.group for case in independent_cases(1, 30, 1, 7)} == {"7 levels"}
    for case in independent_cases(2, 3000, 1, 7):
        assert set(np.unique(case.samples)) == set(range(7))


def test_mixtures_are_the_same_at_every_n():
    short, long = list(fresh_mixture_cases(2, 30, 4)), list(fresh_mixture_cases(2, 3000, 4))
    assert [case.mi for case in short] == [case.mi for case in long]
    assert not np.array_equal(short[0].samples, long[0].samples[:30])


def test_fresh_mixtures_have_exact_truths_for_one_component():
    for case in list(fresh_mixture_cases(3, 20_000, 3))[:3]:
        rho = np.corrcoef(case.samples.T)[0, 1]
        assert case.mi == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.05)
        assert case.oracle == pytest.approx(case.mi, abs=0.05)


def test_ksg_beside_it():
    x, e = np.random.default_rng(0).normal(size=(2, 3000))
    samples = np.stack([x, 0.8 * x + 0.6 * e], 1)
    measured = measure(_Oracle(), [Case("a", samples, 1.0)], {"KSG": ksg})
    assert measured.baselines["KSG"][0] == ksg(samples)


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
