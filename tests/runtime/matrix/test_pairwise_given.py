"""Matrices given columns of the table, and `--given` on the command line."""

from __future__ import annotations

import json

import infonet
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from unfinished import interrupted, output_is_written

N = 1500


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    z, w = rng.normal(size=(2, N))
    a = rng.normal(size=N)
    return {
        "x": z**2 + rng.normal(size=N),
        "y": np.sin(3 * z) + 0.5 * rng.normal(size=N),
        "u": z + w + a,
        "v": z - w + a + 0.5 * rng.normal(size=N),
        "z": z,
        "w": np.round(w, 1),
    }


@pytest.fixture(scope="module")
def holed(table):
    gaps = {name: column.copy() for name, column in table.items()}
    gaps["z"][:30] = np.nan
    gaps["x"][20:60] = np.nan
    return gaps


def values(result):
    return result.values.tobytes(), result.p_values.tobytes(), np.asarray(result.counts).tobytes()


def test_pairs_are_near_the_conditional_estimates(estimator, table):
    result = estimator.pairwise(table, given=["z", "w"])
    assert result.names == ("x", "y", "u", "v")
    assert result.given == ("z", "w")
    assert any("given z, w" in note for note in result.notes)
    given = {name: table[name] for name in ("z", "w")}
    for a, b in (("x", "y"), ("u", "v"), ("x", "u")):
        pair, alone = result[a, b], estimator.estimate(table[a], table[b], given=given)
        assert pair.mi == pytest.approx(alone.mi, abs=0.02 + 0.03 * alone.mi)
        assert pair.given == ("z", "w")
        assert (pair.p_value < 1e-6) == (alone.p_value < 1e-6)
    assert result["u", "v"].mi > 0.3
    assert result["x", "y"].mi < 0.01
    assert str(result["u", "v"]).startswith("MI(u; v | z, w) = ")


def test_continuous_columns_have_no_ties_once_the_condition_is_taken_out(estimator, table):
    result = estimator.pairwise(table, ["x", "y", "u", "v"], given=["z"])
    for a, b in (("x", "y"), ("u", "v"), ("x", "u")):
        assert result[a, b].method == "network"
        assert not any("equal values" in note for note in result[a, b].notes)


def test_tiles_threads_and_positions_change_nothing(estimator, table):
    expected = values(estimator.pairwise(table, given=["z"]))
    assert values(infonet.Estimator(threads=2).pairwise(table, given=[4], tile=1)) == expected
    rows = ["x", "y", "u", "v", "w"]
    assert values(estimator.pairwise(table, rows, given=["z"], memory="100MB")) == expected


def test_targets(estimator, table):
    every = estimator.pairwise(table, given=["z"])
    for columns in (None, ["x", "y"]):
        some = estimator.pairwise(table, columns, targets=["u"], given=["z"])
        assert some["x", "u"].mi == every["x", "u"].mi
        assert some.column_names == ("u",)


def test_rows_without_the_condition_are_left_out(estimator, table, holed):
    with pytest.raises(infonet.InputError, match="column 'z' has 30 NaN"):
        estimator.pairwise(holed, given=["z"])
    result = estimator.pairwise(holed, given=["z"], nan="omit")
    assert result["u", "v"].n == N - 30
    assert result["x", "v"].n == N - 60
    keep = ~np.isnan(holed["z"])
    whole = estimator.pairwise({k: v[keep] for k, v in table.items()}, given=["z"])
    assert result["u", "v"].mi == whole["u", "v"].mi


def test_ties_are_broken_by_the_seed_and_known_columns_are_constant(estimator, table):
    tied = {**table, "r": np.round(table["u"]), "copy": table["z"]}
    with pytest.warns(infonet.InfoNetWarning, match="constant everywhere: copy"):
        first, other = (estimator.pairwise(tied, given=["z"], seed=seed) for seed in (0, 1))
    assert first["r", "v"].mi != other["r", "v"].mi
    assert first["r", "v"].mi == pytest.approx(other["r", "v"].mi, abs=0.03)
    assert first["copy", "u"].mi == 0


def test_levels_of_a_condition_are_taken_apart(estimator):
    """u and v are joined by the season alone, u and w beyond it."""
    rng = np.random.default_rng(1)
    season, noise = rng.integers(0, 4, N), rng.normal(size=(3, N))
    table = {
        "u": season % 2 * 2 + noise[0],
        "v": (season % 2) * 3 + noise[1],
        "w": season + noise[0] + noise[2],
        "season": np.array(["spring", "summer", "autumn", "winter"])[season],
    }
    result = estimator.pairwise(table, given=["season"])
    assert result["u", "v"].mi < 0.005
    assert result["u", "v"].p_value > 1e-3
    assert not result.tied.any()
    assert result["u", "w"].mi == pytest.approx(np.log(2) / 2, abs=0.04)
    alone = estimator.estimate(table["u"], table["w"], given=table["season"])
    assert result["u", "w"].mi == pytest.approx(alone.mi, abs=0.03)
    assert estimator.pairwise(table)["u", "v"].mi > 0.2


def test_a_run_is_bound_to_its_condition(estimator, table, tmp_path):
    output = tmp_path / "out.npy"
    with interrupted(tmp_path / "out.npy.partial", output_is_written):
        estimator.pairwise(table, ["x", "y", "u"], given=["z"], output=output)
    for given, message in ((["w"], "the condition"), (None, "the condition")):
        with pytest.raises(infonet.InputError, match=message):
            estimator.pairwise(table, ["x", "y", "u"], given=given, output=output)
    other = {**table, "z": table["z"] + np.sin(np.arange(N))}
    with pytest.raises(infonet.InputError, match="the data of the condition"):
        estimator.pairwise(other, ["x", "y", "u"], given=["z"], output=output)
    found = estimator.pairwise(table, ["x", "y", "u"], given=["z"], output=output)
    np.testing.assert_array_equal(np.load(output), found.mi)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"given": []}, "given names no column"),
        ({"given": ["no"]}, "given: column 'no' does not exist"),
        ({"given": "z"}, "pass a list of names"),
        ({"given": ["z", "z"]}, "twice"),
        ({"given": ["x", "y", "u", "v", "z"]}, "beside those given"),
        ({"given": ["z"], "targets": ["z"]}, "a target and given"),
    ],
)
def test_what_is_refused(estimator, table, options, message):
    with pytest.raises(infonet.InputError, match=message):
        estimator.pairwise(table, **options)


@pytest.fixture
def file(table, tmp_path):
    path = tmp_path / "table.csv"
    lines = [
        ",".join(table),
        *(",".join(map(repr, map(float, r))) for r in zip(*table.values(), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_mi_of_several_columns_given_others(file, table, estimator):
    x = {name: table[name] for name in ("x", "u")}
    expected = estimator.estimate(x, table["v"], given={"z": table["z"]})
    done = run("mi", file, "--x", "x,u", "--y", "v", "--given", "z", "--terms")
    assert done.exit_code == 0
    first, head, *rows = done.stdout.splitlines()
    assert first.startswith(f"MI(x, u; v | z) = {expected.mi:.4f} nats")
    assert head.split() == ["x", "y", "given", "nats", "p"]
    assert len(rows) == 2
    found = json.loads(run("mi", file, "--x", "x,u", "--y", "v", "--given", "z", "--json",
                           "--bits").stdout)  # fmt: skip
    assert found["mi"] == pytest.approx(expected.bits)
    assert found["given"] == ["z"]
    assert len(found["terms"]) == 2
    bad = run("mi", file, "--x", "x,x", "--y", "v")
    assert bad.exit_code != 0
    assert "names a column twice" in bad.output


def test_matrix_given_columns(file, table, estimator):
    done = run("matrix", file, "--given", "z,w", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["names"] == ["x", "y", "u", "v"]
    assert found["given"] == ["z", "w"]
    assert found["mi"][2][3] == estimator.pairwise(table, given=["z", "w"])["u", "v"].mi
    some = run("matrix", file, "--columns", "x,u", "--given", "z", "--json")
    assert json.loads(some.stdout)["names"] == ["x", "u"]
    assert run("matrix", file, "--given", "no").exit_code != 0
