"""Tests of conditional independence for causal discovery."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.causal import IndependenceTests, PgmpyTest, register_causal_learn

RNG = np.random.default_rng(3)
N = 500
A, B = RNG.standard_normal((2, N))
C = np.sin(2 * A) + 0.4 * RNG.standard_normal(N)
D = np.tanh(2 * C) + B**2 / 2 + 0.4 * RNG.standard_normal(N)
CHAIN = np.column_stack([A, B, C, D])  # A -> C -> D <- B
FRAME = pd.DataFrame(CHAIN, columns=list("abcd"))


@pytest.mark.parametrize(
    "data",
    [CHAIN, np.round(CHAIN, 1), np.sign(CHAIN), np.column_stack([A, B, C > 0, D])],
    ids=["continuous", "ties", "signs", "a condition of two levels"],
)
def test_answers_are_those_of_the_estimator(data):
    """Bytes, in any order of tests and of x and y."""
    tests = IndependenceTests(data)
    for given in ([], [2], [1, 2]):
        for x, y in ((0, 3), (3, 0)):
            condition = data[:, given] if given else None
            expected = infonet.conditional_independence(data[:, x], data[:, y], condition)
            found = tests.test(x, y, given[::-1])
            assert (found.p_value, found.mi) == (expected.p_value, expected.mi)
            assert tests.p_value(x, y, given) == expected.p_value
            assert tests.mutual_information(x, y, given) == expected.mi


def test_the_graph_is_seen():
    tests = IndependenceTests(FRAME)
    assert tests.names == list("abcd")
    assert tests.samples == N
    assert tests.p_value("a", "d") < 0.01  # through c
    assert tests.p_value("a", "d", ["c"]) > 0.01
    assert tests.p_value("b", "c") > 0.01
    assert tests.p_value("b", "c", ["d"]) < 0.01  # a collider is given
    assert tests.p_value("a", "c", ["b", "d"]) < 0.01


def test_copies_of_the_tests_answer_the_same():
    tests = PgmpyTest(FRAME)
    for other in (copy.deepcopy(tests), pickle.loads(pickle.dumps(tests))):
        assert other("a", "d", ["c"], boolean=False) == tests("a", "d", ["c"], boolean=False)


def test_constants_and_copies_tell_nothing():
    tests = IndependenceTests(np.column_stack([A, C, np.ones(N), A]))
    assert tests.p_value(0, 2) == tests.p_value(0, 2, [1]) == 1
    assert tests.p_value(0, 1, [3]) == 1
    assert tests.p_value(0, 1, [2]) < 0.01  # a constant condition takes nothing out


def test_columns_named_by_numbers_go_by_name():
    tests = IndependenceTests(FRAME.rename(columns=dict(zip("abcd", (3, 2, 1, 0), strict=True))))
    assert tests.p_value(3, 1) == IndependenceTests(FRAME).p_value("a", "c")


def test_bad_input():
    tests = IndependenceTests(FRAME)
    for arguments, match in (
        (("a", "e"), "column 'e' does not exist: choose from a, b, c, d"),
        (("a", 4), "column 4 does not exist"),
        (("a", "a"), "must differ"),
        (("a", "b", ["b"]), "must differ"),
    ):
        with pytest.raises(infonet.InputError, match=match):
            tests.p_value(*arguments)
    with pytest.raises(infonet.InputError, match="20"):
        IndependenceTests(CHAIN[:19])
    with pytest.raises(infonet.InputError, match="not finite|NaN|nan"):
        IndependenceTests(FRAME.where(FRAME < 2))
    with pytest.raises(infonet.InputError, match="has no data"):
        PgmpyTest()("a", "b", [])


def test_pgmpy_s_conventions_old_and_new():
    expected = infonet.conditional_independence(A, D, C)
    test = PgmpyTest(FRAME)
    assert test("a", "d", ["c"], significance_level=0.01) is True
    assert (test.p_value_, test.effect_size_) == (expected.p_value, expected.mi)
    assert test.statistic_ == pytest.approx(expected.statistic)
    assert test("a", "d", [], significance_level=0.01) is False
    old = PgmpyTest()
    found = old("a", "d", ["c"], FRAME, boolean=False)
    assert found == (test("a", "d", ["c"], boolean=False))
    assert old("b", "c", ["d"], data=FRAME, independencies=[], significance_level=0.01) is False


ALONE = """
import sys
sys.modules["causallearn"] = None
import infonet.causal
try:
    infonet.causal.register_causal_learn()
except infonet.MissingExtraError as error:
    assert "pip install 'causal-learn>=0.1.4'" in str(error), error
else:
    raise AssertionError
assert not {"pgmpy", "pandas", "sklearn"} & set(sys.modules)
"""


def test_nothing_is_imported_before_it_is_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_causal_learn_finds_the_skeleton(tmp_path):
    pytest.importorskip("causallearn")
    from causallearn.search.ConstraintBased.PC import pc
    from causallearn.utils.cit import CIT

    name = register_causal_learn()
    found = pc(CHAIN, 0.01, name, show_progress=False)
    edges = {tuple(sorted(pair)) for pair in np.argwhere(found.G.graph != 0).tolist()}
    assert edges == {(0, 2), (1, 3), (2, 3)}
    cit = CIT(CHAIN, name, cache_path=str(tmp_path / "cache" / "p.json"))
    assert cit(0, 3, (2,)) == infonet.conditional_independence(A, D, C).p_value
    assert cit(3, 0, [2]) == cit(0, 3, (2,))


def test_pgmpy_finds_the_skeleton():
    pytest.importorskip("pgmpy")
    from pgmpy.causal_discovery import PC

    found = PC(ci_test=PgmpyTest(FRAME), significance_level=0.01, n_jobs=1, show_progress=False)
    graph = found.fit(FRAME).causal_graph_
    edges = {tuple(sorted(pair)) for pair in graph.edges()}
    assert edges == {("a", "c"), ("b", "d"), ("c", "d")}
