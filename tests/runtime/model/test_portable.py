"""The model in the package as one file of standard operators, run as any other program would."""

from __future__ import annotations

import subprocess
import sys

import infonet
import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.errors import ModelError
from infonet.model.load import load_model
from infonet.model.portable import write_portable
from infonet.pairs.ranking import is_tied, rank_columns

onnx = pytest.importorskip("onnx")

OUTPUTS = ["mi", "quantiles", "score", "tied"]


def open_session(path, threads=1, operators=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    if operators:
        options.register_custom_ops_library(operators)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("portable") / "infonet.onnx"
    write_portable(path)
    return path


@pytest.fixture(scope="module")
def with_table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "infonet.onnx"
    write_portable(path, table=True)
    return path


@pytest.fixture(scope="module")
def portable(path):
    return open_session(path)


@pytest.fixture(scope="module")
def whole(operators):
    """The same model with the kernels as custom operators."""
    return open_session(infonet.load_model().path, operators=operators)


def draw(kind, n, batch=2, seed=0):
    rng = np.random.default_rng([seed, n])
    x = rng.standard_normal((batch, n, 2))
    x[..., 1] += x[..., 0] * np.linspace(0, 5, batch)[:, None]
    if kind == "skewed":
        x = np.exp(3 * x)
    elif kind == "rounded":
        x = np.round(x, 1)
    elif kind == "steps":
        x = np.round(x)
    elif kind == "zeros":
        x[:, : n - n // 4] = 0
    elif kind == "signs of zero":
        x = np.where(np.abs(x) < 0.5, np.copysign(0.0, x), x)
    return x.astype(np.float32)


KINDS = ("normal", "skewed", "rounded", "steps", "zeros", "signs of zero")


def entropy_bound(samples):
    n = samples.shape[1]
    ranked = rank_columns(list(samples.transpose(0, 2, 1).reshape(-1, n)))
    return ranked.entropy.reshape(-1, 2).min(1), is_tied(ranked.entropy, n).reshape(-1, 2).any(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [20, 21, 129, 1000, 5000])
def test_answers_are_the_bytes_of_the_model_with_custom_operators(portable, whole, kind, n):
    """But for the bound by the entropy of tied columns, which that file leaves to the package."""
    samples = draw(kind, n)
    mi, quantiles, score, tied = portable.run(OUTPUTS, {"samples": samples})
    expected = whole.run(OUTPUTS[:3], {"samples": samples})
    bound, has_ties = entropy_bound(samples)
    free = expected[1].max(1) < bound
    np.testing.assert_array_equal(mi[free], expected[0][free])
    np.testing.assert_array_equal(quantiles[free], expected[1][free])
    np.testing.assert_array_equal(score, expected[2])
    np.testing.assert_array_equal(tied, has_ties)
    bounded = np.minimum(expected[1], bound[:, None])
    np.testing.assert_allclose(quantiles, bounded, atol=1e-6)


def test_long_columns_have_the_same_bytes(portable, whole):
    samples = np.concatenate([draw("normal", 100_000, 1), draw("rounded", 100_000, 1)])
    for got, expected in zip(
        portable.run(OUTPUTS[:3], {"samples": samples}),
        whole.run(OUTPUTS[:3], {"samples": samples}),
        strict=True,
    ):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_nothing(path, portable, threads):
    """ScatterND, which could have taken the place of ScatterElements, is wrong here."""
    several = open_session(path, threads)
    for kind in KINDS:
        samples = draw(kind, 3000, 3)
        got, expected = (s.run(OUTPUTS, {"samples": samples}) for s in (several, portable))
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_pair_without_ties_has_the_estimate_of_the_package(portable, estimator):
    for n in (20, 333, 5000):
        samples = draw("normal", n, 5)
        mi, quantiles, _, tied = portable.run(OUTPUTS, {"samples": samples})
        assert not tied.any()
        # ONNX Runtime and the compiled network add in another order
        np.testing.assert_allclose(mi, estimator.mi(samples), rtol=0, atol=1e-5)
        np.testing.assert_allclose(quantiles, estimator.quantiles(samples), rtol=0, atol=1e-5)


def test_a_constant_has_no_mutual_information(portable):
    samples = draw("normal", 200)
    samples[0, :, 1] = 3
    mi, quantiles, _, tied = portable.run(OUTPUTS, {"samples": samples})
    assert mi[0] == 0
    assert (quantiles[0] == 0).all()
    assert list(tied) == [True, False]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_pair_with_a_value_that_is_not_finite_is_nan(portable, bad):
    samples = draw("normal", 200, 3)
    expected = portable.run(OUTPUTS, {"samples": samples})
    samples[1, 7, 0] = bad
    got = portable.run(OUTPUTS, {"samples": samples})
    for a, b in zip(got[:3], expected[:3], strict=True):
        assert np.isnan(a[1]).all()
        np.testing.assert_array_equal(a[[0, 2]], b[[0, 2]])


def test_fewer_samples_than_the_model_needs_are_nan(portable):
    n_min = infonet.load_model().n_min
    assert np.isfinite(portable.run(["mi"], {"samples": draw("normal", n_min)})[0]).all()
    assert np.isnan(portable.run(["mi"], {"samples": draw("normal", n_min - 1)})[0]).all()


def test_the_file_has_standard_operators_and_no_scatter_nd(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain for entry in model.opset_import} == {""}
    assert {node.domain for node in model.graph.node} == {""}
    assert "ScatterND" not in {node.op_type for node in model.graph.node}
    assert [value.name for value in model.graph.output] == OUTPUTS
    read = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read
    assert path.stat().st_size < 1.6e6


def test_the_file_says_what_it_is(path):
    found, own = load_model(path), load_model()
    assert found.graph == "portable"
    for name in ("architecture", "n_min", "n_max", "checkpoint_sha256", "quantile_levels"):
        assert getattr(found, name) == getattr(own, name)
    assert found.null is not None
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = path.with_name("damaged.onnx")
    damaged.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        load_model(damaged)


def test_the_table_on_request(with_table, whole):
    samples = draw("normal", 500)
    got = open_session(with_table).run(["table", "mi"], {"samples": samples})
    for a, b in zip(got, whole.run(["table", "mi"], {"samples": samples}), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_runtime_runs_a_file_with_a_table_and_refuses_one_without(path, with_table, estimator):
    x, y = draw("normal", 300, 1, seed=4)[0].T
    found = infonet.Estimator(model=with_table).estimate(x, y)
    own = estimator.estimate(x, y)
    assert found.mi == pytest.approx(own.mi, abs=1e-5)
    assert found.interval == pytest.approx(own.interval, abs=1e-5)
    assert found.p_value == pytest.approx(own.p_value, rel=1e-3)
    np.testing.assert_allclose(found.table, own.table, rtol=0, atol=1e-4)
    with pytest.raises(ModelError, match="portable file without a table"):
        infonet.Estimator(model=path)


def test_a_portable_file_is_not_made_of_a_portable_file(path, tmp_path):
    with pytest.raises(ModelError, match="has no core"):
        write_portable(tmp_path / "again.onnx", path)
    assert not (tmp_path / "again.onnx").exists()


def test_the_command_writes_the_file_and_describes_it(path, tmp_path):
    target = tmp_path / "new.onnx"
    result = CliRunner().invoke(main, ["info", "--portable", str(target)])
    assert result.exit_code == 0, result.output
    assert "portable" in result.output
    assert target.read_bytes() == path.read_bytes()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--portable", "model.bin"], "must end in .onnx"), (["--table"], "add --portable FILE")],
)
def test_the_command_refuses_wrong_usage(arguments, words):
    result = CliRunner().invoke(main, ["info", *arguments])
    assert result.exit_code == 2
    assert words in result.output


CHILD = """
import sys
from infonet.model.portable import write_portable
write_portable(sys.argv[1])
print({"torch", "onnx", "onnxruntime"} & set(sys.modules))
"""


def test_writing_needs_neither_onnx_nor_torch(tmp_path):
    arguments = [sys.executable, "-c", CHILD, str(tmp_path / "new.onnx")]
    found = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
