"""Columns that x and y have in common, or that say the same, beside others."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.vines.variables import SHARED_NOTE


@pytest.mark.parametrize("of_a", [np.asarray, np.square])
def test_a_shared_column_beside_others_is_a_large_number_and_no_error(estimator, of_a):
    a, b, c = np.random.default_rng(0).normal(size=(3, 1000))
    other = a if of_a is np.asarray else np.abs(a)
    found = estimator.estimate(np.c_[of_a(a), b], np.c_[other, b + c])
    assert found.mi > 3
    assert SHARED_NOTE in found.notes
