"""Sliced mutual information: when to stop, the permutation test, and the largest projection."""

from __future__ import annotations

import json
import math

import infonet
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.sliced.estimate import projections_wanted
from scipy import stats

RNG = np.random.default_rng(11)
X = RNG.standard_normal((120, 4))
Y = X[:, :2] + 0.5 * RNG.standard_normal((120, 2))


@pytest.fixture(scope="module")
def many(estimator):
    """A long run: 1024 projections of (X, Y)."""
    return estimator.sliced(X[:60], Y[:60], projections=1024)


def run_rule(draw, least, tolerance, most=10**6):
    """Values at which the rule stops, and the looks on the way."""
    values, looks = draw(least), [least]
    while (wanted := projections_wanted(values, tolerance, most)) > values.size:
        values = np.concatenate([values, draw(wanted - values.size)])
        looks.append(wanted)
    return values, looks


def test_tolerance_is_that_many_projections(estimator):
    first = estimator.sliced(X, Y, projections=64)
    tolerance = first.standard_error / 2
    found = estimator.sliced(X, Y, projections=64, tolerance=tolerance)
    assert found.standard_error <= tolerance == found.tolerance
    assert found.tolerance_reached is True
    assert 128 <= found.projections < 512  # four times as many are expected
    again = estimator.sliced(X, Y, projections=found.projections)
    assert again.values.tobytes() == found.values.tobytes()
    assert (again.mean, again.tolerance, again.tolerance_reached) == (found.mean, None, None)
    assert found.notes == again.notes == ()
    assert estimator.sliced(X, Y, 64, tolerance=1.0).projections == 64


def test_tolerance_that_is_not_reached(estimator):
    found = estimator.sliced(X, Y, projections=70, tolerance=1e-9, max_projections=101)
    assert (found.projections, found.tolerance_reached) == (101, False)
    assert found.notes[0].startswith(f"the standard error is {found.standard_error:.2g} nats after")
    assert "allow more with max_projections" in found.notes[0]
    assert found.values.tobytes() == estimator.sliced(X, Y, projections=101).values.tobytes()


def test_tolerance_without_spread(estimator):
    """Two variables of one dimension have one projection; constants have none."""
    one = estimator.sliced(X[:, 0], Y[:, 0], projections=64, tolerance=1e-6, permutations=9)
    assert (one.projections, one.standard_error, one.tolerance_reached) == (64, 0, True)
    assert (one.p_value, one.permutation_projections) == (0.1, 1)
    with pytest.warns(infonet.InfoNetWarning, match="constant"):
        flat = estimator.sliced(X, np.zeros((120, 2)), 64, tolerance=1e-6, permutations=9)
    assert (flat.projections, flat.mean, flat.tolerance_reached) == (64, 0, True)
    assert flat.p_value == 1


@pytest.mark.parametrize("most", [64, 100, 5000])
@pytest.mark.parametrize("spread", [1e-3, 1.0, 10.0])
def test_looks_are_few_and_bounded(most, spread):
    rng = np.random.default_rng(0)
    values, looks = run_rule(lambda k: spread * rng.exponential(size=k), 64, 0.03, most)
    assert looks[-1] <= most
    steps = np.diff(looks)
    assert all(step >= min(64, most - look) for step, look in zip(steps, looks, strict=False))
    assert all(step <= look for step, look in zip(steps, looks, strict=False))
    if looks[-1] < most:
        assert values.std(ddof=1) / math.sqrt(values.size) <= 0.03
    assert len(looks) <= 20


def test_stopping_has_little_bias(many):
    """Resampled from a long run: against its mean, in units of the tolerance."""
    rng = np.random.default_rng(0)
    population = many.values
    for least, limit in ((64, 0.3), (512, 0.15)):
        tolerance = population.std() / math.sqrt(2 * least)
        means, counts = [], []
        for _ in range(500):
            values, _ = run_rule(lambda k: rng.choice(population, k), least, tolerance)
            means.append(values.mean())
            counts.append(values.size)
        error = (np.array(means) - population.mean()) / tolerance
        noise = 3 / math.sqrt(500)
        assert abs(error.mean()) < limit + noise
        assert 0.8 < error.std() < 1.2  # the standard error is what it says
        assert np.median(counts) < 3 * least


def statistic(estimator, x, y):
    """What the test compares: the score of a model that has one, else the estimate."""
    engine = estimator.engine
    return float(engine.run(engine.prepare([x, y]), np.array([[0, 1]])).statistic[0])


def p_value_by_hand(estimator, x, y, projections, permutations, seed):
    """Permute rows of y, project, estimate; one after the other."""
    dx, dy = x.shape[1], y.shape[1]
    drawn = np.random.default_rng(seed).standard_normal((projections, dx + dy))
    orders = [np.arange(len(y))]
    for number in range(permutations):
        stream = np.random.SeedSequence(seed, spawn_key=(number,))
        orders.append(np.random.default_rng(stream).permutation(len(y)))
    pairs = [(x @ d[:dx] if dx > 1 else x[:, 0], y @ d[dx:] if dy > 1 else y[:, 0]) for d in drawn]
    means = [np.mean([statistic(estimator, a, b[order]) for a, b in pairs]) for order in orders]
    return sum(mean >= means[0] - 1e-12 for mean in means) / len(means)


@pytest.mark.parametrize(("dx", "dy"), [(4, 2), (1, 2), (4, 1), (1, 1)])
def test_permutations_by_hand(estimator, dx, dy):
    x, y = X[:50, :dx], RNG.standard_normal((50, dy)) + 0.3 * X[:50, :1]
    found = estimator.sliced(x, y, 12, seed=3, permutations=15, permutation_projections=7)
    assert found.p_value == p_value_by_hand(estimator, x, y, 7, 15, 3)
    assert (found.permutations, found.permutation_projections) == (15, 1 if dx == dy == 1 else 7)
    assert found.values.tobytes() == estimator.sliced(x, y, 12, seed=3).values.tobytes()


def test_permutations_of_discrete_data_with_minmax(estimator):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 3, (60, 3)), rng.integers(0, 2, (60, 2))
    found = estimator.sliced(x, y, 6, seed=1, permutations=15, scale="minmax")
    assert found.p_value == p_value_by_hand(estimator, x / 2, y, 6, 15, 1)


@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
@pytest.mark.parametrize("discrete", [False, True])
def test_p_values_are_exact_under_independence(estimator, discrete):
    """P(p <= k / 10) is k / 10 for data without ties, and no more with ties."""
    rng = np.random.default_rng(5)
    p = []
    for seed in range(120):
        x, y = rng.standard_normal((2, 24, 2)) if not discrete else rng.integers(0, 2, (2, 24, 2))
        found = estimator.sliced(x, y, 2, seed, permutations=9, progress=False)
        p.append(found.p_value)
    for k in (1, 2, 5, 8):
        count = int((np.array(p) <= k / 10 + 1e-9).sum())
        assert count <= stats.binom.ppf(0.9995, 120, k / 10)
        assert discrete or count >= stats.binom.ppf(0.0005, 120, k / 10)


def test_power(estimator):
    found = estimator.sliced(X, Y, 32, permutations=19)
    assert found.p_value == 1 / 20
    assert found.permutation_projections == 32
    angle, other = np.random.default_rng(0).uniform(0, 2 * np.pi, 400), RNG.standard_normal(400)
    x = np.stack([np.cos(angle), other], axis=1)
    y = np.stack([np.sin(angle), other[::-1]], axis=1)  # uncorrelated with x, but dependent
    assert estimator.sliced(x, y, 32, permutations=19).p_value == 1 / 20


def test_threads_and_seeds(estimator):
    y = Y[::-1]
    found = estimator.sliced(X, y, 12, permutations=30)
    other = infonet.Estimator(threads=4).sliced(X, y, 12, permutations=30)
    assert other.p_value == found.p_value
    many = {estimator.sliced(X, y, 12, seed, permutations=30).p_value for seed in range(4)}
    assert len(many) > 1


@pytest.mark.parametrize("scale", [None, "minmax"])
def test_directions_of_the_largest(estimator, scale):
    found = estimator.sliced(X, Y, projections=100, seed=9, scale=scale)
    theta, phi = found.directions
    assert (theta.shape, phi.shape) == ((4,), (2,))
    assert np.linalg.norm(theta) == pytest.approx(1)
    unit = (X - X.min(axis=0)) / np.ptp(X, axis=0), (Y - Y.min(axis=0)) / np.ptp(Y, axis=0)
    x, y = unit if scale else (X, Y)
    assert estimator.estimate(x @ theta, y @ phi).mi == pytest.approx(found.max, abs=1e-6)
    drawn = np.random.default_rng(9).standard_normal((100, 6))[found.values.argmax()]
    np.testing.assert_allclose(theta, drawn[:4] / np.linalg.norm(drawn[:4]), rtol=1e-15)
    np.testing.assert_allclose(phi, drawn[4:] / np.linalg.norm(drawn[4:]), rtol=1e-15)
    one = estimator.sliced(X[:, 0], pd.DataFrame(Y), projections=3)
    np.testing.assert_array_equal(one.directions[0], [1.0])
    assert one.directions[1].shape == (2,)


BAD = {
    "tolerance": ({"tolerance": 0}, "tolerance is 0, allowed are positive numbers"),
    "negative": ({"tolerance": -0.1}, "tolerance is -0.1"),
    "not a number": ({"tolerance": math.nan}, "tolerance is nan"),
    "text": ({"tolerance": "0.1"}, "tolerance is '0.1'"),
    "truth": ({"tolerance": True}, "tolerance is True"),
    "few": ({"tolerance": 0.1, "projections": 63}, "projections is 63, with a tolerance they are"),
    "no tolerance": ({"max_projections": 100}, "max_projections is 100 without a tolerance"),
    "most": (
        {"tolerance": 0.1, "projections": 100, "max_projections": 99},
        "max_projections is 99, allowed are whole numbers from 100",
    ),
    "permutations": ({"permutations": -1}, "permutations is -1, allowed are whole numbers from 0"),
    "half": ({"permutations": 0.5}, "permutations is 0.5"),
    "none to test": ({"permutation_projections": 5}, "permutation_projections is 5 without"),
    "too many": (
        {"permutations": 9, "projections": 10, "permutation_projections": 11},
        r"permutation_projections is 11, allowed are 1 to 10 \(projections\)",
    ),
    "memory": ({"memory": "much"}, "memory is 'much', allowed are a number of bytes"),
    "zero": ({"permutations": 9, "permutation_projections": 0}, "permutation_projections is 0"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_options(estimator, kind):
    options, message = BAD[kind]
    with pytest.raises(infonet.InputError, match=message) as caught:
        estimator.sliced(X, Y, **options)
    assert "\n" not in str(caught.value)


def test_text_and_plain_values(estimator):
    found = estimator.sliced(
        X, Y, 64, tolerance=1e-3, max_projections=80, permutations=19, permutation_projections=4
    )
    assert f"largest {found.max:.4f}, p = {found.p_value:.2g}, n = 120" in str(found)
    fields = found.to_dict("bits")
    assert fields["tolerance"] == pytest.approx(1e-3 / math.log(2))
    assert fields["tolerance_reached"] is found.tolerance_reached
    assert fields["p_value"] == found.p_value
    assert (fields["permutations"], fields["permutation_projections"]) == (19, 4)
    assert "directions" not in repr(found)


def test_progress_counts_permutations_and_batches(estimator, capsys):
    estimator.sliced(X, Y, 64, permutations=3, permutation_projections=10, progress=True)
    assert "/94 " in capsys.readouterr().err  # 64 + 3 x 10
    estimator.sliced(X, Y, 64, tolerance=1e-9, max_projections=96, progress=True)
    shown = capsys.readouterr().err
    assert "/64 " in shown
    assert "/32 " in shown


def command(*arguments):
    return CliRunner().invoke(main, ["smi", *map(str, arguments)])


def test_command_on_two_files(estimator, tmp_path):
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    pd.DataFrame(Y, columns=["a", "b"]).to_csv(tmp_path / "y.csv", index=False)
    files = tmp_path / "x.npy", tmp_path / "y.csv"
    expected = estimator.sliced(
        X.astype(np.float32), Y, 20, permutations=9, names=("x.npy", "y.csv")
    )
    options = ("--projections", 20, "--permutations", 9, "--threads", 2)
    result = command(*files, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{expected}\n"
    result = command(*files, *options, "--max")
    assert result.stdout.startswith(f"{expected}\nlargest along x: ")
    assert result.stdout.count("\n") == 3
    fields = json.loads(command(*files, *options, "--max", "--json").stdout)
    assert fields["p_value"] == expected.p_value
    theta, phi = fields["directions"]
    np.testing.assert_allclose([theta[str(i)] for i in range(4)], expected.directions[0])
    np.testing.assert_allclose([phi["a"], phi["b"]], expected.directions[1])
    part = json.loads(command(*files, "--projections", 5, "--y", "b", "--json").stdout)
    again = estimator.sliced(X.astype(np.float32), Y[:, 1], 5)
    assert (part["y"], part["mean"]) == ("b", pytest.approx(again.mean, abs=1e-12))
    assert "directions" not in part


def test_command_with_a_tolerance(tmp_path):
    np.save(tmp_path / "x.npy", X)
    options = ("--projections", 64, "--tolerance", 1e-9, "--max-projections", 70)
    result = command(tmp_path / "x.npy", tmp_path / "x.npy", *options)
    assert "over 70 projections" in result.stdout
    assert result.stderr.startswith("the standard error is ")
    result = command(tmp_path / "x.npy", tmp_path / "x.npy", "--max-projections", 70)
    assert result.exit_code == 1
    assert "without a tolerance" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("t.csv",), 2, "--x and --y name the columns"),
        (("t.csv", "--x", "a"), 2, "--x and --y name the columns"),
        (("t.csv", "t.csv", "t.csv"), 2, "got 3 files"),
        (("-", "-"), 1, "both files are standard input"),
        (("t.csv", "absent.npy"), 1, "no file at"),
        (("t.csv", "broken.npy"), 1, "broken.npy is not a readable NumPy file"),
        (("t.csv", "t.csv", "--y", "z"), 1, "column 'z' does not exist"),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_commands(tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(Y, columns=["a", "b"]).to_csv("t.csv", index=False)
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00nonsense")
    result = command(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr
