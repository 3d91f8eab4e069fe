"""Selection of features that do not repeat each other: mRMR, JMI and CMIM."""

from __future__ import annotations

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.sklearn import MutualInformationSelector, mutual_info_regression
from scipy import sparse
from sklearn.feature_selection import SelectKBest
from sklearn.utils.estimator_checks import check_estimator

GREEDY = ("mrmr", "jmi", "cmim")
RNG = np.random.default_rng(0)
N = 800
FIRST, SECOND = RNG.standard_normal((2, N))
TARGET = 1.5 * np.sin(1.5 * FIRST) + SECOND + 0.3 * RNG.standard_normal(N)
NOISE = RNG.standard_normal((N, 3))


def fitted(features, target=TARGET, **parameters):
    return MutualInformationSelector(**parameters).fit(features, target)


@pytest.mark.parametrize("criterion", GREEDY)
def test_check_estimator(criterion, recwarn):
    results = check_estimator(MutualInformationSelector(criterion=criterion), on_fail="raise")
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert not any(r["expected_to_fail"] for r in results)
    recwarn.clear()  # of small samples, and of checks that need other settings


def test_relevance_is_the_default_and_ranks_as_select_k_best():
    features = np.column_stack([NOISE, FIRST, SECOND])
    told, plain = fitted(features, k=2, criterion="relevance"), fitted(features, k=2)
    np.testing.assert_array_equal(plain.scores_, told.scores_)
    np.testing.assert_array_equal(plain.scores_, mutual_info_regression(features, TARGET))
    theirs = SelectKBest(mutual_info_regression, k=2).fit(features, TARGET)
    np.testing.assert_array_equal(plain.get_support(), theirs.get_support())
    np.testing.assert_array_equal(np.sort(plain.ranking_[:2]), theirs.get_support(indices=True))
    np.testing.assert_array_equal(plain.criteria_, plain.scores_[plain.ranking_])


@pytest.mark.parametrize("criterion", GREEDY)
@pytest.mark.parametrize("kind", ["number", "classes"])
def test_of_twenty_copies_one_is_selected(criterion, kind):
    copies = [FIRST] * 10 + [FIRST + 0.1 * RNG.standard_normal(N) for _ in range(10)]
    features = np.column_stack([*copies, SECOND, NOISE])
    names = np.array(["low", "middle", "high"])[np.digitize(TARGET, [-1, 1])]
    found = fitted(features, TARGET if kind == "number" else names, k=2, criterion=criterion)
    chosen = found.get_support(indices=True)
    assert chosen[0] < 20
    assert chosen[1] == 20
    assert set(found.ranking_) == set(chosen)
    plain = fitted(features, TARGET if kind == "number" else names, k=8)
    assert (plain.get_support(indices=True) < 20).sum() >= 7  # which is what relevance does


def by_definition(features, target, criterion, k):
    """Greedy selection as the papers write it, every term computed anew by `infonet.estimate`."""
    columns = list(features.T)
    relevance = [infonet.estimate(x, target).mi for x in columns]
    order, values = [int(np.argmax(relevance))], [max(relevance)]
    while len(order) < k:
        found = {}
        for i, x in enumerate(columns):
            if i in order:
                continue
            if criterion == "mrmr":
                repeated = [infonet.estimate(x, columns[j]).mi for j in order]
                found[i] = relevance[i] - np.mean(repeated)
                continue
            told = [infonet.estimate(x, target, given=columns[j]).mi for j in order]
            with_them = [relevance[j] + t for j, t in zip(order, told, strict=True)]
            found[i] = sum(with_them) if criterion == "jmi" else min(told)
        order.append(max(found, key=found.get))
        values.append(found[order[-1]])
    return order, values


@pytest.mark.parametrize("criterion", GREEDY)
def test_the_order_is_that_of_the_definition(criterion):
    features = np.column_stack([NOISE, FIRST, SECOND, np.round(2 * FIRST + SECOND)])[:300]
    order, values = by_definition(features, TARGET[:300], criterion, 4)
    for jobs in (1, 2):
        found = fitted(features, TARGET[:300], k=4, criterion=criterion, n_jobs=jobs)
        assert found.ranking_.tolist() == order
        np.testing.assert_allclose(found.criteria_, values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("criterion", ["jmi", "cmim"])
def test_what_tells_nothing_alone_is_found_beside_another(criterion):
    """Y is W or its opposite, by a switch that is independent of Y."""
    random = np.random.default_rng(5)
    switch, w = (random.random(2000) < 0.7).astype(int), random.integers(0, 2, 2000)
    target = np.where(switch == 1, w, 1 - w)
    features = np.column_stack([random.integers(0, 3, (2000, 4)), switch, w])
    found = fitted(features, target.astype(str), k=2, criterion=criterion)
    assert found.ranking_.tolist() == [5, 4]
    if criterion == "cmim":
        expected = -0.7 * np.log(0.7) - 0.3 * np.log(0.3)  # the entropy of the switch
        assert found.criteria_[1] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("criterion", ["jmi", "cmim"])
def test_given_rare_categories_terms_are_those_of_estimate(criterion):
    """A hundred shops of ten rows: as numbers their codes would be an order without meaning."""
    random = np.random.default_rng(8)
    shop = random.integers(0, 100, 1000)
    x, other = random.normal(size=100)[shop] + 0.5 * random.normal(size=1000), random.random(1000)
    target = 2 * random.normal(size=100)[shop] + x + 0.3 * random.normal(size=1000)
    shops = pd.Categorical([f"shop {code}" for code in shop])
    features = pd.DataFrame({"x": x, "shop": shops, "other": other})
    found = fitted(features, target, k=3, criterion=criterion)
    assert found.ranking_[0] == 1
    relevance = infonet.estimate(shops, target).mi
    told = [infonet.estimate(column, target, given=shops).mi for column in (x, other)]
    expected = max(told) + (relevance if criterion == "jmi" else 0)
    assert found.criteria_[1] == pytest.approx(expected, rel=1e-12)
    assert found.ranking_.tolist() == [1, 0, 2]


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 3, 3), (2, 5, 4)])
def test_discrete_terms_are_near_the_truth(sizes):
    random = np.random.default_rng(sum(sizes))
    p = random.dirichlet(np.full(np.prod(sizes), 0.5)).reshape(sizes)  # [x, z, y]
    cells = random.choice(p.size, 5000, p=p.ravel())
    x, z, y = np.unravel_index(cells, sizes)
    found = fitted(np.stack([x, z], 1), y.astype(str), k=2, criterion="cmim")
    if found.ranking_[0] == 0:  # the condition stands second
        p = p.swapaxes(0, 1)
    ratio = p * p.sum((0, 2))[None, :, None] / (p.sum(2)[:, :, None] * p.sum(0)[None])
    assert found.criteria_[1] == pytest.approx(float((p * np.log(ratio)).sum()), abs=0.02)


@pytest.mark.parametrize("criterion", GREEDY)
def test_missing_values_leave_out_their_rows(criterion):
    features = np.column_stack([FIRST, FIRST, SECOND, NOISE])
    features[:50, 1] = np.nan
    features[30:90, 2] = np.nan
    features[15:, 3] = np.nan  # too few to be used
    found = fitted(features, k=2, criterion=criterion, nan="omit")
    assert sorted(found.ranking_) in ([0, 2], [1, 2])


def test_sparse_features_and_fewer_selected_than_fitted():
    dense = np.column_stack([FIRST * (FIRST > 0), SECOND * (SECOND > 0), NOISE > 1.5]).astype(float)
    for criterion in GREEDY:
        found = fitted(sparse.csr_matrix(dense), k=3, criterion=criterion)
        assert found.ranking_.tolist() == fitted(dense, k=3, criterion=criterion).ranking_.tolist()
        found.k = 1
        assert found.get_support(indices=True).tolist() == found.ranking_[:1].tolist()
    assert fitted(dense, k="all", criterion="mrmr").ranking_.size == 5
    assert fitted(dense, k=0, criterion="mrmr").ranking_.size == 0
    assert fitted(dense, percentile=40, criterion="cmim").ranking_.size == 2


def test_few_samples_are_selected_by_relevance(recwarn):
    features = np.column_stack([NOISE, FIRST])[:15]
    found = fitted(features, TARGET[:15], k=2, criterion="cmim")
    assert any("by relevance" in str(w.message) for w in recwarn)
    assert set(found.ranking_) == set(np.argsort(found.scores_)[-2:])


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"criterion": "best"}, "criterion is 'best', allowed are relevance, mrmr, jmi, cmim"),
        ({"criterion": "jmi", "alpha": 0.1}, "alpha is given with criterion='jmi'"),
        ({"criterion": "mrmr", "threshold": 0.1}, "give k or percentile"),
    ],
)
def test_bad_parameters(parameters, match):
    with pytest.raises(infonet.InputError, match=match):
        fitted(NOISE, **parameters)


def test_whole_numbers_that_scikit_learn_rounds_are_refused():
    big = 2**60 + np.round(40 * FIRST).astype(np.int64)
    frame = pd.DataFrame({"first": FIRST, "big": big})
    rows = list(zip(FIRST.tolist(), big.tolist(), strict=True))
    for features in (frame, rows):
        with pytest.raises(infonet.InputError, match=r"column 1 of X .* beyond 2\*\*53"):
            fitted(features, k=1)
        with pytest.raises(infonet.InputError, match=r"subtract its smallest"):
            mutual_info_regression(features, TARGET)
    alone = mutual_info_regression(big[:, None], TARGET)[0]
    assert alone == infonet.estimate(big, TARGET).mi
    small = frame.assign(big=big - big.min())
    assert mutual_info_regression(small, TARGET)[1] == alone
    assert mutual_info_regression(frame.astype(float), TARGET).shape == (2,)  # floats are floats
