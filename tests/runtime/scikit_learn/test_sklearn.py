"""Feature selection inside scikit-learn."""

from __future__ import annotations

import pickle
import subprocess
import sys

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.sklearn import MutualInformationSelector, mutual_info_classif, mutual_info_regression
from infonet.sklearn.functions import scores as scores_of
from infonet.sklearn.selector import _false_discovery
from infonet.sklearn.tasks import make_task
from scipy import sparse, stats
from sklearn import feature_selection
from sklearn.feature_selection import SelectKBest, SelectPercentile
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mutual_info_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

RNG = np.random.default_rng(0)
N, D = 600, 40
TARGET = RNG.standard_normal(N)
FEATURES = RNG.standard_normal((N, D))
for _j in range(5):  # the first five matter, the first most
    FEATURES[:, _j] = np.cos(2 * TARGET) + (0.3 + 0.2 * _j) * FEATURES[:, _j]


@pytest.fixture(autouse=True)
def no_warnings_but(recwarn):
    yield
    assert not [w for w in recwarn if issubclass(w.category, infonet.InfoNetWarning)]


@pytest.mark.parametrize(
    "selector",
    [
        MutualInformationSelector(),
        MutualInformationSelector(percentile=50, n_jobs=2),
        MutualInformationSelector(threshold=0.01, random_state=0),
    ],
    ids=["k", "percentile", "threshold"],
)
def test_check_estimator(selector, recwarn):
    results = check_estimator(selector, on_fail="raise")
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert not any(r["expected_to_fail"] for r in results)
    recwarn.clear()  # of small samples, and of checks that need other settings


def test_scores_are_the_estimator_s(estimator):
    """Bytes: the network sees what it sees for one pair."""
    expected = [estimator.estimate(FEATURES[:, j], TARGET).mi for j in range(D)]
    np.testing.assert_array_equal(mutual_info_regression(FEATURES, TARGET), expected)
    np.testing.assert_array_equal(mutual_info_regression(FEATURES, TARGET, n_jobs=2), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_layouts(estimator, dtype, order):
    features = np.asarray(1000 * FEATURES[:, :3], dtype, order=order)[::-1]
    features.flags.writeable = False
    before = features.copy()
    found = mutual_info_regression(features, TARGET[::-1], copy=False, random_state=0)
    np.testing.assert_array_equal(features, before)
    expected = mutual_info_regression(features.astype(float), TARGET[::-1], random_state=0)
    np.testing.assert_array_equal(found, expected)


def test_monotone_transforms_and_order_of_features():
    found = mutual_info_regression(FEATURES, TARGET)
    changed = np.exp(FEATURES[:, ::-1])
    np.testing.assert_array_equal(mutual_info_regression(changed, TARGET**3), found[::-1])


def test_select_k_best_agrees_with_scikit_learn():
    ours = SelectKBest(mutual_info_regression, k=5).fit(FEATURES, TARGET)
    theirs = SelectKBest(feature_selection.mutual_info_regression, k=5).fit(FEATURES, TARGET)
    assert set(ours.get_support(indices=True)) == set(range(5))
    assert set(theirs.get_support(indices=True)) == set(range(5))
    labels = np.array(["low", "middle", "high"])[np.digitize(TARGET, [-0.5, 0.8])]
    ours = SelectPercentile(mutual_info_classif, percentile=10).fit(FEATURES, labels)
    assert set(ours.get_support(indices=True)) <= set(range(5))


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_classes_against_the_truth(classes):
    """Gaussians of different means, labels in an order that has nothing to do with them."""
    random = np.random.default_rng(classes)
    means = random.permutation(np.linspace(-2, 2, classes))
    names = np.array(["e", "b", "d", "a", "c"])[:classes]
    codes = random.integers(0, classes, 5000)
    x = means[codes] + random.standard_normal(5000)
    grid = np.linspace(-8, 8, 4001)
    density = stats.norm.pdf(grid, means[:, None])
    ratio = np.log(density / density.mean(axis=0))
    truth = np.trapezoid(density * ratio, grid).mean()
    found = mutual_info_classif(x[:, None], names[codes], random_state=0)[0]
    assert found == pytest.approx(truth, abs=0.03)
    # Names are only names.
    renamed = mutual_info_classif(x[:, None], 7 * codes - 3, random_state=0)[0]
    assert renamed == pytest.approx(found, abs=1e-6)
    # The roles swapped.
    swapped = mutual_info_regression(codes[:, None], x, discrete_features=True, random_state=0)[0]
    assert swapped == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("levels", [2, 5, 10])
def test_discrete_noise_scores_low(levels):
    """With average ranks, ten levels would have 0.03 nats on average."""
    random = np.random.default_rng(levels)
    noise = random.integers(0, levels, (500, 20)).astype(float)
    target = random.standard_normal(500)
    theirs = feature_selection.mutual_info_regression(noise, target, discrete_features=True)
    assert mutual_info_regression(noise, target).mean() < min(0.02, 0.8 * theirs.mean())
    assert mutual_info_classif(noise, target > 0).mean() < 0.006


def test_score_never_exceeds_the_entropy():
    x = np.repeat([0.0, 1.0], 300)
    assert mutual_info_classif(x[:, None], x > 0, random_state=0)[0] <= np.log(2) + 0.01
    assert mutual_info_classif(x[:, None], x > 0, random_state=0)[0] > 0.6


def test_both_discrete_is_the_count_of_cells_less_its_bias():
    random = np.random.default_rng(1)
    a, b = random.integers(0, 4, (2, 300))
    b[:100] = a[:100]
    found = mutual_info_classif(np.stack([a, b], 1), b.astype(str), discrete_features=[0])
    # Miller & Madow: sixteen cells of four rows and four columns, and next to nothing beside, as
    # each cell holds 12 samples and more
    assert found[0] == pytest.approx(mutual_info_score(a, b) - 9 / 600, abs=1e-3)
    assert found[0] == infonet.estimate(a.astype(str), b.astype(str)).mi


def test_constants_score_zero():
    features = np.stack([np.ones(100), RNG.standard_normal(100)], axis=1)
    assert mutual_info_regression(features, features[:, 1])[0] == 0
    np.testing.assert_array_equal(mutual_info_regression(features, np.ones(100)), [0, 0])
    np.testing.assert_array_equal(mutual_info_classif(features, ["a"] * 100), [0, 0])
    selector = MutualInformationSelector(alpha=0.5).fit(features, features[:, 1])
    np.testing.assert_array_equal(selector.get_support(), [False, True])


def test_ties_depend_on_random_state_only():
    rounded = np.round(3 * FEATURES[:, :3])

    def found(seed):
        return mutual_info_regression(rounded, TARGET, random_state=seed)

    np.testing.assert_array_equal(found(1), found(1))
    assert (found(1) != found(2)).any()
    np.testing.assert_array_equal(found(None), found(0))
    np.testing.assert_array_equal(found(np.int64(7)), found(7))
    legacy = np.random.RandomState(5)  # draws a seed of its own, another one each time
    assert (found(legacy) != found(legacy)).any()
    np.testing.assert_array_equal(found(np.random.RandomState(5)), found(np.random.RandomState(5)))
    np.testing.assert_array_equal(
        mutual_info_regression(FEATURES, TARGET, random_state=1),
        mutual_info_regression(FEATURES, TARGET, random_state=2),
    )


def test_few_samples_are_scikit_learn_s(recwarn):
    features, target = FEATURES[:15], TARGET[:15]
    found = mutual_info_regression(features, target, n_neighbors=4, random_state=0)
    assert "15 samples are fewer than the 20" in str(recwarn.pop(infonet.InfoNetWarning).message)
    expected = feature_selection.mutual_info_regression(
        features, target, n_neighbors=4, random_state=0
    )
    np.testing.assert_array_equal(found, expected)
    labels = np.arange(15) % 3
    found = mutual_info_classif(features, labels, random_state=0)
    recwarn.pop(infonet.InfoNetWarning)
    expected = feature_selection.mutual_info_classif(features, labels, random_state=0)
    np.testing.assert_array_equal(found, expected)


def test_many_classes_of_few_samples_are_the_estimator_s(estimator):
    labels = np.arange(50) // 5
    names = np.array(list("kwzbmxqfor"))[labels]
    found = mutual_info_classif(FEATURES[:50], names)
    expected = [estimator.estimate(FEATURES[:50, j], names).mi for j in range(D)]
    np.testing.assert_array_equal(found, expected)
    found = mutual_info_regression(labels[:, None], TARGET[:50], discrete_features=True)
    assert found[0] == estimator.estimate(names, TARGET[:50]).mi


def test_sparse_features_are_those_of_the_dense_array():
    random = np.random.default_rng(3)
    counts = random.poisson(0.4, (N, 6)) * (1 + (TARGET > 0)[:, None])
    dense = counts.astype(float)
    for kind in (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix):
        found = mutual_info_classif(kind(dense), TARGET > 0)
        np.testing.assert_array_equal(found, mutual_info_classif(dense, TARGET > 0))
    chosen = MutualInformationSelector(k=2).fit(sparse.csr_matrix(dense), TARGET)
    np.testing.assert_array_equal(chosen.scores_, mutual_info_regression(dense, TARGET))
    assert chosen.transform(sparse.csr_matrix(dense)).shape == (N, 2)
    binary = sparse.csr_matrix(np.eye(N)[:, :2])  # nearly empty columns
    assert mutual_info_regression(binary, TARGET).shape == (2,)


def test_missing_values_are_left_out_feature_by_feature(estimator):
    gaps = FEATURES[:, :3].copy()
    gaps[5:60, 0] = np.nan
    gaps[12:, 1] = np.nan  # fewer than the network needs
    found = mutual_info_regression(gaps, TARGET, nan="omit")
    expected = estimator.estimate(gaps[:, 0], TARGET, nan="omit").mi
    assert found[0] == expected != mutual_info_regression(FEATURES[:, :1], TARGET)[0]
    assert found[1] == 0
    assert found[2] == mutual_info_regression(FEATURES[:, 2:3], TARGET)[0]


def bad(call, error=ValueError, match=""):
    with pytest.raises(error, match=match):
        call()


def test_bad_input():
    x, y = FEATURES[:50], TARGET[:50]
    gap = x.copy()
    gap[3, 2] = np.nan
    bad(lambda: mutual_info_regression(gap, y), match="NaN")
    gap[3, 2] = np.inf
    bad(lambda: mutual_info_regression(gap, y), match="inf")
    bad(lambda: mutual_info_regression(x, y[:-1]), match="inconsistent numbers of samples")
    bad(lambda: mutual_info_regression(x[:, 0], y), match="1D array")
    bad(lambda: mutual_info_regression(x.astype(str) + "a", y), match="numeric")
    bad(lambda: mutual_info_classif(x, y), match="continuous")
    bad(lambda: mutual_info_regression(x[:1], y[:1]), match=r"1 sample")
    bad(lambda: mutual_info_regression(x, y, n_jobs=0), match="n_jobs is 0")
    for wrong in ("none", [0, D], np.ones(3, bool), [0.5]):
        bad(
            lambda wrong=wrong: mutual_info_regression(x, y, discrete_features=wrong),
            match="discrete_features is",
        )


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"k": 3, "alpha": 0.1}, "k and alpha are given"),
        ({"k": -1}, "k is -1, allowed are whole numbers from 0"),
        ({"k": "many"}, "k is 'many'"),
        ({"k": True}, "k is True"),
        ({"percentile": 101}, "percentile is 101"),
        ({"threshold": -0.1}, "threshold is -0.1"),
        ({"threshold": "1*mean"}, "threshold is"),
        ({"alpha": 0}, "alpha is 0"),
        ({"alpha": float("nan")}, "alpha is nan"),
        ({"discrete_target": "yes"}, "discrete_target is 'yes'"),
        ({"model": "no.onnx"}, "no model file"),
    ],
)
def test_bad_parameters(parameters, match):
    with pytest.raises((infonet.InputError, infonet.ModelError), match=match):
        MutualInformationSelector(**parameters).fit(FEATURES, TARGET)


def test_selector_modes():
    def chosen(**parameters):
        selector = MutualInformationSelector(**parameters).fit(FEATURES, TARGET)
        return selector.get_support(indices=True).tolist()

    assert chosen(k=5) == [0, 1, 2, 3, 4]
    assert len(chosen()) == 10
    assert chosen(k="all") == list(range(D))
    assert chosen(k=0) == []
    assert chosen(alpha=0.01)[:5] == [0, 1, 2, 3, 4]
    scores = mutual_info_regression(FEATURES, TARGET)
    assert chosen(threshold=0.05) == np.flatnonzero(scores >= 0.05).tolist()
    for percentile in (0, 1, 7, 30, 33.3, 50, 99, 100):
        theirs = SelectPercentile(mutual_info_regression, percentile=percentile)
        expected = theirs.fit(FEATURES, TARGET).get_support(indices=True)
        assert len(chosen(percentile=percentile)) == len(expected)


def test_names_and_frames():
    frame = pd.DataFrame(FEATURES, columns=[f"f{i}" for i in range(D)])
    selector = MutualInformationSelector(k=3).set_output(transform="pandas")
    selected = selector.fit_transform(frame, pd.Series(TARGET))
    names = [frame.columns[i] for i in selector.get_support(indices=True)]
    assert selected.columns.tolist() == names
    assert selector.get_feature_names_out().tolist() == names
    assert selector.feature_names_in_.tolist() == frame.columns.tolist()
    assert pickle.loads(pickle.dumps(selector)).scores_.tolist() == selector.scores_.tolist()


def test_targets_of_classes():
    labels = np.where(TARGET > 0, "up", "down")
    auto = MutualInformationSelector(k=3, random_state=0).fit(FEATURES, labels)
    for same in (pd.Series(labels, dtype="category"), TARGET > 0):
        found = MutualInformationSelector(k=3, random_state=0).fit(FEATURES, same)
        np.testing.assert_allclose(found.scores_, auto.scores_)
    codes = (TARGET > 0).astype(int)
    told = MutualInformationSelector(k=3, random_state=0, discrete_target=True)
    np.testing.assert_allclose(told.fit(FEATURES, codes).scores_, auto.scores_)
    with pytest.raises(ValueError, match="continuous"):
        MutualInformationSelector(discrete_target=True).fit(FEATURES, TARGET)


def test_p_values_reach_below_the_table_of_the_model(estimator):
    selector = MutualInformationSelector(alpha=0.05).fit(FEATURES, TARGET)
    assert selector.pvalues_[:3].max() < 1e-4
    assert selector.pvalues_.min() >= 1e-9
    expected = [estimator.estimate(FEATURES[:, j], TARGET).p_value for j in range(D)]
    np.testing.assert_array_equal(selector.pvalues_, expected)
    assert MutualInformationSelector(k=3).fit(FEATURES, TARGET).pvalues_ is None
    bad(lambda: MutualInformationSelector(alpha=0.1).fit(FEATURES[:19], TARGET[:19]), match="20")


@pytest.mark.parametrize("kind", ["continuous", "ten levels", "classes"])
def test_p_values_of_noise_are_uniform(estimator, kind):
    """1,000 tests: 5 % with a standard deviation of 0.7 %, and the table is off by a fifth."""
    random = np.random.default_rng(7)
    noise, target = random.standard_normal((200, 1000)), random.standard_normal(200)
    if kind == "ten levels":
        noise = np.round(1.5 * noise)
    if kind == "classes":
        target = random.integers(0, 4, 200)
    task = make_task(noise, target, kind == "classes", False)
    p = scores_of(estimator.engine, task, test=True).p_value
    assert 0.025 < (p <= 0.05).mean() < 0.085
    assert (p <= 0.001).mean() < 0.007


def test_false_discoveries():
    theirs = stats.false_discovery_control
    for seed in range(20):
        p = np.random.default_rng(seed).random(50) ** 3
        np.testing.assert_array_equal(_false_discovery(p, 0.1), theirs(p) <= 0.1)
    assert not _false_discovery(np.ones(5), 0.1).any()


def test_in_a_pipeline():
    pipeline = make_pipeline(MutualInformationSelector(), LinearRegression())
    search = GridSearchCV(pipeline, {"mutualinformationselector__k": [3, 5]}, cv=3)
    search.fit(FEATURES, TARGET)
    assert search.best_params_["mutualinformationselector__k"] in (3, 5)


WITHOUT = """
import sys
sys.modules["sklearn"] = None
import infonet
try:
    import infonet.sklearn
except infonet.MissingExtraError as error:
    assert "pip install 'infonet[sklearn]'" in str(error), error
else:
    raise AssertionError
"""
LAZY = "import sys, infonet; assert not {'sklearn', 'joblib', 'scipy'} & set(sys.modules)"


@pytest.mark.parametrize("code", [WITHOUT, LAZY], ids=["missing", "not imported"])
def test_scikit_learn_is_optional(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_frame_with_categories(estimator):
    rng = np.random.default_rng(0)
    words = rng.choice(["p", "q", "r"], 200)
    frame = pd.DataFrame({"a": np.arange(200.0), "c": pd.Categorical(words)})
    scores = mutual_info_classif(frame, words)
    expected = [estimator.estimate(frame[name], words).mi for name in frame]
    np.testing.assert_array_equal(scores, expected)
