"""What the kernels accept, and how they refuse the rest."""

import infonet_kernels
import numpy as np
import pytest
from infonet_kernels import (
    Directions,
    joint_histogram,
    pair_histograms,
    project,
    rank_columns,
    soft_rank,
    soft_rank_backward,
)

RANKS = np.random.default_rng(0).random((3, 50), np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble, np.int8, np.int64, bool])
def test_dtypes_are_converted(dtype):
    values = np.random.default_rng(0).integers(0, 2, (2, 33)).astype(dtype)
    expected = soft_rank(values.astype(np.float32))
    np.testing.assert_array_equal(soft_rank(values), expected)
    np.testing.assert_array_equal(
        joint_histogram(values, values, 4),
        joint_histogram(values.astype(np.float32), values.astype(np.float32), 4),
    )


@pytest.mark.parametrize(
    "view",
    [
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[:, ::-1][:, ::-1],
        lambda a: a.T.copy().T,
        lambda a: a.astype(">f4"),
        lambda a: a.tolist(),
        lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view("<f4").reshape(a.shape),
    ],
    ids=["fortran", "strided", "reversed", "transposed", "big-endian", "list", "unaligned"],
)
def test_layouts(view):
    other = view(RANKS)
    np.testing.assert_array_equal(soft_rank(other), soft_rank(RANKS))
    np.testing.assert_array_equal(
        joint_histogram(other, other, 8), joint_histogram(RANKS, RANKS, 8)
    )
    np.testing.assert_array_equal(
        pair_histograms(other, [[0, 2]], 8), pair_histograms(RANKS, [[0, 2]], 8)
    )


def test_inputs_are_only_read():
    values = RANKS.copy()
    values.flags.writeable = False
    result = soft_rank(values)
    assert result is not values
    np.testing.assert_array_equal(values, RANKS)
    joint_histogram(values, values, 4)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_empty_arrays(shape):
    empty = np.empty(shape, np.float32)
    for eps in (0.0, 0.1):
        assert soft_rank(empty, eps).shape == shape
    histogram = joint_histogram(empty, empty, 4)
    assert histogram.shape == (shape[0], 4, 4)
    assert not histogram.any()
    assert pair_histograms(empty, np.empty((0, 2), int), 4).shape == (0, 4, 4)


@pytest.mark.parametrize("integer", [np.int8, np.int32, np.int64, np.uint16])
def test_integer_types_of_pairs(integer):
    pairs = np.array([[0, 1], [2, 0]], integer)
    np.testing.assert_array_equal(
        pair_histograms(RANKS, pairs, 4), pair_histograms(RANKS, pairs.tolist(), 4)
    )


@pytest.mark.parametrize("n", [1, 7, 300, 5000])
@pytest.mark.parametrize("eps", [0.0, 0.1, 1e-6])
def test_nan_is_refused_by_place(n, eps):
    values = np.zeros((3, n))
    values[1, n // 2] = values[2, 0] = np.nan
    with pytest.raises(ValueError, match=rf"NaN at row 1, index {n // 2};"):
        soft_rank(values, eps)
    with pytest.raises(ValueError, match=rf"NaN at row 1, index {n // 2};"):
        soft_rank(values, eps, threads=3)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf, 1e39])
def test_infinities_need_eps_zero(infinity):
    values = [[1.0, 2.0, infinity]]
    assert np.isfinite(soft_rank(values)).all()
    with pytest.raises(ValueError, match="infinity at row 0, index 2; with eps > 0"):
        soft_rank(values, 0.1)


@pytest.mark.parametrize("bad", [np.nan, -1e-7, 1.0000001, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 255, 256, 999])
def test_ranks_outside_the_unit_interval_are_refused(bad, index):
    good, ranks = np.full((2, 1000), 0.5), np.full((2, 1000), 0.5)
    ranks[1, index] = bad
    with pytest.raises(ValueError, match=rf"at x row 1, index {index}; ranks must be in \[0, 1\]"):
        joint_histogram(ranks, good, 8)
    with pytest.raises(ValueError, match=rf"at y row 1, index {index};"):
        joint_histogram(good, ranks, 8)
    with pytest.raises(ValueError, match=rf"at column 1, index {index};"):
        pair_histograms(ranks, [[0, 0]], 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_rank([1.0, 2.0]), r"values: got shape \(2,\); \[rows, n\] is needed"),
        (lambda: soft_rank([["a", "b"]]), "values: got dtype <U1; numbers are needed"),
        (lambda: soft_rank([[1j]]), "values: got dtype complex128"),
        (lambda: soft_rank([[None]]), "values: got dtype object"),
        (lambda: soft_rank(RANKS, -0.1), "eps: got -0.1"),
        (lambda: soft_rank(RANKS, np.nan), "eps: got nan"),
        (lambda: soft_rank(RANKS, np.inf), "eps: got inf"),
        (
            lambda: soft_rank(RANKS, normalize="rank"),
            "normalize: got 'rank'; allowed are 'midrank'",
        ),
        (lambda: soft_rank(RANKS, threads=0), "threads: got 0; it must be at least 1"),
        (lambda: soft_rank(RANKS, threads=1.5), "threads: got 1.5; an integer is needed"),
        (lambda: joint_histogram(RANKS, RANKS[:2], 4), "x_ranks has shape .* and y_ranks"),
        (lambda: joint_histogram(RANKS, RANKS, 1), "grid: got 1;"),
        (lambda: joint_histogram(RANKS, RANKS, 10**6), "grid: got 1000000; allowed are 2 to 4096"),
        (lambda: pair_histograms(RANKS, [[0, 3]], 4), "pairs: column 3 at pair 0; there are 3"),
        (lambda: pair_histograms(RANKS, [[0, 1], [-1, 0]], 4), "pairs: column -1 at pair 1"),
        (lambda: pair_histograms(RANKS, [0, 1], 4), "pairs: got int64 of shape"),
        (lambda: pair_histograms(RANKS, [[0.0, 1.0]], 4), "pairs: got float64"),
        (
            lambda: pair_histograms(RANKS, [[0, 1]], 4, out=np.empty((1, 4, 4))),
            "out: got float64",
        ),
        (
            lambda: pair_histograms(RANKS, [[0, 1]], 4, out=np.empty((2, 4, 4), np.float32)),
            r"out: .* \(1, 4, 4\) is needed",
        ),
    ],
)
def test_errors_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


ODD = [None, [], [1], "1", b"1", {}, 10**30, -(10**400), 2.5, np.nan, object(), [[1], [1, 2]]]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_odd_arguments_are_refused_by_name(value):
    """In one line that begins with the name of the argument; some are right for some."""
    directions = Directions(np.ones((3, 2)))
    calls = {
        ("values",): lambda: soft_rank(value),
        ("eps",): lambda: soft_rank(RANKS, value),
        ("normalize",): lambda: soft_rank(RANKS, normalize=value),
        ("threads",): lambda: soft_rank(RANKS, threads=value),
        ("dtype",): lambda: soft_rank(RANKS, dtype=value),
        ("gradient", "values"): lambda: soft_rank_backward(RANKS, value, 0.1),
        ("values", "row"): lambda: rank_columns(value),
        ("x_ranks",): lambda: joint_histogram(value, RANKS, 4),
        ("y_ranks", "x_ranks"): lambda: joint_histogram(RANKS, value, 4),
        ("grid",): lambda: joint_histogram(RANKS, RANKS, value),
        ("ranks", "pairs"): lambda: pair_histograms(value, [[0, 1]], 4),
        ("pairs",): lambda: pair_histograms(RANKS, value, 4),
        ("out",): lambda: pair_histograms(RANKS, [[0, 1]], 4, out=value),
        ("directions",): lambda: Directions(value),
        ("directions", "of"): lambda: project(np.ones((4, 2)), value),
        ("values", "columns"): lambda: project(value, directions),
        ("out", "project"): lambda: project(np.ones((4, 2)), directions, value),
        ("first", "values"): lambda: project(np.ones((4, 2)), directions, None, value),
    }
    fine = 0
    for names, call in calls.items():
        try:
            call()
        except (TypeError, ValueError) as error:
            message = str(error)
        else:
            fine += 1
            continue
        if not message.startswith(tuple(f"{name}" for name in names)):
            pytest.fail(f"{names}: {message}")
        if "\n" in message or len(message) > 200:
            pytest.fail(f"{names}: {message}")
    assert fine <= 5


def test_library_override(monkeypatch, tmp_path):
    installed = infonet_kernels.library_path()
    assert installed.is_file()
    copy = tmp_path / "kernels.so"
    copy.write_bytes(installed.read_bytes())
    monkeypatch.setenv("INFONET_KERNELS_LIBRARY", str(copy))
    assert infonet_kernels.library_path() == copy.resolve()
    monkeypatch.setenv("INFONET_KERNELS_LIBRARY", str(tmp_path / "absent.so"))
    with pytest.raises(ImportError, match="INFONET_KERNELS_LIBRARY"):
        infonet_kernels.library_path()
