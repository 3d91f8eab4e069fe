"""Estimates of tied pairs against truths: rain, codes, categories, rare labels, repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.pairs.estimates import COPIES_NOTE, REPEATED_NOTE, UNSURE_NOTE
from scipy.stats import norm


def _entropy(p):
    p = np.asarray(p, float)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log(p)).sum())


def _gaussian(rho):
    return -0.5 * np.log(1 - rho**2)


# Values below a detection limit, rain, claims.


def _rain(r, n, share):
    return np.where(r.random(n) < share, r.lognormal(size=n), 0.0)


@pytest.mark.parametrize(
    ("n", "share", "other"),
    [
        (400, 0.25, "number"),
        (1500, 0.6, "number"),
        (1500, 0.07, "number"),
        (8000, 0.85, "number"),
        (8000, 0.03, "number"),
        (2000, 0.15, "rating"),
        (2000, 0.15, "rain"),
    ],
)
def test_independent_rain_tells_nothing(estimator, n, share, other):
    """At least two in three of the 90 % intervals reach 0, and estimates are small."""
    found = []
    for seed in range(18):
        r = np.random.default_rng([seed, n])
        others = {
            "number": lambda r=r: r.normal(size=n),
            "rating": lambda r=r: r.integers(1, 8, size=n),
            "rain": lambda r=r: _rain(r, n, 0.1),
        }
        found.append(estimator.estimate(others[other](), _rain(r, n, share)))
    assert sum(one.interval[0] <= 1e-4 for one in found) >= 12
    assert np.mean([one.mi for one in found]) < 0.35 / np.sqrt(n)


def _tobit(slope, limit):
    """I(C; max(0, slope C + noise - limit)), by quadrature: a point of mass and a density."""
    c = np.linspace(-7, 7, 701)
    z = np.linspace(1e-6, 12, 3001)
    weight = norm.pdf(c) * (c[1] - c[0])
    below = norm.cdf(limit - slope * c)
    density = norm.pdf(z[:, None] + limit - slope * c)
    mass, mixture = weight @ below, density @ weight
    parts = below * np.log(np.maximum(below, 1e-300) / mass)
    ratio = np.log(np.maximum(density, 1e-300) / np.maximum(mixture, 1e-300)[:, None])
    return float(weight @ (parts + np.trapezoid(density * ratio, z, axis=0)))


@pytest.mark.parametrize(
    ("n", "slope", "limit"), [(1500, 1.0, 1.5), (1500, 1.5, 0.5), (6000, 0.7, 2.2)]
)
def test_dependent_rain_against_the_truth(estimator, n, slope, limit):
    truth, errors, held = _tobit(slope, limit), [], 0
    for seed in range(8):
        r = np.random.default_rng([seed, n])
        c = r.normal(size=n)
        z = np.maximum(0, slope * c + r.normal(size=n) - limit)
        found = estimator.estimate(c, z)
        errors.append(found.mi - truth)
        held += found.interval[0] <= truth <= found.interval[1]
    assert np.sqrt(np.mean(np.square(errors))) < 0.1 * truth + 0.01
    assert held >= 5


def test_whether_it_rains_is_what_counts(estimator):
    """Amounts that know nothing: all there is is whether there is one."""
    truth = norm.cdf(-1.1 + 1.2 * np.linspace(-7, 7, 701))
    weight = norm.pdf(np.linspace(-7, 7, 701)) * 0.02
    expected = _entropy([weight @ truth, 1 - weight @ truth])
    expected -= float(weight @ [_entropy([p, 1 - p]) for p in truth])
    r = np.random.default_rng(3)
    c = r.normal(size=5000)
    z = np.where(1.2 * c + r.normal(size=5000) > 1.1, r.gamma(2, size=5000), 0)
    found = estimator.estimate(c, z)
    assert found.mi == pytest.approx(expected, abs=0.02)
    assert found.interval[0] <= expected <= found.interval[1]


@pytest.mark.parametrize("share", [0.22, 0.3, 0.5])
def test_intervals_of_rain_are_narrow(estimator, share):
    r = np.random.default_rng(3)
    c = r.normal(size=2000)
    found = estimator.estimate(c, _rain(r, 2000, share))
    assert found.interval[1] < 0.05


# Codes: whole numbers whose order means nothing.


@pytest.mark.parametrize(("levels", "partners", "n"), [(80, 7, 12_000), (150, 4, 15_000)])
def test_codes_that_meet_few_others(estimator, levels, partners, n):
    r = np.random.default_rng(levels)
    partner = np.stack([r.permutation(levels) for _ in range(partners)], axis=1)
    x = r.integers(levels, size=n)
    y = partner[x, r.integers(partners, size=n)]
    p = np.zeros((levels, levels))
    np.add.at(p, (np.repeat(np.arange(levels), partners), partner.ravel()), 1 / partner.size)
    truth = float((p[p > 0] * np.log(p[p > 0] * levels**2)).sum())
    found = estimator.estimate(x, y)
    assert found.mi == pytest.approx(truth, abs=0.1)
    assert found.interval[0] < found.interval[1]


def test_intervals_of_codes_with_too_few_samples_are_wide(estimator):
    """1,000 samples of 300 x 5 cells."""
    r = np.random.default_rng(5)
    partner = np.stack([r.permutation(300) for _ in range(5)], axis=1)
    x = r.integers(300, size=1000)
    found = estimator.estimate(x, partner[x, r.integers(5, size=1000)])
    truth = np.log(300 / 5)
    assert found.interval[0] <= truth <= found.interval[1] + 0.1
    assert found.interval[1] - found.interval[0] > 0.2


@pytest.mark.parametrize(("partners", "doubt"), [(40, True), (3, False)])
def test_a_note_says_that_most_codes_meet_once(estimator, partners, doubt):
    r = np.random.default_rng(150)
    partner = np.stack([r.permutation(150) for _ in range(partners)], axis=1)
    x = r.integers(150, size=1500)
    y = partner[x, r.integers(partners, size=1500)]
    alone = int((np.unique(x * 150 + y, return_counts=True)[1] == 1).sum())
    assert (2 * alone > x.size) is doubt
    assert (UNSURE_NOTE in estimator.estimate(x, y).notes) is doubt


@pytest.mark.parametrize(("n", "doubt"), [(60, True), (5000, False)])
def test_a_note_says_that_too_few_days_had_rain(estimator, n, doubt):
    """12 amounts are too few to ask the network, which matters where they are many of the days."""
    r = np.random.default_rng(n)
    rain = np.zeros(n)
    rain[:12] = r.lognormal(size=12)
    found = estimator.estimate(rain, r.normal(size=n))
    assert (UNSURE_NOTE in found.notes) is doubt


@pytest.mark.parametrize("rows", [4, 8])
def test_a_function_of_codes_is_the_entropy_of_its_value(estimator, rows):
    r = np.random.default_rng(rows)
    sector = r.integers(17, size=250)
    firm = np.repeat(np.arange(250), rows)
    truth = _entropy(np.bincount(sector))
    for x, y in ((firm, sector[firm]), (sector[firm], firm)):
        found = estimator.estimate(x, y)
        assert found.mi == pytest.approx(truth, abs=0.02)
        assert found.interval[0] <= truth <= found.interval[1]


# Categories without an order.


def _groups(r, levels, per, spread):
    """Names of groups, a number of normal groups, and its truth by quadrature."""
    mean = r.normal(size=levels)
    g = np.repeat(np.arange(levels), per)
    names = np.array([f"place {k}" for k in r.permutation(10 * levels)[:levels]])
    grid = np.linspace(-8, 8, 4001)
    density = norm.pdf(grid[:, None], mean, spread).mean(axis=1)
    entropy = -np.trapezoid(density * np.log(np.maximum(density, 1e-300)), grid)
    truth = float(entropy - 0.5 * np.log(2 * np.pi * np.e * spread**2))
    return names[g], mean[g] + spread * r.normal(size=g.size), truth


@pytest.mark.parametrize(
    ("levels", "per", "spread"), [(90, 10, 0.6), (40, 60, 0.3), (25, 25, 0.4), (220, 25, 0.2)]
)
def test_many_categories_and_a_number(estimator, levels, per, spread):
    errors, held = [], 0
    for seed in range(5):
        names, x, truth = _groups(np.random.default_rng([seed, levels]), levels, per, spread)
        found = estimator.estimate(names, x)
        errors.append(found.mi - truth)
        held += found.interval[0] <= truth <= found.interval[1]
    assert np.abs(errors).mean() < 0.12
    assert held >= 3


@pytest.mark.parametrize("levels", [3, 40])
def test_names_are_only_names(estimator, levels):
    r = np.random.default_rng(levels)
    names, x, _ = _groups(r, levels, 1200 // levels, 0.5)
    expected = estimator.estimate(names, x)
    for seed in range(3):
        known = np.unique(names)
        other = np.array([f"{k:05d}" for k in np.random.default_rng(seed).permutation(known.size)])
        renamed = other[np.unique(names, return_inverse=True)[1]]
        renamed = np.char.add("code ", renamed)
        found = estimator.estimate(renamed, x)
        assert found.mi == pytest.approx(expected.mi, abs=1e-6)
        assert found.interval == pytest.approx(expected.interval, abs=1e-6)
        assert found.p_value == pytest.approx(expected.p_value, rel=1e-6)


@pytest.mark.parametrize(("countries", "per", "continents"), [(90, 16, 6), (60, 40, 4)])
def test_a_finer_category_tells_no_less(estimator, countries, per, continents):
    """Continent is a function of country: the data processing inequality."""
    for seed in range(3):
        r = np.random.default_rng([seed, countries])
        mean = np.sort(r.normal(size=countries))
        country = np.repeat(np.arange(countries), per)
        x = mean[country] + 0.6 * r.normal(size=country.size)
        names = np.array([f"country {k}" for k in r.permutation(countries)])
        fine = estimator.estimate(names[country], x).mi
        coarse = estimator.estimate(
            np.array(list("EBDFCA"))[country // (countries // continents)], x
        ).mi
        assert fine >= coarse - 0.03


def test_categories_and_labels_with_few_samples_each(estimator):
    """140 names of 5 rows and three labels that half of the names decide."""
    errors = []
    for seed in range(6):
        r = np.random.default_rng(seed)
        decided = r.integers(3, size=140)
        name = np.repeat(np.arange(140), 5)
        y = np.where(name % 2 == 0, decided[name], r.integers(3, size=700))
        p = np.zeros((140, 3))
        p[np.arange(140), decided] = 1
        p[1::2] = 1 / 3
        truth = _entropy(p.mean(0)) - np.mean([_entropy(row) for row in p])
        found = estimator.estimate(np.char.add("n", name.astype(str)), y)
        errors.append(found.mi - truth)
    assert np.abs(errors).mean() < 0.06


# Rare labels.


@pytest.mark.parametrize(("n", "share", "shift"), [(8000, 0.012, 2.5), (15_000, 0.004, 3.2)])
def test_a_rare_label_and_a_number(estimator, n, share, shift):
    grid = np.linspace(-10, 14, 20_001)
    common, rare = norm.pdf(grid), norm.pdf(grid, shift)
    mixture = share * rare + (1 - share) * common
    gain = share * rare * np.log(rare / mixture) + (1 - share) * common * np.log(common / mixture)
    truth = float(np.trapezoid(gain, grid))
    found = []
    for seed in range(10):
        r = np.random.default_rng([seed, n])
        label = (np.arange(n) < share * n).astype(int)
        found.append(estimator.estimate(r.normal(size=n) + shift * label, label))
    assert np.mean([one.mi for one in found]) == pytest.approx(truth, rel=0.2)
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 7


# Rows that repeat.


@pytest.mark.parametrize("how", ["every row twice", "every row three times", "bootstrap sample"])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_repeated_rows_count_once(estimator, how, rho):
    p = []
    for seed in range(12):
        r = np.random.default_rng(seed)
        x, noise = r.normal(size=(2, 500))
        y = rho * x + np.sqrt(1 - rho**2) * noise
        rows = {
            "every row twice": np.arange(1000) // 2,
            "every row three times": r.permutation(1500) // 3,
            "bootstrap sample": r.integers(500, size=500),
        }[how]
        once = np.unique(rows)
        found, expected = estimator.estimate(x[rows], y[rows]), estimator.estimate(x[once], y[once])
        assert REPEATED_NOTE in found.notes
        assert found.mi == pytest.approx(expected.mi, abs=1e-5)
        assert found.interval == pytest.approx(expected.interval, abs=1e-5)
        assert found.p_value == pytest.approx(expected.p_value, rel=1e-3)
        p.append(found.p_value)
    assert (np.median(p) > 0.2) if rho == 0 else (max(p) < 1e-6)


def test_repetition_that_belongs_to_the_data_is_not_taken_out(estimator):
    """Counts, ratings and rounded numbers repeat by themselves."""
    r = np.random.default_rng(7)
    a = r.normal(size=900)
    b = 0.6 * a + 0.8 * r.normal(size=900)
    for x, y in (
        (np.round(2 * a), np.round(2 * b)),
        (np.round(a, 1), np.round(b, 1)),
        (r.poisson(3, 900), r.poisson(3, 900)),
        (np.round(a, 2), b),
    ):
        assert REPEATED_NOTE not in estimator.estimate(x, y).notes
    rounded = estimator.estimate(np.round(a, 1), np.round(b, 1))
    assert rounded.mi == pytest.approx(_gaussian(0.6), abs=0.06)


# Intervals have a width.

LABELS = np.random.default_rng(8).integers(6, size=400)
RELATIONS = {
    "a label with itself": (LABELS, LABELS),
    "a label renamed": (LABELS, np.array(list("fbdace"))[LABELS]),
    "a coarser label": (LABELS, LABELS // 2),
    "a number and its sign": (np.sin(np.arange(1.0, 401)), np.sin(np.arange(1, 401)) > 0),
    "a number and its class": (np.sqrt(np.arange(400.0)), np.arange(400) // 100),
    "a code and a function of it": (np.arange(400) // 4, (np.arange(400) // 4 * 37) % 11),
    "a rounded number with itself": (np.round(np.sin(np.arange(400.0)), 1),) * 2,
    "rain with itself": (np.maximum(0, np.sin(np.arange(400.0)) - 0.8),) * 2,
    "a number with itself": (np.sin(np.arange(400.0)),) * 2,
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_intervals_of_what_is_certain_have_a_width(estimator, relation):
    found = estimator.estimate(*RELATIONS[relation])
    low, high = found.interval
    assert low <= found.mi <= high
    assert high - low > 1e-3
    assert found.mi > 0.3
    # many codes without an order may be copies of rows, whose test says nothing
    assert found.p_value < 1e-6 or COPIES_NOTE in found.notes


def test_intervals_of_what_is_independent_have_a_width(estimator):
    x, y = np.arange(1000) % 5, np.arange(1000) // 5 % 5
    low, high = estimator.estimate(x, y).interval
    assert low == 0 < high
