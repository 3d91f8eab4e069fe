"""Mutual information of several columns and given others: truth, properties, inputs, limits."""

from __future__ import annotations

from dataclasses import astuple

import infonet
import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infonet.model.libraries import kernels
from infonet.vines.copula import PairCopulas, rank
from infonet.vines.gaussian import inflated

N = 2000


def facts(found):
    """All that an estimate says but for names, notes and the table, to compare to the byte."""
    terms = sorted((term.mi, term.p_value) for term in found.terms)
    return found.mi, found.interval, found.p_value, found.n, found.method, terms


def gaussian_mi(covariance, x, y, z=()):
    """Mutual information of Gaussian vectors, given others, by determinants."""
    x, y, z = list(x), list(y), list(z)

    def log_det(places):
        return np.linalg.slogdet(covariance[np.ix_(places, places)])[1] if places else 0.0

    return (log_det(x + z) + log_det(y + z) - log_det(x + y + z) - log_det(z)) / 2


def correlated(size, seed):
    """A covariance matrix, some way from the diagonal."""
    factor = np.random.default_rng(seed).normal(size=(size, size))
    return factor @ factor.T + size / 2 * np.eye(size)


def draw(covariance, n=N, seed=0):
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(np.zeros(len(covariance)), covariance, n)


@pytest.mark.parametrize(("dx", "dy"), [(2, 1), (3, 3), (5, 5)])
@pytest.mark.parametrize("warp", [False, True])
def test_gaussian_vectors(estimator, dx, dy, warp):
    covariance = correlated(dx + dy, dx)
    truth = gaussian_mi(covariance, range(dx), range(dx, dx + dy))
    samples = draw(covariance)
    if warp:
        samples = np.exp(samples / 3) + samples**3
    found = estimator.estimate(samples[:, :dx], samples[:, dx:])
    assert found.mi == pytest.approx(truth, abs=0.04 + 0.06 * truth)
    assert found.p_value < 1e-6
    assert len(found.terms) == dx * dy
    if found.method == "vine":
        assert sum(term.mi for term in found.terms) == pytest.approx(found.mi)


@pytest.mark.parametrize("dz", [1, 2])
def test_gaussian_given_others(estimator, dz):
    covariance = correlated(2 + dz, dz + 2)
    truth = gaussian_mi(covariance, [0], [1], range(2, 2 + dz))
    samples = draw(covariance, seed=1)
    found = estimator.estimate(samples[:, 0], samples[:, 1], given=samples[:, 2:])
    assert found.mi == pytest.approx(truth, abs=0.03 + 0.06 * truth)


def common_cause(n, seed):
    """x and y, each a nonlinear function of z with noise; nothing else joins them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    return z**2 + rng.normal(size=n), np.sin(3 * z) + 0.5 * rng.normal(size=n), z


def test_a_common_cause_leaves_nothing(estimator):
    draws = [common_cause(N, seed) for seed in range(4)]
    found = [estimator.estimate(x, y, given=z) for x, y, z in draws]
    assert np.mean([answer.mi for answer in found]) < 0.003
    assert max(answer.p_value for answer in found) > 0.05
    tests = [estimator.conditional_independence(x, y, z) for x, y, z in draws]
    assert [test.p_value for test in tests] == [answer.p_value for answer in found]
    assert [test.mi for test in tests] == [answer.mi for answer in found]
    alone = estimator.conditional_independence(*draws[0][:2])
    pair = estimator.estimate(*draws[0][:2])
    assert (alone.p_value, alone.mi) == (pair.p_value, pair.mi)
    assert alone.statistic == pytest.approx(2 * N * pair.mi)


def test_dependence_beyond_a_common_cause_is_found(estimator):
    rng = np.random.default_rng(0)
    z, a, b = rng.normal(size=(3, N))
    b = 0.6 * a + 0.8 * b
    x, y = np.sin(2 * z) + np.exp(0.4 * z) * a / 2, z**2 - np.exp(-0.3 * z) * b / 2
    found = estimator.conditional_independence(x, y, z)
    assert found.mi == pytest.approx(-0.5 * np.log(1 - 0.36), abs=0.05)
    assert found.p_value < 1e-6


def test_synergy_is_seen_only_together(estimator):
    a, b, noise = np.random.default_rng(0).normal(size=(3, N))
    y = a * b + 0.3 * noise
    together = estimator.estimate(np.stack([a, b], 1), y)
    assert together.mi > estimator.estimate(a, y).mi + 0.2
    assert estimator.estimate(a, y, given=b).mi > estimator.estimate(a, y).mi + 0.2


def test_total_correlation_of_a_gaussian(estimator):
    covariance = correlated(3, 5)
    truth = (np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance)[1]) / 2
    samples = draw(covariance, seed=2)
    found = estimator.total_correlation(samples)
    assert found.mi == pytest.approx(truth, abs=0.03 + 0.06 * truth)
    assert len(found.terms) == 3
    assert facts(estimator.total_correlation(samples[:, ::-1])) == facts(found)
    alone = estimator.total_correlation(samples[:, :1])
    assert (alone.mi, alone.p_value) == (0.0, None)


def test_total_correlation_refuses_copies(estimator):
    x = np.random.default_rng(0).normal(size=50)
    with pytest.raises(infonet.InputError, match="adds its entropy to the total correlation"):
        estimator.total_correlation(np.stack([x, 3 * x], 1))


def test_a_copula_is_read_as_the_network_says(estimator):
    """h-functions by hand: F(v | u) of a pair is uniform and independent of u."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=N)
    u, v = rank([x, np.cos(3 * x) + 0.3 * rng.normal(size=N)])
    copulas = PairCopulas(estimator.engine)
    found = copulas.fit(u, v)
    assert found.mi == estimator.estimate(u, v).mi
    residual = rank([found.of_v])[0]
    assert copulas.p_value(u, residual) > 1e-3
    assert estimator.estimate(u, residual).mi < 0.01


# Properties


@st.composite
def tables(draw_from):
    """A table of dependent columns, some with ties, and how many are x, y and given."""
    dx, dy, dz = (draw_from(st.integers(low, 2)) for low in (1, 1, 0))
    seed, n = draw_from(st.integers(0, 2**16)), draw_from(st.integers(20, 150))
    rng = np.random.default_rng(seed)
    size = dx + dy + dz
    table = rng.normal(size=(n, size)) @ rng.normal(size=(size, size))
    for place in draw_from(st.sets(st.integers(0, size - 1))):
        table[:, place] = np.round(table[:, place])
    return table[:, :dx], table[:, dx : dx + dy], table[:, dx + dy :]


def ask(estimator, x, y, z, **options):
    return estimator.estimate(x, y, given=z if z.size else None, **options)


@settings(max_examples=15, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_order_of_columns_and_exchange_change_nothing(estimator, parts, random):
    found = facts(ask(estimator, *parts))
    mixed = [part[:, random.sample(range(part.shape[1]), part.shape[1])] for part in parts]
    assert facts(ask(estimator, *mixed)) == found
    x, y, z = parts
    swapped = ask(estimator, y, x, z)
    if x.shape[1] == y.shape[1] == 1 and not z.size:  # the pair model: another table
        assert swapped.mi == pytest.approx(found[0], abs=1e-3)
    else:
        assert facts(swapped) == found


def collinear(x, y):
    """Whether other columns tell about four fifths of one, or a pair is nearly in one order."""
    scores = [kernels().normal_scores(row) for row in rank([*x.T, *y.T])]
    return inflated(np.stack(scores)) > 4


@settings(max_examples=15, deadline=None)
@given(tables())
def test_rising_functions_change_nothing(estimator, parts):
    found = facts(ask(estimator, *parts))
    assert facts(ask(estimator, *(2.0 * part + 1.0 for part in parts))) == found
    # Of nearly collinear columns and of strong effects of a condition the values count, too: small
    # differences are not in the ranks.
    if not collinear(*parts[:2]) and not parts[2].size:
        assert facts(ask(estimator, *(part**3 for part in parts))) == found


@settings(max_examples=10, deadline=None)
@given(tables())
def test_threads_change_nothing(estimator, parts):
    found = facts(ask(estimator, *parts))
    for threads in (2, 4):
        assert facts(ask(infonet.Estimator(threads=threads), *parts)) == found


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16), st.integers(200, 400))
def test_more_columns_tell_no_less(estimator, seed, n):
    samples = draw(correlated(4, seed), n, seed)
    x, y, both = samples[:, 0], samples[:, 1], samples[:, 1:3]
    assert estimator.estimate(x, both).interval[1] >= estimator.estimate(x, y).interval[0]


# Inputs


def test_one_column_is_the_pair_model(estimator, gaussian):
    x, y = gaussian(0.6, 500)
    expected = astuple(estimator.estimate(x, y))
    forms = [
        (x[:, None], y[:, None]),
        (x.tolist(), y[:, None]),
        (pandas.DataFrame({"x": x}), polars.DataFrame({"y": y})),
        ({"x": x}, {"y": y}),
        (x[:, None].tolist(), y),
    ]
    for a, b in forms:
        found = estimator.estimate(a, b)
        assert found.table.tobytes() == expected[6].tobytes()
        same = [value for place, value in enumerate(astuple(found)) if place != 6]
        assert same == [value for place, value in enumerate(expected) if place != 6]


def test_forms_of_several_columns_and_their_names(estimator):
    samples = draw(correlated(4, 0), 300)
    names = ["a", "b", "c", "d"]
    expected = facts(estimator.estimate(samples[:, :2], samples[:, 2], given=samples[:, 3]))
    for kind in (pandas.DataFrame, polars.DataFrame, dict):
        table = kind(dict(zip(names, samples.T, strict=True)))
        x = {k: table[k] for k in "ab"} if kind is dict else table[["a", "b"]]
        found = estimator.estimate(x, table["c"], names=("x", "c"), given={"d": table["d"]})
        assert facts(found) == expected
        assert found.names[0] == "a, b"
        assert found.given == ("d",)
        assert {term.x for term in found.terms} == {"a", "b"}
        assert all(term.given[-1] == "d" for term in found.terms)
    assert facts(estimator.estimate(samples[:, :2].tolist(), samples[:, 2], given=samples[:, 3])
                 ) == expected  # fmt: skip
    assert str(found).startswith("MI(a, b; c | d) = ")
    head, *rows = str(found.terms).splitlines()
    assert head.split() == ["x", "y", "given", "nats", "p"]
    assert len(rows) == 2
    plain = found.to_dict("bits")
    assert plain["given"] == ["d"]
    assert max(0, sum(term["mi"] for term in plain["terms"])) == pytest.approx(found.bits)
    with pytest.raises(infonet.InputError, match="unit"):
        found.terms.describe("digits")


def test_functions_of_the_package(estimator):
    samples = draw(correlated(3, 0), 300)
    x, y, z = samples.T
    expected = estimator.estimate(x, y, given=z)
    assert facts(infonet.estimate(x, y, given=z)) == facts(expected)
    assert infonet.mutual_information(x, y, given=z) == expected.mi
    assert float(infonet.conditional_independence(x, y, z)) == expected.p_value
    assert infonet.total_correlation(samples).mi == estimator.total_correlation(samples).mi


def test_what_is_given_tells_nothing_more(estimator):
    x, y, z = draw(correlated(3, 0), 300).T
    found = estimator.estimate(x, y, given=np.stack([z, x], 1))
    assert (found.mi, found.interval, found.p_value) == (0.0, (0.0, 0.0), None)
    assert "known already" in found.notes[0]
    assert estimator.conditional_independence(x, y, x).p_value == 1.0
    both = estimator.estimate(np.stack([x, z], 1), y, given=z)
    assert facts(both) == facts(estimator.estimate(x, y, given=z))


def test_constants_and_copies_are_left_out(estimator):
    x, y, z = draw(correlated(3, 0), 300).T
    one = np.ones(300)
    expected = facts(estimator.estimate(np.stack([x, z], 1), y))
    found = estimator.estimate(np.stack([x, one, z, x**3], 1), y)
    assert facts(found) == expected
    assert found.notes[0] == "x[:, 1] constant: left out, as it tells nothing"
    assert found.notes[1] == "x[:, 3] left out: a copy of another column"
    with pytest.warns(infonet.InfoNetWarning, match="constant"):
        flat = estimator.estimate(np.stack([one, one], 1), np.stack([y, y], 1))
    assert (flat.mi, flat.p_value, flat.method) == (0.0, None, "constant")
    pair = facts(estimator.estimate(x, y))
    for found in (
        estimator.estimate(x, y, given=one),
        estimator.estimate(np.stack([x, one], 1), y),
        estimator.estimate(np.stack([x, x**3], 1), y, given=one),
    ):
        assert facts(found) == pair
    shared = estimator.estimate(np.stack([x, z], 1), x)
    assert any("infinite" in note for note in shared.notes)
    assert shared.mi > 2


def test_what_was_converted_is_said_in_the_notes(estimator):
    """As of a pair, whose notes say it, too."""
    x, y, z = draw(correlated(3, 0), 300).T
    words = np.where(z > 0, "wet", "dry")
    pair = estimator.estimate(words, y)
    found = estimator.estimate({"x": x, "words": words}, y)
    given_words = estimator.estimate(x, y, given={"words": words})
    for notes in (pair.notes, found.notes, given_words.notes):
        assert "categories" in notes[0]
    only = estimator.estimate({"words": words}, y)
    assert (only.names[0], facts(only)) == ("words", facts(pair))


def test_cells_of_few_levels_are_counted(estimator):
    """An exclusive or tells only together, log 2 of it, and nothing is put in random order."""
    a, b, c = np.random.default_rng(0).integers(0, 2, (3, N))
    found = estimator.estimate(np.stack([a, b], 1), a ^ b)
    assert found.method == "counts"
    assert found.mi == pytest.approx(np.log(2), abs=0.01)
    assert [term.mi for term in found.terms] == [found.mi]
    assert str(found).startswith("MI(x; y) = ")
    assert estimator.estimate(a, b, given=c).mi < 0.005
    assert estimator.estimate(a, b, given=a ^ b).mi == pytest.approx(np.log(2), abs=0.01)


@pytest.mark.parametrize("kind", ["signs", "ratings", "counts", "zeros", "labels"])
def test_ties_of_every_kind(estimator, kind):
    """Independent given z whatever the ties; and dependence is seen through them."""
    rng = np.random.default_rng(0)
    z, a, b = rng.normal(size=(3, N))
    cut = {
        "signs": np.sign,
        "ratings": lambda v: np.clip(np.round(v), -2, 2),
        "counts": lambda v: np.floor(np.exp(v / 2) * 2),
        "zeros": lambda v: np.maximum(v, 0),
        "labels": lambda v: np.where(v > 0, "up", "down"),
    }[kind]
    free = estimator.estimate(cut(z + a), z + b, given=z)
    assert free.mi < 0.01
    assert free.p_value > 1e-3
    bound = estimator.estimate(cut(z + a), z + a + 0.2 * b, given=z)
    assert bound.mi > 0.05
    assert bound.p_value < 1e-6
    again = estimator.estimate(cut(z + a), z + a + 0.2 * b, given=z, seed=1)
    assert again.mi == pytest.approx(bound.mi, abs=0.06)


def test_missing_values(estimator):
    samples = draw(correlated(4, 0), 300)
    gaps = samples.copy()
    gaps[3, 0] = gaps[7, 2] = np.nan
    gaps[11, 3] = np.inf
    x, y, z = gaps[:, :2], gaps[:, 2], gaps[:, 3]
    with pytest.raises(infonet.InputError, match='nan="omit"'):
        estimator.estimate(x, y, given=z)
    keep = np.isfinite(gaps).all(axis=1)
    expected = estimator.estimate(x[keep], y[keep], given=z[keep])
    found = estimator.estimate(x, y, given=z, nan="omit")
    assert facts(found) == facts(expected)
    assert found.n == 297
    total = estimator.total_correlation(gaps, nan="omit")
    assert facts(total) == facts(estimator.total_correlation(gaps[keep]))


X = np.random.default_rng(0).normal(size=(60, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[:, :0], X), "x has no dimension"),
        ((X, {}), "y has no dimension"),
        ((X, X[:, 0], X[:, :0]), "given has no dimension"),
        ((X, X[:50]), r"differ in length \(60 and 50\)"),
        ((X, X[:, 0], X[:9]), r"differ in length \(60 and 9\)"),
        ((X[:10], X[:10, 0]), "10 samples, the model needs at least 20"),
        ((np.tile(X, 64), X[:, 0]), "129 variables in all, at most 128"),
        ((np.zeros((60, 2, 2)), X), r"shape \[60, 2, 2\]"),
        ((X + 1j, X), "complex"),
        ((X, X[:, 0], "z"), "given"),
    ],
)
def test_what_is_refused_in_one_line(estimator, arguments, message):
    x, y, *z = arguments
    with pytest.raises(infonet.InputError, match=message) as error:
        estimator.estimate(x, y, given=z[0] if z else None)
    assert "\n" not in str(error.value)


def test_options_that_are_refused(estimator):
    with pytest.raises(infonet.InputError, match="permutations is 9 for several columns"):
        estimator.estimate(X, X[:, 0], permutations=9)
    with pytest.raises(infonet.InputError, match="nan is 'drop'"):
        estimator.estimate(X, X[:, 0], nan="drop")
    with pytest.raises(infonet.InputError, match="seed"):
        estimator.total_correlation(X, seed=-1)
