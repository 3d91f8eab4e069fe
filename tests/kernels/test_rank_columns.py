"""Exact average ranks of every real type, against SciPy and the NumPy definition."""

import numpy as np
import numpy_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from infonet_kernels import (
    MOST_COUNTED,
    NORMALIZATIONS,
    rank_columns,
    ranks_within,
    soft_rank,
)
from scipy.stats import rankdata

TYPES = [
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64", "longdouble"),
]


def columns(n):
    random = np.random.default_rng(n)
    normal = random.standard_normal(n)
    largest = np.iinfo(np.uint64).max
    return {
        "normal": normal,
        "decimals": np.round(normal, 1),
        "constant": np.full(n, -3.7),
        "offset": 1e9 + normal * 1e-6,
        "one key": 1e9 + 1e-6 * random.permutation(n),
        "outlier": np.where(np.arange(n) == n // 2, 1e300, 1 + random.permutation(n) * 1e-12),
        "sentinel": np.where(np.arange(n) % 7 == 0, -999, 1.7e9 + np.round(normal, 2)),
        "huge": normal * 1e300,
        "tiny": normal * 1e-300,
        "denormal": np.round(normal, 1) * 1e-310,
        "one near zero": np.where(np.arange(n) == n // 2, -1e-300, normal),
        "zeros among floats": np.where(np.arange(n) % 3 == 0, 0, normal.astype(np.float32)),
        "positive, and zeros": np.where(np.arange(n) % 3 == 0, 0, np.exp(3 * normal)),
        "all ranges": np.copysign(10.0 ** random.uniform(-300, 300, n), normal),
        "infinite": np.where(abs(normal) > 1, np.copysign(np.inf, normal), 1 + normal * 1e-12),
        "zeros": np.where(normal > 0, 0.0, -0.0),
        "sorted": np.sort(normal),
        "time stamps": 1_700_000_000_000_000_000 + random.permutation(n),
        "large integers": random.integers(-(2**63), 2**63 - 1, n, endpoint=True),
        "unsigned": largest - random.integers(0, 2 * n, n).astype(np.uint64),
        "wide unsigned": random.integers(0, largest, n, np.uint64, endpoint=True),
        "wide unsigned pairs": (random.integers(0, 2**63, n, np.uint64) >> 40 << 41)
        + random.integers(0, 3, n, np.uint64),
        "long double": 1 + normal.astype(np.longdouble) * 1e-17,
    }


def check(column):
    ranks, ties, _ = rank_columns([column])
    expected = (rankdata(column) - 0.5) / max(column.size, 1)
    np.testing.assert_array_equal(ranks[0], expected.astype(np.float32))
    distinct = np.unique(column).size
    assert ties.tolist() == [2 if distinct == 1 else int(distinct < column.size)]
    return ranks[0]


# The sort changes at 300, and its keys get shorter from n = 8,193 and 65,536 on.
@pytest.mark.parametrize("n", [*numpy_twins.LENGTHS, 299, 300, 301, 8192, 8193, 65536])
def test_equals_the_average_rank(n):
    cases = columns(n)
    for kind, column in cases.items():
        check(column)
        for normalize in NORMALIZATIONS:
            got = rank_columns([column], normalize)[0][0]
            expected = numpy_twins.normalized(numpy_twins.average_ranks(column), normalize)
            np.testing.assert_array_equal(got, expected, err_msg=f"{kind}, {normalize}")
    together, ties, _ = rank_columns(list(cases.values()), threads=3)
    for column, ranks, tie in zip(cases.values(), together, ties, strict=True):
        alone, flag, _ = rank_columns([column])
        assert ranks.tobytes() == alone.tobytes()
        assert tie == flag[0]


@pytest.mark.parametrize("n", [1, 20, 1151])
@pytest.mark.parametrize("dtype", TYPES)
def test_types(dtype, n):
    values = np.random.default_rng(0).integers(0, 90, n).astype(dtype)
    for order in "<>":
        check(values.astype(values.dtype.newbyteorder(order)))
    if values.dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        check(np.resize(np.array([high, low, high - 1, low + 1], dtype), n))


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_same_bytes_as_soft_rank(normalize):
    values = np.random.default_rng(0).standard_normal((4, 5000)).round(2).astype(np.float32)
    ranks, ties, _ = rank_columns(values, normalize)
    assert ranks.tobytes() == soft_rank(values, normalize=normalize).tobytes()
    assert ties.tolist() == [1] * 4
    assert ranks.dtype == np.float32
    assert ties.dtype == np.uint8


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint64", "float16", "int32"])
def test_layouts(dtype):
    values = np.random.default_rng(0).integers(0, 60_000, (3, 700)).astype(dtype)
    expected, _, _ = rank_columns(values)
    unaligned = np.frombuffer(b"x" + values.tobytes(), np.uint8)[1:].view(dtype)
    read_only = values.copy()
    read_only.flags.writeable = False
    samples = np.zeros((3, 700, 2), dtype)
    samples[:, :, 1] = values
    for other in (
        np.asfortranarray(values),
        np.repeat(values, 3, axis=1)[:, ::3],
        values[:, ::-1].copy()[:, ::-1],
        unaligned.reshape(values.shape),
        read_only,
        list(samples[:, :, 1]),
        tuple(values),
        [row.tolist() for row in values],
    ):
        assert rank_columns(other)[0].tobytes() == expected.tobytes()
    same = np.broadcast_to(values[:1, :1], (2, 9))  # a stride of zero
    np.testing.assert_array_equal(rank_columns(same)[0], 0.5)


@pytest.mark.parametrize("threads", [2, 3, 64])
def test_threads_give_the_same_bytes(threads):
    values = np.random.default_rng(0).standard_normal((23, 1151)).round(2)
    ranks, ties, _ = rank_columns(values)
    again, ties_again, _ = rank_columns(values, threads=threads)
    assert again.tobytes() == ranks.tobytes()
    assert ties_again.tobytes() == ties.tobytes()


def test_a_million_values_in_one_key():
    order = np.random.default_rng(0).permutation(1_000_000)
    column = 1.0 + order * 1e-12
    column[0] = -1e300
    check(column)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.integers(1, 400),
        elements=st.floats(allow_nan=False) | st.integers(0, 5).map(lambda k: 1e9 + k * 1e-6),
    )
)
def test_any_doubles(column):
    check(column)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["int32", "uint32", "int64", "uint64"]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.integers(1, 400))
    )
)
def test_any_integers(column):
    check(column)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("nan", [np.nan, -np.nan])
def test_nan_is_refused_by_place(dtype, nan):
    values = np.zeros((3, 400), dtype)
    values[1, 7] = values[1, 9] = values[2, 0] = nan
    for threads in (1, 3):
        with pytest.raises(ValueError, match="NaN at row 1, index 7; NaN has no rank"):
            rank_columns(values, threads=threads)


def test_empty():
    for shape in ((0, 5), (3, 0)):
        ranks, ties, _ = rank_columns(np.empty(shape))
        assert ranks.shape == shape
        assert ties.tolist() == [0] * shape[0]
    assert rank_columns([])[0].shape == (0, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rank_columns(np.zeros(3)), r"values: got shape \(3,\); \[rows, n\] is needed"),
        (lambda: rank_columns([1.0, 2.0]), r"values: got a row of shape \(\); \[n\] is needed"),
        (lambda: rank_columns([[1.0], [1.0, 2.0]]), "values: row 1 has 2 values and row 0 has 1"),
        (lambda: rank_columns([["a"]]), "values: got dtype <U1; real numbers are needed"),
        (lambda: rank_columns([[1j]]), "values: got dtype complex128"),
        (lambda: rank_columns([np.zeros(3, "M8[s]")]), "values: got dtype datetime64"),
        (lambda: rank_columns([[1.0]], "rank"), "normalize: got 'rank'; allowed are 'midrank'"),
        (lambda: rank_columns([[1.0]], threads=0), "threads: got 0; it must be at least 1"),
    ],
)
def test_errors_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("n", [2, 20, 129, 1151, 65537, 1_000_000])
@pytest.mark.parametrize("levels", [1, 2, 7, 1000])
@pytest.mark.parametrize("normalize", ["midrank", "over_n", "minmax"])
def test_entropy_of_tied_rows(n, levels, normalize):
    values = np.random.default_rng(n + levels).integers(levels, size=n)
    values[:2] = 0
    share = np.unique(values, return_counts=True)[1] / n
    expected = -(share * np.log(share)).sum() + (share.size - 1) / (2 * n)
    # 1e9 + level / 1024 falls together in float32, so that these runs are refined
    rows = [values, values.astype(np.float32), 1e9 + values / 1024]
    entropy = rank_columns([*rows, np.arange(n)], normalize)[2]
    np.testing.assert_allclose(entropy[:3], expected, rtol=1e-9, atol=1e-12)
    assert np.isinf(entropy[3])
    shuffled = rank_columns([np.random.default_rng(0).permutation(values)], normalize)[2]
    assert shuffled[0] == entropy[0]


@pytest.mark.parametrize("n", [(1 << 19) - 1, (1 << 19) + 3])
def test_many_values_that_long_keys_tell_apart_or_do_not(n):
    """From 2**19 values on, keys of doubles and of 64-bit integers are longer than 32 bits."""
    random = np.random.default_rng(n)
    clusters = 1 + random.integers(0, 5000, n) * 2.0**-52  # beside the ends: all equal in 44 bits
    clusters[:2] = 1e300, -1e300
    whole = random.integers(-(2**63), 2**63 - 1, n)
    for values in (random.standard_normal(n), clusters, whole):
        ranks, ties, _ = rank_columns([values])
        expected = (rankdata(values) - 0.5) / n
        np.testing.assert_array_equal(ranks[0], expected.astype(np.float32))
        assert ties[0] == (np.unique(values).size < n)


@pytest.mark.parametrize("n", [1, 2, 20, 129, 1151, 65537])
def test_ranks_of_some_samples_are_those_that_sorting_them_gives(n):
    random = np.random.default_rng(n)
    names = ("normal", "decimals", "constant", "infinite", "sorted")
    ranks = rank_columns([columns(n)[name] for name in names])[0]
    for inside in (
        np.arange(n),
        np.flatnonzero(random.random(n) < 0.1),
        random.permutation(n)[: n // 2 + 1],
        np.zeros(0, np.intp),
        np.zeros(3, np.intp),
    ):
        found = ranks_within(list(ranks), inside)
        assert found.shape == (len(ranks), inside.size)
        expected = rank_columns(np.ascontiguousarray(ranks[:, inside]))[0]
        np.testing.assert_array_equal(found, expected)


def test_ranks_within_the_longest_row_that_is_counted():
    n = MOST_COUNTED
    ranks = ((np.arange(n) + 0.5) / n).astype(np.float32)
    inside = np.arange(n - 5, n)
    np.testing.assert_array_equal(
        ranks_within([ranks], inside)[0], np.float32([0.1, 0.3, 0.5, 0.7, 0.9])
    )
    with pytest.raises(ValueError, match=f"{n + 1} ranks; at most {n}"):
        ranks_within([np.full(n + 1, 0.5, np.float32)], inside)


@pytest.mark.parametrize(
    ("rows", "inside", "message"),
    [
        ([[0.25, 0.85]], [1], "0.85.* index 1 is no mid-rank of 2 samples"),
        ([[0.25, np.nan]], [1], "nan.* no mid-rank"),
        ([[0.0, 0.5]], [0], "no mid-rank"),
        ([[0.5, 1.0]], [1], "no mid-rank"),
        ([[0.25, 0.75]], [-1], "got sample -1; there are 2"),
        ([[0.25, 0.75]], [2], "got sample 2"),
        ([[0.25, 0.75], [0.5]], [0], "shapes"),
    ],
)
def test_ranks_within_refuses_what_is_none(rows, inside, message):
    with pytest.raises(ValueError, match=message):
        ranks_within([np.float32(row) for row in rows], np.array(inside))
