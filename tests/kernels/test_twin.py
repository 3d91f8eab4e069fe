"""The twins in NumPy give the bytes of the compiled kernels, and fail with the same words.

The definitions themselves are tested elsewhere in this folder; all of it passes with
INFONET_KERNELS=numpy, too, but for what is about the library.
"""

import os
import subprocess
import sys

import infonet_kernels
import numpy as np
import pytest
from infonet_kernels import _choice
from infonet_kernels._library import CPU

NORMALIZATIONS = infonet_kernels.NORMALIZATIONS
LENGTHS = (1, 2, 7, 20, 255, 256, 1000, 5003)

pytestmark = pytest.mark.skipif(
    bool(infonet_kernels.why_numpy()), reason="no compiled library to compare with"
)


@pytest.fixture
def with_both(monkeypatch):
    """Call a function with the compiled kernels, then with the twins."""

    def call(function, *arguments, **options):
        results = []
        for kind in ("compiled", "numpy"):
            monkeypatch.setenv(_choice.VARIABLE, kind)
            _choice.forget()
            assert bool(infonet_kernels.why_numpy()) == (kind == "numpy")
            try:
                found = function(*arguments, **options)
            except ValueError as error:
                found = str(error)
            results.append(found if isinstance(found, tuple) else (found,))
        return results

    yield call
    monkeypatch.undo()
    _choice.forget()


def assert_same(results):
    compiled, twin = results
    assert len(compiled) == len(twin)
    for ours, theirs in zip(compiled, twin, strict=True):
        assert not isinstance(ours, str), ours
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        assert ours.tobytes() == theirs.tobytes()


def columns(n):
    """Of all types, with and without ties, strided, with infinities, zeros of both signs."""
    rng = np.random.default_rng(n)
    normal = rng.standard_normal(n)
    yield normal
    yield np.round(normal, 1)
    yield normal.astype(np.float32).round(2)
    yield np.repeat(normal, 3)[::3]
    yield rng.integers(-3, 3, n)
    yield rng.integers(0, 2**64 - 1, n, np.uint64)
    yield rng.integers(-(2**63), 2**63 - 1, n)
    yield 1e9 + 1e-6 * normal
    yield np.where(normal > 1, np.inf, np.where(normal < -1, -np.inf, 0.0))
    yield np.where(normal > 0, 0.0, -0.0)
    yield np.full(n, 7.5)
    yield rng.exponential(1e-310, n)  # no normal floats


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_average_ranks_ties_and_entropy(with_both, n, normalize):
    assert_same(with_both(infonet_kernels.rank_columns, list(columns(n)), normalize))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_soft_ranks_and_gradients(with_both, n, dtype):
    rng = np.random.default_rng(n)
    rows = rng.standard_normal((4, n)).astype(dtype)
    rows[1] = rows[1].round(1)
    rows[2] = 3
    rows[3] = rng.standard_cauchy(n)
    by = rng.standard_normal((4, n)).astype(dtype)
    for eps in (0.0, 0.1, 1.9 / n, 0.3 / n, 1e-4, 1e-12):
        for normalize in NORMALIZATIONS:
            assert_same(with_both(infonet_kernels.soft_rank, rows, eps, normalize, dtype=dtype))
            backward = infonet_kernels.soft_rank_backward
            assert_same(with_both(backward, rows, by, eps, normalize, dtype=dtype))


@pytest.mark.parametrize("n", [*LENGTHS, 70_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_histograms(with_both, n, dtype):
    rng = np.random.default_rng(n)
    x, y = rng.random((2, 3, n)).astype(dtype)
    x[0, : n // 2], y[1, n // 2 :] = 0, 1
    y[2] = x[2]
    for grid in (2, 3, 32, 64, 100):
        assert_same(with_both(infonet_kernels.joint_histogram, x, y, grid, dtype=dtype))
    pairs = [[0, 1], [2, 2], [1, 0]]
    assert_same(with_both(infonet_kernels.pair_histograms, x, pairs, 64))


@pytest.mark.parametrize("n", LENGTHS)
def test_chi_squared(with_both, n):
    u, v = np.random.default_rng(n).random((2, n)).astype(np.float32)
    u[: n // 3], v[0] = 1, 0
    shapes = [(4, 4), (16, 16), (2, 32), (32, 4), (1, 1)]
    assert_same(with_both(infonet_kernels.chi_squared, u, v, shapes))


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 3, 5), (300, 17, 20), (3, 0, 2), (0, 3, 2)])
def test_projections(with_both, shape):
    rows, dimensions, count = shape
    rng = np.random.default_rng(0)
    values, entries = (
        rng.standard_normal((rows, dimensions)),
        rng.standard_normal((count, dimensions)),
    )
    directions = infonet_kernels.Directions(entries)
    assert_same(with_both(infonet_kernels.project, values, directions))
    half = dimensions // 2

    def in_parts():
        out = infonet_kernels.project(values[:, :half], directions, np.empty((count, rows)))
        return infonet_kernels.project(values[:, half:], directions, out, half)

    if half:
        assert_same(with_both(in_parts))


@pytest.mark.parametrize("n", LENGTHS)
def test_kernels_of_vines(with_both, n):
    rng = np.random.default_rng(n)
    u, v, w, z = infonet_kernels.rank_columns(rng.standard_normal((4, n)))[0]
    u[0] = 1
    v[-1] = 0
    assert_same(with_both(infonet_kernels.normal_scores, u))
    for grid in (2, 13, 64):
        table = rng.standard_normal((grid, grid)) * 3
        table[0, 0] = -200
        assert_same(with_both(infonet_kernels.conditionals, table, u, v))
    assert_same(with_both(infonet_kernels.moments, u, v, [w, z]))
    assert_same(with_both(infonet_kernels.moments, u, v))
    assert_same(with_both(infonet_kernels.products, rng.standard_normal((3, n))))
    tied = infonet_kernels.rank_columns(rng.standard_normal((1, n)).round(1))[0][0]
    inside = np.flatnonzero(rng.random(n) < 0.7)
    assert_same(with_both(infonet_kernels.ranks_within, [w, tied], inside))


@pytest.mark.parametrize("n", [2, 20, 700])
@pytest.mark.parametrize("dimensions", [1, 3])
def test_nearest_neighbours(with_both, n, dimensions):
    points = np.random.default_rng(n).standard_normal((n, dimensions))
    points[: n // 3] = points[0]
    distance = infonet_kernels.neighbour_distances(points, min(3, n - 1))
    assert_same(with_both(infonet_kernels.neighbour_distances, points, min(3, n - 1)))
    assert_same(with_both(infonet_kernels.neighbour_counts, points[:, :1], distance))


@pytest.mark.parametrize("n", [*LENGTHS, 70_000])
def test_information_of_cells(with_both, n):
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    y = x + 0.01 * rng.standard_normal(n)
    rows = infonet_kernels.rank_columns([x, y, rng.random(n), rng.random(n).round(1)])[0]
    for pair in ((0, 0), (0, 1), (1, 2), (3, 2)):
        for fewest, divisions in ((2, 4), (8, 1)):
            found = with_both(infonet_kernels.cell_information, *rows[[*pair]], fewest, divisions)
            assert_same(found)


NAN = [[1.0, 2.0, 3.0], [1.0, np.nan, np.nan]]
REFUSED = {
    "NaN in a column": lambda k: k.rank_columns(NAN),
    "NaN in a row": lambda k: k.soft_rank(NAN),
    "NaN in a soft row": lambda k: k.soft_rank(NAN, 0.1),
    "an infinity in a soft row": lambda k: k.soft_rank([[1.0, np.inf]], 0.1),
    "NaN for a gradient": lambda k: k.soft_rank_backward(NAN, NAN),
    "a strength below 0": lambda k: k.soft_rank([[1.0]], -1.0),
    "a strength that is not finite": lambda k: k.soft_rank([[1.0]], float("nan")),
    "a width beyond doubles": lambda k: k.soft_rank([[-1e308, 1.5e308]], 0.1, dtype=np.float64),
    "no rank": lambda k: k.joint_histogram([[0.5, 1.5]], [[0.5, 0.5]], 4),
    "NaN for a rank": lambda k: k.joint_histogram([[0.5]], [[np.nan]], 4),
    "a column that is not there": lambda k: k.pair_histograms([[0.5]], [[0, 0], [0, 1]], 4),
    "a rank outside of a column": lambda k: k.pair_histograms([[0.5], [-1]], [[0, 0]], 4),
    "scores of what is no rank": lambda k: k.normal_scores([0.5, 2.0]),
    "what is no mid-rank": lambda k: k.ranks_within([[0.25, 0.85]], [0, 1]),
    "a sample that is not there": lambda k: k.ranks_within([[0.25, 0.75]], [0, 2]),
    "points of what is no rank": lambda k: k.conditionals(np.zeros((4, 4)), [0.5], [np.nan]),
    "a grid of one cell": lambda k: k.conditionals(np.zeros((1, 1)), [0.5], [0.5]),
    "too many neighbours": lambda k: k.neighbour_distances([[1.0], [2.0]], 2),
    "points that are not finite": lambda k: k.neighbour_distances([[1.0, 2.0], [3.0, np.inf]], 1),
    "cells of no ranks": lambda k: k.cell_information([], []),
    "cells of one sample": lambda k: k.cell_information([0.5, 0.5], [0.5, 0.5], 1),
    "too many divisions": lambda k: k.cell_information([0.5, 0.5], [0.5, 0.5], 2, 5),
    "cells of what is no rank": lambda k: k.cell_information([0.5, 0.5], [0.5, -1.0]),
    "no dimension": lambda k: k.neighbour_counts(np.zeros((3, 0)), np.ones(3)),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_refusals_have_the_same_words(with_both, refused):
    (compiled,), (twin,) = with_both(REFUSED[refused], infonet_kernels)
    assert isinstance(compiled, str)
    assert compiled == twin


def test_every_kernel_has_a_twin():
    from infonet_kernels._twin import KERNELS

    # Without a compiled network ONNX Runtime runs the graph: that is the network's twin.
    needed = {name for name in CPU.signatures if not name.startswith("infonet_network_")}
    assert KERNELS.keys() == needed


def run(code, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INFONET_KERNELS")}
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )


WHY = "import infonet_kernels; print(infonet_kernels.why_numpy())"


def test_the_environment_decides():
    assert run(WHY).stdout == "\n"
    assert run(WHY, INFONET_KERNELS="compiled").stdout == "\n"
    assert run(WHY, INFONET_KERNELS="numpy").stdout == "INFONET_KERNELS is numpy\n"
    unknown = run(WHY, INFONET_KERNELS="fast")
    assert "INFONET_KERNELS is 'fast'; allowed are compiled and numpy" in unknown.stderr


ABSENT = "from infonet_kernels._library import CPU; CPU.file = 'libnowhere.so'; "


def test_without_a_library():
    assert run(ABSENT + WHY).stdout == "there is no libnowhere.so in this installation\n"
    insisted = run(ABSENT + WHY, INFONET_KERNELS="compiled")
    assert "libnowhere.so of infonet_kernels was not found" in insisted.stderr


def test_a_library_of_another_version():
    code = "from infonet_kernels._library import CPU; CPU.signatures['infonet_new'] = []; " + WHY
    found = run(code)
    assert "libinfonet_kernels" in found.stderr
    assert "has no function infonet_new: it is of another version" in found.stderr


def test_a_library_that_does_not_load(tmp_path):
    """Of another platform, say; one that the environment names is an error."""
    (tmp_path / "infonet_kernels").mkdir()
    library = tmp_path / "infonet_kernels" / "libother.so"
    library.write_bytes(b"no library")
    code = f"import sys; sys.path.append({str(tmp_path)!r}); "
    code += "from infonet_kernels._library import CPU; CPU.file = 'libother.so'; " + WHY
    assert run(code).stdout.strip().startswith(f"{library}: ")
    assert "OSError" in run(WHY, INFONET_KERNELS_LIBRARY=str(library)).stderr
