"""Pictures: what is drawn equals the estimate, the files are pictures, errors are clear."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import infonet
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.errors import InputError
from scipy.cluster.hierarchy import average, leaves_list
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

pytest.importorskip("matplotlib", reason="matplotlib (infonet[plot]) is not installed")

from infonet.plotting import (
    DENSITY_CELLS,
    POINTS,
    cluster_order,
    new_figure,
    plot_estimate,
    plot_matrix,
    ranks,
    save_figure,
)

PNG = b"\x89PNG\r\n\x1a\n"


def sample(n, seed=0):
    x, e = np.random.default_rng(seed).normal(size=(2, n))
    return x, np.cos(2 * x) + 0.3 * e


def table(**facts):
    """What a picture of a matrix needs of a result."""
    return SimpleNamespace(given=(), **facts)


def png_size(path):
    content = path.read_bytes()
    assert content.startswith(PNG)
    return tuple(int.from_bytes(content[i : i + 4], "big") for i in (16, 20))


def test_the_table_drawn_is_the_table(estimator):
    x, y = sample(500)
    found = estimator.estimate(x, y, names=("a", "b"))
    left, right, bar = plot_estimate(found, x, y).axes
    (image,) = right.images
    np.testing.assert_array_equal(image.get_array(), found.table.T)  # rows of an image are y
    assert image.origin == "lower"
    assert image.get_extent() == pytest.approx([0, 1, 0, 1])
    low, high = image.get_clim()
    assert low == -high
    assert high == pytest.approx(float(found.table.max()))
    (points,) = left.collections
    np.testing.assert_allclose(
        points.get_offsets(), (rankdata(np.stack([x, y], 1), axis=0) - 0.5) / 500
    )
    for axes in (left, right):
        assert "a" in axes.get_xlabel()
        assert "b" in axes.get_ylabel()
    assert "nats" in bar.get_ylabel()


def test_the_title_is_the_estimate(estimator):
    x, y = sample(300)
    found = estimator.estimate(x, y)
    for unit in ("nats", "bits"):
        figure = plot_estimate(found, x, y, unit=unit)
        assert figure.get_suptitle() == found.describe(unit)
    (image,) = figure.axes[1].images
    np.testing.assert_allclose(image.get_array(), found.table.T / np.log(2), rtol=1e-6)


def test_many_samples_are_drawn_as_a_density(estimator):
    n = POINTS + 1000
    x, y = sample(n)
    left = plot_estimate(estimator.estimate(x, y), x, y).axes[0]
    assert not left.collections
    drawn = np.asarray(left.images[0].get_array())
    assert drawn.shape == (DENSITY_CELLS, DENSITY_CELLS)
    assert drawn.mean() == pytest.approx(1)  # relative to independence
    u, v = ranks(x), ranks(y)
    row, column = 10, 40  # y, x
    inside = (v * DENSITY_CELLS // 1 == row) & (u * DENSITY_CELLS // 1 == column)
    assert drawn[row, column] == pytest.approx(inside.sum() * DENSITY_CELLS**2 / n)


def test_ranks_are_mid_ranks():
    values = np.array([3.0, -1.0, 3.0, 7.0, -np.inf, 3.0])
    np.testing.assert_allclose(ranks(values), (rankdata(values) - 0.5) / 6)
    np.testing.assert_allclose(ranks(np.ones(4)), 0.5)


def test_missing_values_are_left_out(estimator):
    x, y = sample(100)
    x[3], y[50] = np.nan, np.nan
    found = estimator.estimate(x, y, nan="omit")
    (points,) = plot_estimate(found, x, y).axes[0].collections
    assert len(points.get_offsets()) == 98


def test_other_samples_are_refused_and_missing_tables_are_said(estimator):
    x, y = sample(100)
    found = estimator.estimate(x, y)
    with pytest.raises(InputError, match="99 and 100.*made from 100"):
        plot_estimate(found, x[1:], y)
    pair = estimator.pairwise({"x": x, "y": y})["x", "y"]
    right = plot_estimate(pair, x, y).axes[1]
    assert right.get_title() == "no table"
    assert "Pairs of a matrix have no table" in right.texts[0].get_text()


def test_tables_that_begin_below_zero_show_their_upper_part(estimator):
    """The layout of the paper's network: nodes from -1 to 1, samples at 0 to 1."""
    x, y = sample(60)
    table = np.random.default_rng(0).normal(size=(9, 9)).astype(np.float32)
    found = infonet.Estimate(0.5, None, None, 60, table=table)
    image = plot_estimate(found, x, y, positions=np.linspace(-1, 1, 9)).axes[1].images[0]
    np.testing.assert_array_equal(image.get_array(), table[4:, 4:].T)
    assert image.get_extent() == pytest.approx([-0.125, 1.125, -0.125, 1.125])


def test_constant_columns_can_be_drawn(estimator, tmp_path):
    x = np.ones(50)
    with pytest.warns(infonet.InfoNetWarning):
        found = estimator.estimate(x, np.arange(50.0))
    save_figure(plot_estimate(found, x, np.arange(50)), tmp_path / "c.png")
    assert png_size(tmp_path / "c.png")[0] > 800


def test_a_matrix_as_given(estimator):
    rng = np.random.default_rng(0)
    data = dict(zip("abcd", rng.normal(size=(4, 200)), strict=True))
    data["d"] = data["a"] + 0.1 * data["d"]
    result = estimator.pairwise(data)
    axes = plot_matrix(result, order="given").axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), result.mi)
    assert [label.get_text() for label in axes.get_xticklabels()] == list("abcd")
    texts = {(t.get_position()): t.get_text() for t in axes.texts}
    assert texts[(3, 0)] == f"{result.mi[0, 3]:.2f}"
    assert (1, 1) not in texts  # the diagonal is empty


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_matrix_says_what_it_is_given(estimator, count):
    names = [f"condition_{k}" for k in range(count)]
    x, y = sample(200)
    result = replace(estimator.pairwise({"x": x, "y": y}), given=tuple(names))
    expected = {0: "", 1: "given condition_0", 9: "given 9 columns"}[count]
    assert plot_matrix(result).axes[0].get_title() == expected


def test_a_clustered_matrix_is_the_same_matrix(estimator):
    rng = np.random.default_rng(0)
    data = dict(zip("abcdef", rng.normal(size=(6, 200)), strict=True))
    data["d"] = data["a"] + 0.1 * data["d"]
    result = estimator.pairwise(data)
    axes = plot_matrix(result, unit="bits").axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(names) == list("abcdef")
    assert abs(names.index("a") - names.index("d")) == 1
    place = [list("abcdef").index(name) for name in names]
    np.testing.assert_allclose(
        axes.images[0].get_array(), result.mi[np.ix_(place, place)] / np.log(2)
    )


def test_a_matrix_against_targets_keeps_its_order():
    mi = np.arange(6.0).reshape(2, 3)
    result = table(mi=mi, row_names=("a", "b"), column_names=("c", "d", "e"))
    axes = plot_matrix(result).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), mi)
    assert len(axes.get_xticklabels()) == 3


def test_large_and_empty_matrices(tmp_path):
    d = 120
    names = tuple(map(str, range(d)))
    mi = np.random.default_rng(0).random((d, d))
    figure = plot_matrix(table(mi=mi + mi.T, row_names=names, column_names=names))
    assert not figure.axes[0].texts
    width, height = png_size(save_figure(figure, tmp_path / "m.png"))
    assert max(width, height) <= 2500
    none = table(mi=np.full((3, 3), np.nan), row_names=names[:3], column_names=names[:3])
    png_size(save_figure(plot_matrix(none), tmp_path / "n.png"))


def test_names_with_dollar_signs_are_no_formulas(estimator, tmp_path):
    """Every text with names is what was given, whatever stands between its dollars."""
    from matplotlib.cbook import is_math_text
    from matplotlib.text import Text

    x, y = sample(60)
    names = ("$x^$", "Debt ($_2020) in \\$ and $\\frac$")
    found = estimator.estimate(x, y, names=names)
    result = estimator.pairwise({names[0]: x, names[1]: y, "$": x + y})
    for k, figure in enumerate((plot_estimate(found, x, y), plot_matrix(result))):
        save_figure(figure, tmp_path / f"{k}.png")
        shown = ""
        for text in figure.findobj(Text):
            assert is_math_text(text.get_text()) is False
            shown += text.get_text().replace(r"\$", "$") + "\n"
        for name in names:
            assert shown.count(name) >= 2, name  # both axes


def test_names_of_many_columns_are_drawn_in_equal_steps():
    d = 250
    names = tuple(f"column {i}" for i in range(d))
    mi = np.random.default_rng(0).random((d, 3))
    wide = table(mi=mi.T, row_names=names[:3], column_names=names)
    for order in ("given", "clustered"):
        axes = plot_matrix(wide, order=order).axes[0]
        ticks, labels = axes.get_xticks(), [label.get_text() for label in axes.get_xticklabels()]
        assert 50 <= len(labels) <= 80
        assert labels == [names[int(i)] for i in ticks]
        assert set(np.diff(ticks)) == {4}
        assert len(axes.get_yticklabels()) == 3
    square = table(mi=np.kron(np.eye(81), np.ones((2, 2))), row_names=names[:162],
                             column_names=names[:162])  # fmt: skip
    axes = plot_matrix(square).axes[0]
    drawn = np.asarray(axes.images[0].get_array())
    place = [names.index(label.get_text()) for label in axes.get_yticklabels()]
    # what a label stands beside is the row of that name
    for i, tick in zip(place, axes.get_yticks(), strict=True):
        assert drawn[int(tick)].sum() == square.mi[i].sum() == 2
    assert len({i // 2 for i in place}) == len(place)  # one of every so many pairs


def test_normalised_matrices_and_units(estimator):
    x, y = sample(300)
    result = estimator.pairwise({"x": x, "y": y, "z": x + y})
    axes, bar = plot_matrix(result, order="given", normalized=True).axes
    np.testing.assert_array_equal(axes.images[0].get_array(), result.correlation)
    assert axes.images[0].get_clim() == (0, 1)
    assert bar.get_ylabel() == "normalised mutual information"
    with pytest.raises(InputError, match="unit is 'bit'"):
        plot_matrix(result, unit="bit")
    with pytest.raises(InputError, match="unit is 'bit'"):
        plot_estimate(estimator.estimate(x, y), x, y, unit="bit")


def test_the_command_says_what_was_done_to_columns(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"group {'abcdefghijklmnopqrst'[i]},{v:.3f},7" for i, v in
            zip(rng.integers(0, 20, 200), rng.normal(size=200), strict=True)]  # fmt: skip
    path, picture = tmp_path / "g.csv", tmp_path / "g.png"
    path.write_text("g,y,c\n" + "\n".join(rows))
    run = CliRunner().invoke
    columns = [str(path), "--x", "g", "--y", "y"]
    expected = run(main, ["mi", *columns])
    assert "g (20 categories)" in expected.stderr
    found = run(main, ["plot", *columns, "-o", str(picture)])
    assert found.stderr == f"{expected.stderr}wrote {picture}\n"
    plain = json.loads(run(main, ["mi", *columns, "--json"]).stdout)
    found = json.loads(run(main, ["plot", *columns, "-o", str(picture), "--json"]).stdout)
    assert found == {**plain, "picture": str(picture)}
    constant = run(main, ["plot", str(path), "--x", "y", "--y", "c", "-o", str(picture)])
    assert constant.stderr == f"c constant: mutual information is 0\nwrote {picture}\n"
    missing = run(main, ["plot", str(path), "--x", "y", "--y", "z", "-o", str(picture)])
    assert missing.stderr == run(main, ["mi", str(path), "--x", "y", "--y", "z"]).stderr


def test_another_order_is_refused():
    with pytest.raises(InputError, match="'alphabetical'.*'clustered'"):
        plot_matrix(SimpleNamespace(), order="alphabetical")


@pytest.mark.parametrize("d", [0, 1, 2, 3, 17])
def test_cluster_orders_are_permutations(d):
    a = np.random.default_rng(d).random((d, d))
    assert sorted(cluster_order(a + a.T)) == list(range(d))


def test_clusters_are_those_of_scipy():
    """Average linkage: the same groups when the tree is cut into three."""
    rng = np.random.default_rng(0)
    group = rng.permutation(np.repeat([0, 1, 2], [4, 5, 6]))
    similarity = np.where(group[:, None] == group, 1.0, 0.1) + 0.05 * rng.random((15, 15))
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, np.nan)
    distance = 2 - np.nan_to_num(similarity)
    np.fill_diagonal(distance, 0)
    theirs = leaves_list(average(squareform(distance)))
    for order in (theirs, cluster_order(similarity)):
        assert (np.diff(group[order]) != 0).sum() == 2  # each group in one piece


def test_pictures_are_written(estimator, tmp_path):
    x, y = sample(200)
    figure = plot_estimate(estimator.estimate(x, y), x, y)
    path = save_figure(figure, tmp_path / "a.png")
    assert png_size(path) == (1575, 720)
    again = plot_estimate(estimator.estimate(x, y), x, y)
    assert save_figure(again, tmp_path / "b.png").read_bytes() == path.read_bytes()
    assert save_figure(figure, tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in save_figure(figure, str(tmp_path / "a.SVG")).read_bytes()


def test_files_that_cannot_be_written_are_said_so(tmp_path):
    figure = new_figure(2, 2)
    with pytest.raises(InputError, match=r"\.jpg.*\.png, \.pdf and \.svg"):
        save_figure(figure, tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"cannot write .*absent.*No such file"):
        save_figure(figure, tmp_path / "absent" / "a.png")


@pytest.fixture
def csv(tmp_path):
    x, y = sample(200)
    path = tmp_path / "t.csv"
    path.write_text("A,B\n" + "\n".join(f"{a},{b}" for a, b in zip(x, y, strict=True)))
    return path


def test_the_command(csv, tmp_path):
    run = CliRunner().invoke
    arguments = ["plot", str(csv), "--x", "A", "--y", "B", "-o"]
    result = run(main, [*arguments, str(tmp_path / "p.png"), "--bits"])
    assert result.exit_code == 0, result.output
    assert result.stdout == run(main, ["mi", *arguments[1:-1], "--bits"]).stdout
    assert png_size(tmp_path / "p.png") == (1575, 720)
    found = json.loads(run(main, [*arguments, str(tmp_path / "q.png"), "--json"]).stdout)
    assert found["picture"] == str(tmp_path / "q.png")
    assert (found["x"], found["n"]) == ("A", 200)


def test_the_command_refuses_before_it_works(csv, tmp_path):
    result = CliRunner().invoke(
        main, ["plot", str(csv), "--x", "A", "--y", "B", "-o", str(tmp_path / "p.gif")]
    )
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert ".gif" in result.stderr


def test_without_matplotlib_the_command_says_what_to_install(csv, tmp_path):
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"  # importing it now raises
        "from infonet.cli import main\n"
        "main()"
    )
    arguments = ["plot", str(csv), "--x", "A", "--y", "B", "-o", str(tmp_path / "p.png")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'infonet[plot]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_matplotlib_is_imported_only_to_draw():
    code = (
        "import sys, infonet, infonet.plotting\n"
        "x = [i * 0.37 % 1 for i in range(50)]\n"
        "infonet.mutual_information(x, x[::-1])\n"
        "assert 'matplotlib' not in sys.modules\n"
        "infonet.plotting.new_figure(1, 1)\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
