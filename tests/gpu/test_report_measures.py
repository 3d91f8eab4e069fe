"""What the GPU report measures by scripts of its own, on the CPU: agreement and operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "report"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def test_there_are_500_data_sets_of_every_suite_at_every_n(monkeypatch):
    import agreement

    assert agreement.SIZES == (500, 5000)
    monkeypatch.setattr(agreement, "SIZES", (30, 31))  # drawn faster
    sets = agreement.data_sets(500, seed=1)
    assert [len(case.samples) for case in sets] == [30] * 250 + [31] * 250
    for part in (sets[:250], sets[250:]):
        groups = [case.group for case in part]
        for suite, least in (("mixtures", 45), ("1v1-normal", 5), ("Poisson", 3), ("joe", 3)):
            assert sum(name.startswith(suite) for name in groups) >= least, suite
        truths = [case.mi for case in part]
        assert min(truths) < 0.05
        assert max(truths) == pytest.approx(8)
    again = agreement.data_sets(20, seed=1)
    assert (again[0].samples == sets[0].samples).all()
    with pytest.raises(ValueError, match="--count is 9000, there are 568"):
        agreement.data_sets(9000, seed=1)


def test_the_largest_difference_is_found_wherever_it_is():
    import agreement

    sets = agreement.data_sets(6, seed=1)
    expected = np.linspace(0, 1, 6)
    found = expected + np.array([0, 1e-5, -2e-5, 0, 0, 0])
    got = agreement.compare(found, expected, sets)
    assert (got.count, got.largest) == (6, pytest.approx(2e-5))
    assert got.mean == pytest.approx(5e-6)
    assert got.worst == f"{sets[2].group}, n = 500: 0.39998 where the CPU has 0.40000"
    for bad in (np.nan, np.inf, -np.inf):
        found[4] = bad
        assert agreement.compare(found, expected, sets).largest > 1e300


def test_agreement_passes_and_fails(capsys, monkeypatch, tmp_path):
    import agreement
    import infonet
    from infonet.model.load import DEFAULT_MODEL

    monkeypatch.setattr(agreement, "SIZES", (50, 60))
    arguments = ["--device", "cpu", "--count", "20", "--half-model"]
    assert agreement.main([*arguments, str(DEFAULT_MODEL)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["fp32: 20 data sets", "fp16: 20 data sets"]
    assert all("largest difference 0.00e+00" in line and "passes" in line for line in lines)

    assert agreement.main([*arguments, str(tmp_path / "none.onnx")]) == 1
    assert "fp16: there is no model" in capsys.readouterr().out

    real, calls = infonet.Estimator.mi, []

    def drifting(self, samples, **options):  # the first of three estimators is the reference
        calls.append(self)
        return real(self, samples, **options) + (2e-4 if self is not calls[0] else 0)

    monkeypatch.setattr(infonet.Estimator, "mi", drifting)
    assert agreement.main([*arguments, str(DEFAULT_MODEL)]) == 1
    single, half = capsys.readouterr().out.splitlines()
    assert "largest difference 2.00e-04" in single
    assert "FAILS" in single
    assert "passes" in half  # whose tolerance is 5e-3

    def lost(estimator, sets, real=agreement.estimates):
        calls.append(estimator)
        if len(calls) > 1:
            raise RuntimeError("the device was lost")
        return real(estimator, sets)

    calls.clear()
    monkeypatch.setattr(infonet.Estimator, "mi", real)
    monkeypatch.setattr(agreement, "estimates", lost)
    assert agreement.main([*arguments, str(DEFAULT_MODEL)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "fp32: the device was lost",
        "fp16: the device was lost",
    ]


def test_operators_are_measured_and_one_that_fails_is_told(capsys, monkeypatch):
    import operators

    arguments = ["--device", "cpu", "--sizes", "4x300", "--rounds", "1"]
    assert operators.main(arguments) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    rows = [line.split("|")[1].strip() for line in table[2:]]
    ours = ["gradient, eps = 1/n", "gradient, eps = 0.1", "joint histogram"]
    assert [row for row in rows if "torchsort" not in row] == ours

    def fails(samples):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(operators, "histogram", fails)
    assert operators.main(arguments) == 1
    out = capsys.readouterr().out
    assert "left out: joint histogram, 4 x 300: no such kernel" in out
    assert "| gradient, eps = 0.1 " in out
