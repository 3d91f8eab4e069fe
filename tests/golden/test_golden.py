"""Answers through the public API that a change of the code's rooms must not change.

The values were written by `python tests/golden/test_golden.py`. Networks may differ in the last
bits from processor to processor, so they are compared within 2e-6 nats; ranks are compared by hash.
All pairs are of continuous variables, constants or well-filled tables: what other ties give is
still improved, and has tests against truths.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from pathlib import Path

import infonet
import infonet_kernels
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main

STORED = Path(__file__).with_name("answers.json")


def _sample(n=800, seed=11):
    rng = np.random.default_rng(seed)
    a, b, c = rng.standard_normal((3, n))
    return {"a": a, "b": 0.6 * a + 0.8 * b, "c": np.cos(2 * a) + 0.4 * c, "d": c**3}


def _table():
    data = _sample()
    return np.stack(list(data.values()), axis=1)


def estimate():
    data = _sample()
    found = infonet.estimate(data["a"], data["b"])
    return [found.mi, *found.interval, found.p_value]


def mutual_information():
    data = _sample()
    return [infonet.mutual_information(data["a"], data["c"])]


def table_of_an_estimate():
    data = _sample()
    table = infonet.estimate(data["a"], data["b"]).table.astype(float)
    return [*table[::21, ::21].ravel().tolist(), table.mean()]


def permutations():
    data = _sample(60)
    return [infonet.estimate(data["a"], data["d"], permutations=19, seed=3).p_value]


def batches():
    sets = np.stack([_table()[:, [i, j]] for i, j in ((0, 1), (0, 2), (1, 3))])
    estimator = infonet.Estimator(threads=1)
    return [*estimator.mi(sets).tolist(), *estimator.quantiles(sets).ravel().tolist()]


def matrix():
    return infonet.pairwise(_sample()).values.ravel().tolist()


def p_values_of_a_matrix():
    return infonet.pairwise(_sample()).p_values.tolist()


def targets_with_gaps():
    data = _sample()
    data["a"][::7] = np.nan
    found = infonet.pairwise(data, targets=["d"], nan="omit")
    return [*found.mi.ravel().tolist(), *found.n.ravel().tolist()][2:]


def constants_and_tables():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 3, 2000), rng.integers(0, 4, 2000)
    y[:700] = x[:700]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flat = infonet.estimate(np.ones(30), np.arange(30))
    found = infonet.estimate(x, y)
    return [flat.mi, found.mi, *found.interval]


def sliced():
    table = _table()
    found = infonet.Estimator(threads=1).sliced(table[:, :2], table[:, 2:], projections=24, seed=4)
    return [found.mean, found.standard_error, found.max, *found.values[:5].tolist()]


def monitor():
    data = _sample(600)
    watch = infonet.Monitor(200, ("a", "b"), stride=100)
    found = watch.extend(np.stack([data["a"], data["b"]], axis=1))
    return [v for e in found for v in (e.row, e.estimates[0].mi, float(e.dependent[0] or 0))]


def command():
    table = CliRunner().invoke(main, ["demo"]).stdout.split()
    return [len(table) > 50]


def kernels():
    ranks = infonet_kernels.soft_rank(_table().T.astype(np.float32), 0.0, "midrank")
    soft = infonet_kernels.soft_rank(_table().T[:1, :64].astype(np.float32), 0.05, "minmax")
    digest = hashlib.sha256(np.ascontiguousarray(ranks).data).hexdigest()
    return [int(digest[:12], 16), *soft[0, :6].tolist()]


CASES = (
    estimate,
    mutual_information,
    table_of_an_estimate,
    permutations,
    batches,
    matrix,
    p_values_of_a_matrix,
    targets_with_gaps,
    constants_and_tables,
    sliced,
    monitor,
    command,
    kernels,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_answers_are_those_of_before(case):
    stored = json.loads(STORED.read_text())[case.__name__]
    found = np.array(case(), np.float64)
    # Stored when ONNX Runtime ran the network. Processors, and the compiled network, add up its
    # float32 in orders of their own. Near independence the null distribution turns a millionth of a
    # nat into a thousandth of the p-value.
    tolerance = 1e-3 if case is p_values_of_a_matrix else 1e-5
    np.testing.assert_allclose(found, stored, rtol=tolerance, atol=tolerance)


def test_written_matrices(tmp_path):
    """The same numbers in memory and in each kind of file."""
    expected = infonet.pairwise(_sample())
    for name in ("m.npy", "m.csv", "m.parquet"):
        infonet.pairwise(_sample(), output=tmp_path / name)
    np.testing.assert_array_equal(np.load(tmp_path / "m.npy"), expected.mi)
    long = expected.to_frame("pandas")
    import pandas as pd

    for read, name in ((pd.read_csv, "m.csv"), (pd.read_parquet, "m.parquet")):
        found = read(tmp_path / name)
        np.testing.assert_allclose(found["mi"], long["mi"], rtol=1e-6)
        np.testing.assert_allclose(found["p_value"], long["p_value"], rtol=1e-5)


def test_scores_of_features_are_estimates():
    from infonet.sklearn import mutual_info_regression

    data = _sample()
    features = np.stack([data["b"], data["c"]], axis=1)
    scores = mutual_info_regression(features, data["a"])
    expected = [infonet.estimate(features[:, j], data["a"]).mi for j in (0, 1)]
    np.testing.assert_array_equal(scores, expected)


if __name__ == "__main__":
    answers = {case.__name__: [float(v) for v in case()] for case in CASES}
    STORED.write_text(json.dumps(answers, indent=1) + "\n")
    sys.stdout.write(f"{len(answers)} answers\n")
