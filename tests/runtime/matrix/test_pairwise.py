"""All pairs of columns: which ones, missing values, memory, and what changes no answer."""

from __future__ import annotations

import itertools
import tempfile

import infonet
import numpy as np
import pytest
from infonet.matrix import plan
from infonet.matrix.plan import Pairs
from infonet.matrix.ranks import Coding, encode

NAMES = ["a", "b", "c", "d", "e", "f", "g"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((300, 1)) + rng.standard_normal((300, 7)) * np.linspace(0.3, 2, 7)
    data[:, 3] = np.round(data[:, 3])
    return dict(zip(NAMES, data.T, strict=True))


@pytest.fixture(scope="module")
def gaps(table):
    rng = np.random.default_rng(1)
    holed = {name: column.copy() for name, column in table.items()}
    for name, share in (("b", 0.1), ("d", 0.5), ("f", 0.97)):
        holed[name][rng.random(300) < share] = np.nan
    holed["b"][7] = np.inf
    return holed


def same(a, b):
    for key in ("values", "about", "p_values"):
        assert getattr(a, key).tobytes() == getattr(b, key).tobytes(), key
    np.testing.assert_array_equal(a.n, b.n)
    assert (a.row_names, a.column_names) == (b.row_names, b.column_names)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 2], [3, 4]),
        ([0, 1, 2, 3], [3]),
        ([0, 1, 2, 3], [2, 4, 0, 5]),
        ([0], [1, 2, 3, 4]),
        ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]),
        ([0, 1], [1, 0, 2]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_pairs_against_a_plain_enumeration(rows, columns, size):
    pairs = Pairs(np.array(rows), np.array(columns))
    asked = {frozenset(p) for p in itertools.product(rows, columns) if p[0] != p[1]}
    order = sorted(tuple(sorted(pair)) for pair in asked)
    assert pairs.count == len(order)
    found = pairs.between(0, pairs.count)
    assert [tuple(sorted(pair)) for pair in found.tolist()] == order
    for x, y in found.tolist():
        assert x in rows
        assert y in columns
        if y in rows and x in columns:
            assert x < y
    np.testing.assert_array_equal(pairs.position(found[:, 0], found[:, 1]), np.arange(len(order)))
    np.testing.assert_array_equal(pairs.position(found[:, 1], found[:, 0]), np.arange(len(order)))
    tiles = list(pairs.tiles(size))
    assert all(len(tile.pairs) for tile in tiles)
    together = np.concatenate([tile.pairs for tile in tiles])
    assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, found.tolist()))


def test_entries_are_those_of_single_estimates(estimator, table):
    found = estimator.pairwise(table)
    for i, j in itertools.combinations(range(7), 2):
        single = estimator.estimate(table[NAMES[i]], table[NAMES[j]])
        entry = found[NAMES[i], NAMES[j]]
        assert (entry.mi, entry.interval, entry.p_value) == (
            single.mi,
            single.interval,
            single.p_value,
        )
        assert found.mi[i, j] == found.mi[j, i] == single.mi
        p = found.p_value[i, j]
        assert p == single.p_value or (np.isnan(p) and single.p_value is None)


def test_columns_against_targets(estimator, table):
    full = estimator.pairwise(table)
    found = estimator.pairwise(table, ["a", "b", "c", "e"], targets=["g", "b"])
    assert found.row_names == ("a", "b", "c", "e")
    assert found.column_names == ("g", "b")
    assert found.mi.shape == found.n.shape == found.p_value.shape == (4, 2)
    assert found.quantiles.shape == (4, 2, 3)
    for row, column in itertools.product(found.row_names, found.column_names):
        entry = found.mi[found.row_names.index(row), found.column_names.index(column)]
        if row == column:
            assert np.isnan(entry)
            continue
        assert entry == estimator.estimate(table[row], table[column]).mi
        assert entry == pytest.approx(full[row, column].mi, abs=0.02)  # perhaps turned round
        assert found[row, column].mi == found[column, row].mi == entry
        assert found[row, column].names == (row, column)
    assert len(found.to_long()["x"]) == 7
    assert set(found.to_long()["y"]) == {"g", "b"}
    with pytest.raises(infonet.InputError, match="does not exist"):
        found["a", "c"]


def test_overlap_is_estimated_once(estimator, table, capsys):
    found = estimator.pairwise(table, ["a", "b", "c"], targets=["c", "b", "a"], progress=True)
    assert "/3 [" in capsys.readouterr().err.split("column")[-1]  # the bar of pairs
    assert found.pairs.count == len(found.to_long()["x"]) == 3
    np.testing.assert_array_equal(found.mi[:, ::-1], estimator.pairwise(table, ["a", "b", "c"]).mi)


def test_all_columns_against_one(estimator, table):
    found = estimator.pairwise(table, targets=["d"])
    assert found.mi.shape == (7, 1)
    assert np.isnan(found.mi[3, 0])
    assert found.pairs.count == 6
    assert estimator.pairwise(table, targets=[3]).mi.tobytes() == found.mi.tobytes()


def test_what_makes_no_pair_is_refused(estimator, table):
    for columns, targets in ((["a"], ["a"]), (["a"], None), ([], ["a"]), (["a"], [])):
        with pytest.raises(infonet.InputError, match="two are needed|make no pair"):
            estimator.pairwise(table, columns, targets=targets)
    with pytest.raises(infonet.InputError, match="'z' does not exist"):
        estimator.pairwise(table, targets=["z"])


def test_missing_values_pair_by_pair(estimator, gaps):
    with pytest.warns(infonet.InfoNetWarning, match="fewer than 20 complete rows"):
        found = estimator.pairwise(gaps, nan="omit")
    for i, j in itertools.combinations(range(7), 2):
        x, y = gaps[NAMES[i]], gaps[NAMES[j]]
        keep = np.isfinite(x) & np.isfinite(y)
        assert found.n[i, j] == found.n[j, i] == keep.sum()
        if keep.sum() < 20:
            assert np.isnan(found.mi[i, j])
            continue
        single = estimator.estimate(x[keep], y[keep])
        assert found.mi[i, j] == single.mi
        assert found[i, j].interval == single.interval
        assert found[i, j].p_value == single.p_value
    with pytest.raises(infonet.InputError, match="column 'b' has 2. NaN and 1 infinite|column '"):
        estimator.pairwise(gaps)


@pytest.mark.parametrize("tile", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_tiles_and_threads_change_nothing(estimator, table, gaps, tile, threads):
    other = infonet.Estimator(threads=threads)
    for data, options in ((table, {}), (gaps, {"nan": "omit"}), (table, {"targets": ["b", "g"]})):
        expected = estimator.pairwise(data, **options)
        same(other.pairwise(data, tile=tile, **options), expected)


@pytest.fixture(scope="module")
def large():
    """870 columns of 12,000 rows: 20.9 MB as ranks, and 9.5 MB for the estimates of all pairs.

    Most are constant, so that there is next to nothing to estimate.
    """
    rng = np.random.default_rng(0)
    columns = {str(i): np.full(12_000, float(i)) for i in range(870)}
    columns |= {f"{i}": rng.standard_normal(12_000) for i in (3, 400, 869)}
    columns["400"] += columns["3"]
    return columns


@pytest.mark.parametrize("nan", ["raise", "omit"])
@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_a_low_ceiling_puts_ranks_and_results_into_files(estimator, large, nan, monkeypatch):
    if nan == "omit":
        large = {**large, "3": np.where(large["3"] > 2, np.nan, large["3"])}
    expected = estimator.pairwise(large, nan=nan)
    assert not isinstance(expected.values, np.memmap)
    found = infonet.Estimator(threads=3).pairwise(large, nan=nan, memory="36MB")
    for name in ("values", "about", "p_values", *(["counts"] if nan == "omit" else [])):
        assert isinstance(getattr(found, name), np.memmap), name
    same(found, expected)
    assert expected["3", "400"].mi > 0.2
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    message = "cannot make a temporary file of 21 MB in /nowhere .*: set TMPDIR"  # the ranks
    with pytest.raises(infonet.InputError, match=message):
        estimator.pairwise(large, nan=nan, memory="36MB")


def test_too_little_memory_says_how_much(estimator, table):
    message = r"memory is 1 MB, columns of 300 rows need 33\.56 MB at least: allow more"
    with pytest.raises(infonet.InputError, match=message):
        estimator.pairwise(table, memory="1MB")


@pytest.mark.parametrize(
    ("text", "size"),
    [(5, 5), ("7", 7), ("512MB", 512e6), ("1.5 GiB", 1.5 * 2**30), ("2g", 2e9), ("3kB", 3000)],
)
def test_memory_sizes(text, size):
    assert plan.parse_memory(text) == size


def test_default_memory():
    assert 2**20 < plan.parse_memory(None) <= plan.available_memory()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": "lots"}, "memory is 'lots', allowed are a number of bytes"),
        ({"memory": -1}, "memory is -1"),
        ({"memory": True}, "memory is True"),
        ({"tile": 0}, "tile is 0, allowed are whole numbers from 1"),
        ({"tile": 2.5}, "tile is 2.5"),
        ({"engine": "dask"}, "engine is 'dask', allowed are 'threads' and 'ray'"),
        ({"nan": "drop"}, "nan is 'drop'"),
        (
            {"adjust": "fdr"},
            "method is 'fdr', allowed are 'bonferroni', 'holm', 'fdr_bh', 'fdr_by'",
        ),
        ({"layout": "wide", "output": "x.csv"}, "layout is 'wide'"),
        ({"output": "x.xlsx"}, "output is x.xlsx, allowed are .parquet, .csv and .npy"),
        ({"output": "x.npy", "layout": "long"}, "allowed are .parquet and .csv .long tables"),
    ],
)
def test_options_that_are_not_allowed(estimator, table, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(infonet.InputError, match=message):
        estimator.pairwise(table, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n", [20, 32767, 32768])
@pytest.mark.parametrize("normalize", ["midrank", "over_n", "minmax"])
def test_codes_give_back_the_kernels_ranks(estimator, n, normalize):
    """16 bits where twice n fits; the bytes of the ranks either way."""
    from types import SimpleNamespace

    from infonet.matrix.ranks import Block

    network = SimpleNamespace(model=SimpleNamespace(eps=0), rank_normalization=normalize)
    coding = Coding.of(network, n)
    assert coding.dtype == (np.uint16 if n < 32768 and normalize != "minmax" else np.float32)
    import infonet_kernels

    rng = np.random.default_rng(0)
    for values in (rng.standard_normal(n), rng.integers(0, 5, n), np.ones(n)):
        codes, facts = encode(values, coding, nominal=False, fingerprint=True)
        rows = Block(codes[None], (facts,), coding).rows()
        expected = infonet_kernels.rank_columns([values], normalize)[0]
        assert rows.tobytes() == expected.tobytes()
        assert facts.whole
        assert len(facts.digest) == 32


def test_each_column_is_loaded_once(estimator, table):
    from infonet.inputs.table import ColumnSource

    loads = []

    def load(i):
        loads.append(i)
        return table[NAMES[i]]

    source = ColumnSource(tuple(NAMES), 300, load, ("a was converted",))
    found = estimator.pairwise(source, tile=2)
    assert sorted(loads) == list(range(7))
    assert found.notes == ("a was converted",)
    loads.clear()
    estimator.pairwise(source, ["a", "b"], targets=["c"])
    assert sorted(loads) == [0, 1, 2]


def test_notes_are_logged_and_kept(estimator, table, caplog):
    days = np.datetime64("2020-01-01") + np.arange(300)
    found = estimator.pairwise({**table, "day": days}, targets=["day"])
    assert [record.getMessage() for record in caplog.records] == list(found.notes)
    assert found.notes == ("dates and times are taken as numbers: day",)


def test_model_of_soft_ranks_keeps_values(estimator, table):
    """A model that reads values, not ranks: the same through tiles as alone."""
    from dataclasses import replace

    soft = infonet.Estimator(threads=1)
    soft.engine.backend.model = replace(soft.model, eps=0.5)
    found = soft.pairwise(table, tile=3)
    for i, j in ((0, 1), (2, 6)):
        single = soft.estimate(table[NAMES[i]], table[NAMES[j]])
        assert found.mi[i, j] == single.mi
    assert abs(found.mi[0, 1] - estimator.pairwise(table).mi[0, 1]) > 1e-4
    holed = {**table, "b": np.where(np.arange(300) < 30, np.nan, table["b"])}
    omitted = soft.pairwise(holed, nan="omit")
    assert omitted.mi[0, 1] == soft.estimate(table["a"][30:], table["b"][30:]).mi
    assert omitted.mi[0, 2] == found.mi[0, 2]


def test_module_function_takes_all_options(table):
    found = infonet.pairwise(table, targets=["a"], tile=2)
    assert found.column_names == ("a",)


@pytest.mark.parametrize("threads", [1, 2, 16])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("tile", [32, 2])
def test_plans_stay_below_the_ceiling(threads, gaps, tile):
    """What is held at a time, counted as the plan is carried out, is below the ceiling."""
    for d, n in itertools.product((2, 40, 3000), (100, 5000, 30_000, 100_000, 5_000_000)):
        coding = Coding(np.dtype(np.uint16 if 2 * n < 2**16 else np.float32), False, "midrank")
        sizes = plan.Sizes(Pairs.of(d), n, coding, 3, gaps, tile)
        for ceiling in (10**8, 10**9, 10**10):
            try:
                found = plan.make_plan(sizes, threads, ceiling, None)
            except infonet.InputError:
                assert 56 * n + 2 * 10**7 > ceiling or (gaps and 80 * n + 4 * 10**7 > ceiling)
                continue
            column = n * coding.dtype.itemsize
            kept = 0 if found.spill_ranks else d * column
            kept += 0 if found.spill_result else sizes.pairs.count * (17 + 4 * gaps)
            block = column * found.spill_ranks + 4 * n * (coding.dtype == np.uint16)
            worker = 2 * found.tile * block + 60 * n * gaps
            assert kept + max(found.rankers * 56 * n, found.workers * worker) <= ceiling
            assert 1 <= found.workers <= threads
            assert 1 <= found.tile <= tile
