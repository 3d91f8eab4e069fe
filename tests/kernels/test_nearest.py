"""Nearest neighbours in the maximum norm against SciPy's k-d tree."""

import numpy as np
import pytest
from infonet_kernels import neighbour_counts, neighbour_distances
from scipy.spatial import cKDTree


def counted(points, distance):
    """How many other points are nearer, one by one."""
    apart = np.abs(points[:, None] - points).max(axis=2)
    return (apart < distance[:, None]).sum(axis=1) - (distance > 0)


@pytest.mark.parametrize("n", [2, 20, 129, 1151])
@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_distances_and_counts_are_those_of_scipy(n, dimensions):
    points = np.random.default_rng(n).normal(size=(n, dimensions))
    for k in {1, min(3, n - 1), n - 1}:
        distance = neighbour_distances(points, k)
        expected = cKDTree(points).query(points, k + 1, p=np.inf)[0][:, k]
        np.testing.assert_array_equal(distance, expected)
        for part in (points, points[:, :1]):
            np.testing.assert_array_equal(neighbour_counts(part, distance), counted(part, distance))


def test_many_points():
    points = np.random.default_rng(0).normal(size=(65537, 2))
    distance = neighbour_distances(points, 3, threads=2)
    expected = cKDTree(points).query(points, 4, p=np.inf)[0][:, 3]
    np.testing.assert_array_equal(distance, expected)
    near = neighbour_counts(points[:, :1], distance)
    column = np.sort(points[:, 0])
    low = np.searchsorted(column, points[:, 0] - distance, "right")
    high = np.searchsorted(column, points[:, 0] + distance, "left")
    # a difference and a sum may be rounded to either side of a distance
    assert np.abs(near - (high - low - 1)).max() <= 1


@pytest.mark.parametrize("n", [2, 129, 5000])
def test_points_that_are_all_equal(n):
    points = np.full((n, 2), 3.5)
    distance = neighbour_distances(points, 1)
    assert not distance.any()
    assert not neighbour_counts(points, distance).any()
    np.testing.assert_array_equal(neighbour_counts(points, np.ones(n)), n - 1)


def test_points_on_a_lattice_with_copies():
    points = np.random.default_rng(0).integers(0, 6, (1151, 2)).astype(float)
    distance = neighbour_distances(points, 40)
    apart = np.sort(np.abs(points[:, None] - points).max(axis=2), axis=1)
    np.testing.assert_array_equal(distance, apart[:, 40])
    np.testing.assert_array_equal(neighbour_counts(points, distance), counted(points, distance))


@pytest.mark.parametrize("threads", [2, 4, 64])
def test_threads_give_the_same_bytes(threads):
    points = np.random.default_rng(0).normal(size=(3000, 3)).round(2)
    distance = neighbour_distances(points, 3)
    assert neighbour_distances(points, 3, threads).tobytes() == distance.tobytes()
    counts = neighbour_counts(points[:, :2], distance)
    again = neighbour_counts(points[:, :2], distance, threads)
    assert again.tobytes() == counts.tobytes()


def test_order_of_points_changes_nothing():
    points = np.random.default_rng(0).normal(size=(1151, 2)).round(1)
    order = np.random.default_rng(1).permutation(1151)
    distance = neighbour_distances(points, 3)
    np.testing.assert_array_equal(neighbour_distances(points[order], 3), distance[order])


def test_layouts_and_types():
    points = np.random.default_rng(0).integers(-9, 9, (200, 3))
    expected = neighbour_distances(points.astype(float), 2)
    for other in (points, np.asfortranarray(points), points[::-1][::-1], points.tolist(),
                  points.astype(">f4")):  # fmt: skip
        np.testing.assert_array_equal(neighbour_distances(other, 2), expected)


POINTS, HALF = np.zeros((5, 2)), np.full(5, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: neighbour_distances(POINTS, 0), "k: got 0"),
        (lambda: neighbour_distances(POINTS, 5), "allowed are 1 to 4"),
        (lambda: neighbour_distances(POINTS[:1], 1), "k: got 1"),
        (lambda: neighbour_distances(POINTS, 1.5), "integer"),
        (lambda: neighbour_distances(POINTS * np.nan, 1), "finite"),
        (lambda: neighbour_distances(POINTS + np.inf, 1), "finite"),
        (lambda: neighbour_distances(POINTS[:, :0], 1), "dimension"),
        (lambda: neighbour_distances(HALF, 1), "shape"),
        (lambda: neighbour_distances(POINTS, 1, 0), "threads"),
        (lambda: neighbour_counts(POINTS, HALF[:4]), r"shape \(4,\)"),
        (lambda: neighbour_counts(POINTS * np.nan, HALF), "finite"),
    ],
)
def test_what_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
