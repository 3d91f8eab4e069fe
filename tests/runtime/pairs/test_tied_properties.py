"""What must not change the estimate of tied pairs, for any data."""

from __future__ import annotations

import warnings

import infonet
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

some = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KINDS = ["label", "rating", "count", "rain", "rounded", "repeated", "rare"]
EXACT = ("counts", "counts, shared by categories", "constant")


def _column(kind, number, r):
    """A column of that kind, made of a normal one."""
    n = number.size
    if kind == "label":
        return r.permutation(3)[np.digitize(number, [-0.5, 0.6])].astype(float)
    if kind == "rating":
        return np.clip(np.round(number + 3), 1, 5)
    if kind == "count":
        return r.poisson(np.exp(0.5 * np.clip(number, -4, 4))).astype(float)
    if kind == "rain":
        return np.maximum(0.0, number - 0.7)
    if kind == "rounded":
        return np.round(number, 1)
    if kind == "repeated":
        return number[r.integers(n, size=n)]
    return (np.argsort(np.argsort(number)) >= n - 2).astype(float)


@st.composite
def pairs(draw, least=20, most=260, kinds=KINDS):
    """Two columns [n], x tied and y of any kind, related or not."""
    n = draw(st.integers(least, most))
    r = np.random.default_rng(draw(st.integers(0, 2**32)))
    strength = draw(st.sampled_from([0.0, 0.5, 3.0]))
    first = r.normal(size=n)
    second = strength * first + r.normal(size=n)
    x = _column(draw(st.sampled_from(kinds)), first, r)
    kind = draw(st.sampled_from([*kinds, "number"]))
    return x, second if kind == "number" else _column(kind, second, r)


def _estimate(estimator, x, y, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infonet.InfoNetWarning)
        return estimator.estimate(x, y, **options)


def _numbers(found):
    return (found.mi, *found.interval, found.p_value)


@some
@given(pair=pairs(), seed=st.integers(0, 9))
def test_answers_are_sane(estimator, pair, seed):
    x, y = pair
    found = _estimate(estimator, x, y, seed=seed)
    low, high = found.interval
    assert 0 <= low <= found.mi <= high < np.log(len(x)) + 1
    assert found.method
    if found.p_value is not None:
        assert 0 < found.p_value <= 1
        assert low < high
    else:
        assert found.method == "constant"
        assert found.mi == 0
    # the same again, and whatever else is estimated with it
    assert _numbers(_estimate(estimator, x, y, seed=seed)) == _numbers(found)


@some
@given(pair=pairs())
def test_swapping_the_variables(estimator, pair):
    """Exactly the same where nothing is put in random order, elsewhere what that order leaves."""
    x, y = pair
    found, swapped = _estimate(estimator, x, y), _estimate(estimator, y, x)
    assert swapped.method == found.method
    exact = found.method in EXACT
    tolerance = 1e-6 if exact else 0.02 + 0.05 * found.mi
    assert swapped.mi == pytest.approx(found.mi, abs=tolerance)
    if exact:
        assert swapped.interval == pytest.approx(found.interval, abs=1e-6)
    if found.p_value is None:
        assert swapped.p_value is None


@some
@given(
    pair=pairs(),
    transform=st.sampled_from([np.exp, np.cbrt, np.arctan, lambda v: v**3 - 5, lambda v: 1e9 * v]),
)
def test_increasing_transforms_keep_every_byte(estimator, pair, transform):
    x, y = pair
    changed = transform(x)
    assume(np.unique(changed).size == np.unique(x).size)
    assert _numbers(_estimate(estimator, changed, y)) == _numbers(_estimate(estimator, x, y))
    assert _numbers(_estimate(estimator, y, changed)) == _numbers(_estimate(estimator, y, x))


@some
@given(pair=pairs(kinds=["label", "rating", "rare"]), seed=st.integers(0, 1000))
def test_renaming_categories(estimator, pair, seed):
    """Names carry no order: neither their alphabet nor their numbers."""
    x, y = pair
    levels, codes = np.unique(x, return_inverse=True)
    assume(levels.size > 1)
    r = np.random.default_rng(seed)
    names = np.array([f"{word:06d}x" for word in r.permutation(10**5)[: levels.size]])
    first = _estimate(estimator, np.array([f"n{k}" for k in range(levels.size)])[codes], y)
    second = _estimate(estimator, names[codes], y)
    assert second.method == first.method
    assert second.mi == pytest.approx(first.mi, abs=1e-6)
    assert second.interval == pytest.approx(first.interval, abs=1e-6)


@some
@given(pair=pairs(kinds=["label", "rating", "rare", "count"]), seed=st.integers(0, 1000))
def test_order_of_rows_of_what_is_counted(estimator, pair, seed):
    x, y = pair
    found = _estimate(estimator, x, y)
    assume(found.method in EXACT)
    order = np.random.default_rng(seed).permutation(x.size)
    again = _estimate(estimator, x[order], y[order])
    assert again.method == found.method
    assert again.mi == pytest.approx(found.mi, abs=1e-6)
    assert again.interval == pytest.approx(found.interval, abs=1e-6)


@some
@given(pair=pairs())
def test_layouts_and_types(estimator, pair):
    x, y = pair
    expected = _numbers(_estimate(estimator, x, y))
    table = np.stack([y, x, y], axis=1)  # columns of a table lie apart
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (table[:, 1], frozen, x[::-1].copy()[::-1], x.astype(">f8"), x.tolist()):
        assert _numbers(_estimate(estimator, other, y)) == expected
    assert (frozen == x).all()
    samples = np.stack([x, y])[None].transpose(0, 2, 1)  # not contiguous
    samples.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infonet.InfoNetWarning)
        quantiles = estimator.quantiles(samples)[0]
    assert (quantiles[1], quantiles[0], quantiles[2]) == expected[:3]


@some
@given(pair=pairs(), value=st.floats(-1e6, 1e6), count=st.integers(0, 3))
def test_constants_and_empty_batches(estimator, pair, value, count):
    x, _ = pair
    flat = np.full(x.size, value)
    found = _estimate(estimator, x, flat)
    assert (found.mi, found.interval, found.p_value) == (0.0, (0.0, 0.0), None)
    assert found.method == "constant"
    samples = np.broadcast_to(np.stack([x, flat], axis=1), (count, x.size, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infonet.InfoNetWarning)
        assert estimator.mi(samples).tolist() == [0.0] * count


def test_two_numbers_of_few_values_exchanged(estimator):
    """Either may be codes, a label or what the other one determines: none comes first."""
    for seed in range(60):
        r = np.random.default_rng([4, seed])
        n = int(r.integers(20, 200))
        both = r.normal(size=(n, 1)) + r.normal(size=(n, 2)) * r.random(2)
        x, y = np.round(both * r.integers(1, 5, 2)).T
        found, turned = _estimate(estimator, x, y), _estimate(estimator, y, x)
        assert (found.method, found.notes) == (turned.method, turned.notes)
        ends = (found.mi, *found.interval), (turned.mi, *turned.interval)
        np.testing.assert_allclose(*ends, rtol=0, atol=1e-5, err_msg=str(seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", ["number", "rating", "rain", "names"])
def test_twenty_samples(estimator, kind, other):
    """The fewest that are allowed."""
    r = np.random.default_rng(len(kind) + len(other))
    number = r.normal(size=20)
    x = _column(kind, number, r)
    noise = r.normal(size=20)
    y = {
        "number": lambda: number + noise,
        "rating": lambda: _column("rating", number + noise, r),
        "rain": lambda: _column("rain", number + noise, r),
        "names": lambda: np.array(list("abcdefg"))[r.integers(7, size=20)],
    }[other]()
    found = _estimate(estimator, x, y)
    assert 0 <= found.interval[0] <= found.mi <= found.interval[1] <= np.log(20) + 1
    assert 0 < found.p_value <= 1
    with pytest.raises(infonet.InputError, match="19"):
        estimator.estimate(x[:19], y[:19])
