"""soft_rank: average ranks (eps = 0) against their definition."""

import infonet_kernels
import numpy as np
import numpy_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

NORMALIZATIONS = infonet_kernels.NORMALIZATIONS


def samples(n):
    random = np.random.default_rng(n)
    normal = random.standard_normal((2, n)).clip(-3, 3)
    kinds = {
        "normal": normal,
        "ties": np.round(normal),
        "constant": np.full((2, n), -3.25),
        "huge": normal * 1e38,
        "wide": normal * 10.0 ** random.integers(-30, 31, (2, n)),
        "denormal": normal * 1e-42,
        "infinite": np.where(np.abs(normal) > 1, np.copysign(np.inf, normal), normal),
        "sorted": np.sort(normal),
        "reversed": -np.sort(normal),
        "narrow": 1.0 + np.abs(normal) * 1e-6,
        "positive": np.exp(normal),
    }
    return {kind: values.astype(np.float32) for kind, values in kinds.items()}


@pytest.mark.parametrize("n", [*numpy_twins.LENGTHS, 299, 300, 301])  # the sort changes at 300
def test_equals_the_average_rank(n):
    for kind, values in samples(n).items():
        for normalize in NORMALIZATIONS:
            got = infonet_kernels.soft_rank(values, normalize=normalize)
            expected = numpy_twins.soft_rank(values, normalize=normalize)
            np.testing.assert_array_equal(got, expected, err_msg=f"{kind}, {normalize}")


def test_signed_zeros_tie():
    got = infonet_kernels.soft_rank([[0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45]], normalize="over_n")
    np.testing.assert_allclose(got * 6, [[3.5, 3.5, 6, 1, 5, 2]])


def test_worked_example():
    values = [[3, 1, 2, 2]]
    np.testing.assert_array_equal(infonet_kernels.soft_rank(values), [[0.875, 0.125, 0.5, 0.5]])
    np.testing.assert_array_equal(
        infonet_kernels.soft_rank(values, normalize="over_n"), [[1, 0.25, 0.625, 0.625]]
    )
    np.testing.assert_array_equal(
        infonet_kernels.soft_rank(values, normalize="minmax"), [[1, 0, 0.5, 0.5]]
    )


def test_a_million_values():
    random = np.random.default_rng(0)
    order = random.permutation(1_000_000)
    values = np.sort(random.standard_normal(1_000_000)).astype(np.float32)
    got = infonet_kernels.soft_rank(values[None, order])[0].astype(np.float64)
    expected = (numpy_twins.average_ranks(values) - 0.5) / 1e6
    np.testing.assert_allclose(got, expected[order], rtol=0, atol=3e-8)
    assert abs(got.mean() - 0.5) < 1e-9


def test_a_million_ties():
    np.testing.assert_array_equal(infonet_kernels.soft_rank(np.zeros((1, 1_000_000))), 0.5)


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=400),
        elements=st.floats(width=32, allow_nan=False),
    )
)
def test_any_floats(values):
    np.testing.assert_array_equal(infonet_kernels.soft_rank(values), numpy_twins.soft_rank(values))


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 700), st.integers(0, 2**32 - 1))
def test_depends_on_the_order_alone(n, seed):
    values = np.random.default_rng(seed).uniform(1, 4, (1, n)).astype(np.float32)
    ranks = infonet_kernels.soft_rank(values)
    shuffle = np.random.default_rng(seed).permutation(n)
    np.testing.assert_array_equal(infonet_kernels.soft_rank(values[:, shuffle]), ranks[:, shuffle])
    np.testing.assert_array_equal(infonet_kernels.soft_rank(2 * values), ranks)
    np.testing.assert_allclose(infonet_kernels.soft_rank(-values), 1 - ranks, atol=1e-7)
