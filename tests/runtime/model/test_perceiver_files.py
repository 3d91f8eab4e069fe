"""Files of the paper's network: no quantiles, no core, a raw bound, tables with y first."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import infonet
import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.model.load import load_model

pytest.importorskip("onnx")
import fake_perceiver as fake

pytestmark = pytest.mark.usefixtures("operators")  # which these files have inside

NO_TABLE = "no p-value: the model has no null distribution; pass permutations=999, say"

KINDS = {
    "softrank": {"eps": 0.1, "normalize": "minmax"},
    "rank": {"eps": 0.0, "normalize": "over_n"},
}
ROUNDING = 2e-5  # of a float32 mean over a million pairs


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def model(tmp_path_factory, kind):
    return fake.write(tmp_path_factory.mktemp("model") / "paper.onnx", **kind)


@pytest.fixture(scope="module")
def paper(model):
    return infonet.Estimator(model, threads=1)


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.8])
@pytest.mark.parametrize("n", [10, 129, 1151])
def test_numbers_and_table(paper, kind, gaussian, n, rho):
    x, y = gaussian(rho, n)
    mi, table = fake.by_hand(x, y, **kind)
    found = paper.estimate(x, y)
    assert found.mi == pytest.approx(mi, abs=ROUNDING)
    fake.check_table(found.table, table, mi, x, y, **kind)
    assert found.table.flags.c_contiguous
    assert (found.interval, found.p_value) == (None, None)
    assert found.notes == (NO_TABLE,)


def test_negative_bounds_are_kept(paper, kind):
    x = np.linspace(0, 1, 200)
    mi, _ = fake.by_hand(x, -x, **kind)
    assert mi < -0.05
    assert paper.estimate(x, -x).mi == pytest.approx(mi, abs=ROUNDING)
    assert paper.mi(np.stack([x, -x], 1)[None])[0] == paper.estimate(x, -x).mi


@pytest.mark.parametrize("n", [20, 1151])
def test_single_batch_and_pairwise_agree(paper, n):
    data = np.random.default_rng(0).standard_normal((n, 3)).cumsum(axis=1)
    matrix = paper.pairwise(data)
    assert matrix.quantiles.shape == (3, 3, 0)
    pairs = [(0, 1), (0, 2), (1, 2)]
    samples = np.stack([data[:, pair] for pair in pairs])
    for (i, j), mi in zip(pairs, paper.mi(samples), strict=True):
        single = paper.estimate(data[:, i], data[:, j])
        assert single.mi == mi == matrix.mi[i, j] == matrix.mi[j, i]
        assert matrix[i, j].interval is None
        assert matrix[i, j].notes == single.notes
    assert paper.quantiles(samples).shape == (3, 0)
    assert paper.mi(samples[:0]).shape == (0,)


def test_threads_work_within_a_pair(model, paper):
    """Python threads would hold large matrices of several pairs at once; ONNX Runtime's do not."""
    data = np.random.default_rng(0).standard_normal((300, 5))
    started = []
    threading.setprofile(lambda *_: started.append(threading.current_thread().name))
    try:
        before = operating_system_threads()
        several = infonet.Estimator(model, threads=3)
        assert several.mi(data.reshape(2, 150, 5)[..., :2]).shape == (2,)
        assert operating_system_threads() == (None if before is None else before + 2)
        np.testing.assert_allclose(several.pairwise(data).mi, paper.pairwise(data).mi, atol=1e-6)
    finally:
        threading.setprofile(None)
    assert not started


def operating_system_threads():
    """Threads of this process, those of libraries too; None where that is not known."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return None


def test_table_is_not_computed_when_not_asked_for(tmp_path, kind, gaussian, capfd):
    broken = infonet.Estimator(fake.write(tmp_path / "m.onnx", table_fails=True, **kind))
    x, y = gaussian(0.5, 100)
    mi = broken.mi(np.stack([x, y], 1)[None])[0]
    assert mi == pytest.approx(fake.by_hand(x, y, **kind)[0], abs=ROUNDING)
    with pytest.raises(infonet.ModelError, match=r"cannot run .*m\.onnx on .*Gather"):
        broken.estimate(x, y)
    assert capfd.readouterr().err == ""


def test_files_without_the_switch(tmp_path, paper, kind, gaussian):
    plain = infonet.Estimator(fake.write(tmp_path / "m.onnx", switch=False, **kind))
    found, expected = (e.estimate(*gaussian(0.5, 100)) for e in (plain, paper))
    assert found.mi == expected.mi
    assert found.table.tobytes() == expected.table.tobytes()


def test_other_programs_get_the_table(model, paper, kind, operators):
    """The optional input is true by default."""
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(operators)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    samples = np.random.default_rng(0).random((1, 50, 2), np.float32)
    mi, table = session.run(None, {"samples": samples})
    expected = paper.estimate(*samples[0].T)
    assert mi[0] == pytest.approx(expected.mi, abs=1e-6)
    fake.check_table(expected.table, table[0].T, mi[0], *samples[0].T, **kind)


def test_offsets_and_scales(paper, gaussian):
    x, y = gaussian(0.5, 400)
    expected = paper.estimate(x, y).mi
    assert paper.estimate(x + 1e6, y * 1e200).mi == pytest.approx(expected, abs=1e-5)
    assert paper.estimate(x.astype(np.float32), y[::-1][::-1]).mi == pytest.approx(
        expected, abs=1e-5
    )


def test_constant_columns(paper):
    x = np.arange(50.0)
    with pytest.warns(infonet.InfoNetWarning, match="y constant"):
        found = paper.estimate(x, np.ones(50))
    assert (found.mi, found.interval) == (0.0, None)
    with pytest.warns(infonet.InfoNetWarning):
        assert paper.pairwise({"a": x, "b": np.ones(50)})["a", "b"].interval is None
    with pytest.warns(infonet.InfoNetWarning):
        assert paper.mi(np.ones((2, 50, 2))).tolist() == [0, 0]


def test_missing_values_in_a_matrix(paper):
    data = np.random.default_rng(3).random((60, 3))
    data[:20, 1], data[:55, 2] = np.nan, np.nan
    with pytest.warns(infonet.InfoNetWarning, match=r"2 pair\(s\) have fewer"):
        found = paper.pairwise(data, nan="omit")
    assert found.mi[0, 1] == paper.estimate(data[:, 0], data[:, 1], nan="omit").mi
    assert np.isnan(found.mi[0, 2])
    assert found[0, 2].interval is None


def test_text_and_plain_values(paper, gaussian):
    x, y = gaussian(0.5, 100)
    single, matrix = paper.estimate(x, y), paper.pairwise({"x": x, "y": y})
    assert str(single) == f"MI(x, y) = {single.mi:.4f} nats, n = 100"
    assert json.loads(json.dumps(single.to_dict()))["interval"] is None
    fields = json.loads(json.dumps(matrix.to_dict("bits")))
    assert (fields["low"], fields["high"]) == (None, None)
    assert fields["mi"][0][1] == single.bits
    assert matrix.interval is None
    assert matrix.to_dataframe().loc["x", "y"] == single.mi


def test_commands(model, paper, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "t.npy", rng.standard_normal((80, 2)))
    expected = paper.estimate(*np.load(tmp_path / "t.npy").T)

    def run(*arguments):
        result = CliRunner().invoke(main, [*map(str, arguments)])
        assert result.exit_code == 0, result.output
        return result

    mi = ("mi", tmp_path / "t.npy", "--x", 0, "--y", 1, "--model", model)
    assert run(*mi).stdout == f"MI(0, 1) = {expected.mi:.4f} nats, n = 80\n"
    assert run(*mi).stderr == f"{NO_TABLE}\n"
    assert json.loads(run(*mi, "--json").stdout)["interval"] is None
    matrix = ("matrix", tmp_path / "t.npy", "--model", model)
    assert f"  0 - 1  {expected.mi:.3f} nats\n" in run(*matrix).stdout
    assert json.loads(run(*matrix, "--json").stdout)["low"] is None
    run(*matrix, "-o", tmp_path / "m.csv")
    assert f"{expected.mi:.8g}" in (tmp_path / "m.csv").read_text()
    lines = dict(line.split(maxsplit=1) for line in run("info", model).stdout.splitlines())
    assert lines["architecture"] == "perceiver"
    assert lines["histogram"].startswith("none")
    assert lines["table"] == "9 x 9 nodes from -1 to 1"
    assert lines["p-values"] == "none"


def test_table_positions(model):
    np.testing.assert_array_equal(load_model(model).table_positions, fake.NODES)
    cells = load_model().table_positions
    assert cells[0] == 0.5 / cells.size
    np.testing.assert_allclose(np.diff(cells), 1 / cells.size)


def test_core_beside_is_never_used(model, tmp_path, caplog, gaussian):
    whole = shutil.copy(model, tmp_path / "paper.onnx")
    core = fake.write(tmp_path / "paper.core.onnx", **{"infonet.graph": "core"})
    found = infonet.Estimator(whole).estimate(*gaussian(0.5, 100))
    assert found.mi == infonet.Estimator(model).estimate(*gaussian(0.5, 100)).mi
    assert caplog.text == ""
    with pytest.raises(infonet.ModelError, match=r"is the core of a perceiver .* paper\.onnx$"):
        infonet.Estimator(core)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"infonet.quantile_levels": "[0.5]"}, "malformed metadata .*do not increase"),
        ({"infonet.quantile_levels": "[0.1, 0.9]"}, "has outputs .*expected .*quantiles"),
        ({"infonet.table_layout": "[]"}, "malformed metadata"),
        ({"infonet.table_layout": '{"low": -1, "high": 1}'}, "lacks .*'first_axis'"),
        (
            {"infonet.table_layout": '{"first_axis": "z", "low": -1, "high": 1}'},
            "first axis of the table is 'z', allowed are 'x' and 'y'",
        ),
        ({"infonet.table_layout": '{"first_axis": "y", "low": 1, "high": 1}'}, "run from 1 to 1"),
    ],
)
def test_bad_metadata(tmp_path, changes, message):
    path = fake.write(tmp_path / "m.onnx", **changes)
    with pytest.raises(infonet.ModelError, match=message):
        infonet.Estimator(path)
