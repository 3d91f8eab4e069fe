"""Unfinished runs of all pairs: killed, stopped, resumed, damaged, and folders of others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import infonet
import numpy as np
import pytest
from infonet.matrix.plan import Pairs
from infonet.matrix.resume import Manifest, PartialRun
from unfinished import counted_tiles, interrupted, output_is_written, tiles_are_done

CHILD = """
import os, sys, infonet
folder, output, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
log = os.open(folder + "/log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
replace = os.replace
def logged(source, target):
    if "tile-" in os.path.basename(target):
        os.write(log, b"tile\\n")
    replace(source, target)
os.replace = logged
infonet.Estimator(threads=threads).pairwise(folder + "/data.npy", output=output, tile=3)
"""


@pytest.mark.parametrize(("ending", "threads"), [(".parquet", 2), (".csv", 1), (".npy", 3)])
def test_killed_and_resumed(tmp_path, ending, threads):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((400, 24)) + rng.standard_normal((400, 1))
    np.save(tmp_path / "data.npy", data)
    path, log = tmp_path / f"o{ending}", tmp_path / "log"
    infonet.Estimator(threads=1).pairwise(data, output=tmp_path / f"whole{ending}", tile=3)
    command = [sys.executable, "-c", CHILD, str(tmp_path), str(path), str(threads)]
    kills = 0
    for at_least in (1, 12):
        child = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        folder = tmp_path / f"o{ending}.partial"
        while child.poll() is None and time.monotonic() < deadline:
            if len(list(folder.glob("tile-*.npz"))) >= at_least:
                os.kill(child.pid, signal.SIGKILL)
                break
            time.sleep(0.002)
        kills += child.wait() == -signal.SIGKILL
    assert kills == 2
    assert not path.exists()
    subprocess.run(command, check=True, timeout=100)
    assert path.read_bytes() == (tmp_path / f"whole{ending}").read_bytes()
    assert not folder.exists()
    tiles = 8 * 9 // 2
    assert tiles <= log.read_text().count("tile") <= tiles + kills * threads


@pytest.fixture
def stopped(estimator, table, tmp_path):
    """An unfinished run of `table`, three of its five tiles done."""
    path = tmp_path / "o.csv"
    with interrupted(tmp_path / "o.csv.partial", tiles_are_done(3)):
        estimator.pairwise(table, output=path, tile=2)
    assert not path.exists()
    return path


@pytest.fixture
def computed():
    """The tiles that are computed."""
    with counted_tiles() as tiles:
        yield tiles


def test_resume_takes_up_finished_tiles(estimator, table, stopped, computed):
    found = estimator.pairwise(table, output=stopped)  # its tile is that of the stopped run
    assert len(computed) == 2
    assert found.values.tobytes() == estimator.pairwise(table).values.tobytes()


def test_resume_false_starts_over(estimator, table, stopped, computed):
    estimator.pairwise(table, output=stopped, tile=2, resume=False)
    assert len(computed) == 5


def test_what_differs_is_refused(estimator, table, stopped):
    other = {**table, "w": table["w"][::-1], "v": table["v"] ** 2}
    short = {name: column[:-1] for name, column in table.items()}
    renamed = dict(zip("abcde", table.values(), strict=True))
    for data, options, message in (
        (other, {}, "differs in the data of 'w', 'v': pass resume=False .--no-resume"),
        (short, {}, r"differs in the number of rows .200 then, 199 now"),
        (renamed, {}, r"differs in the columns .'x,1'.* and 2 more then, 'a', 'b', 'c' and 2"),
        (table, {"targets": ["z"]}, "differs in the targets"),
        (table, {"nan": "omit"}, "differs in the policy for missing values .raise then, omit now"),
        (table, {"tile": 3}, r"differs in the size of tiles .2 then, 3 now"),
    ):
        with pytest.raises(infonet.InputError, match=message):
            estimator.pairwise(data, output=stopped, **options)
    manifest = Path(f"{stopped}.partial/manifest.json")
    fields = json.loads(manifest.read_text())
    for key, value, message in (
        ("model", "0" * 64, "differs in the model: pass"),
        ("format", 0, "the version of infonet .0 then, 3 now"),
    ):
        manifest.write_text(json.dumps({**fields, key: value}))
        with pytest.raises(infonet.InputError, match=message):
            estimator.pairwise(table, output=stopped)
    digits = fields["content_sha256"]
    for wrong in ("0" * 64, digits[:-1], None, [], digits.upper()):
        manifest.write_text(json.dumps({**fields, "content_sha256": wrong}))
        with pytest.raises(infonet.InputError, match=r"differs in its manifest.* is damaged"):
            estimator.pairwise(table, output=stopped)
    manifest.write_text("{")
    with pytest.raises(infonet.InputError, match="unfinished run that differs"):
        estimator.pairwise(table, output=stopped)


def test_monotone_transforms_are_the_same_data(estimator, table, stopped, computed):
    """The fingerprint is that of what the network reads: ranks."""
    estimator.pairwise({**table, "w": np.exp(table["w"])}, output=stopped)
    assert len(computed) == 2


def test_damaged_tiles_are_computed_again(estimator, table, stopped, computed):
    first, second, third = sorted(Path(f"{stopped}.partial").glob("tile-*.npz"))
    first.write_bytes(first.read_bytes()[:-30])
    second.write_bytes(b"")
    third.write_bytes(third.read_bytes().replace(b"\x93NUMPY", b"\x93NUMPX"))
    (first.parent / f"{first.name}.writing").write_bytes(b"half")
    found = estimator.pairwise(table, output=stopped)
    assert len(computed) == 5
    assert found.values.tobytes() == estimator.pairwise(table).values.tobytes()
    assert not Path(f"{stopped}.partial").exists()


def test_a_changed_byte_of_a_tile_is_never_an_answer(estimator, table, stopped, computed):
    """In the headers of the arrays too: fewer bytes than stored may then be read, without a CRC."""
    expected = estimator.pairwise(table).values.tobytes()
    folder = Path(f"{stopped}.partial")
    tile, manifest = min(folder.glob("tile-*.npz")), folder / "manifest.json"
    whole, rng = tile.read_bytes(), np.random.default_rng(0)
    for place in rng.choice(len(whole), 40, replace=False):
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        tile.write_bytes(changed)
        with PartialRun(stopped) as run:
            run.start(Manifest(**without_hash(json.loads(manifest.read_text()))), resume=True)
            assert run.load(tiles()[tile.name]) is None
            tile.write_bytes(whole)
            assert run.load(tiles()[tile.name]) is not None
    tile.write_bytes(changed)
    del computed[:]
    assert estimator.pairwise(table, output=stopped).values.tobytes() == expected
    assert len(computed) == 3


def tiles():
    """Those of `stopped`, by the names of their files."""
    return {f"tile-{t.first.start}-{t.second.start}.npz": t for t in Pairs.of(5).tiles(2)}


def without_hash(fields):
    return {name: value for name, value in fields.items() if name != "content_sha256"}


def test_tiles_of_another_run_or_place_are_not_taken(estimator, table, stopped, computed):
    folder = Path(f"{stopped}.partial")
    first, second, _ = sorted(folder.glob("tile-*.npz"))
    second.write_bytes(first.read_bytes())
    fields = without_hash(json.loads((folder / "manifest.json").read_text()))
    tile = tiles()[first.name]
    with PartialRun(stopped) as run:
        run.start(Manifest(**fields), resume=True)
        assert run.load(tile) is not None
        content = first.read_bytes()
    other = Manifest(**{**fields, "n": 199})
    with PartialRun(stopped.with_name("p.csv")) as run:
        run.start(other, resume=True)
        (run.folder / first.name).write_bytes(content)
        assert run.load(tile) is None
    found = estimator.pairwise(table, output=stopped)
    assert len(computed) == 3
    assert found.values.tobytes() == estimator.pairwise(table).values.tobytes()


def test_the_tile_of_a_damaged_manifest_is_not_taken(estimator, table, stopped):
    """Whatever size it names: the numbers are those of the data, or there are none."""
    manifest = Path(f"{stopped}.partial/manifest.json")
    fields = json.loads(manifest.read_text())
    for side in (1, 3, 0, -1, 10**30, 1025, True, 2.0, "2", None, [2]):
        manifest.write_text(json.dumps({**fields, "tile": side}))
        with pytest.raises(infonet.InputError, match=r"differs in .* is damaged"):
            estimator.pairwise(table, output=stopped)
    estimator.pairwise(table, output=stopped, resume=False)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


STRANGERS = {
    "file": lambda folder: (folder / "notes.txt").write_text("mine"),
    "file of our name": lambda folder: (folder / "tile-0-0.npz").write_text("mine"),
    "manifest of another program": lambda folder: (folder / "manifest.json").write_text('{"a": 1}'),
    "lock of another program": lambda folder: (folder / "lock").write_text("4711"),
    "folder": lambda folder: (folder / "sub").mkdir(),
    "hidden": lambda folder: (folder / ".git").mkdir(),
}


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_folder_that_infonet_did_not_make_is_not_touched(
    estimator, table, tmp_path, kind, resume
):
    folder = tmp_path / "o.csv.partial"
    folder.mkdir()
    STRANGERS[kind](folder)
    before = contents(folder), sorted(folder.rglob("*"))
    (name,) = (path.name for path in folder.iterdir())
    with pytest.raises(infonet.InputError, match=f"holds '{name}', which infonet did not write"):
        estimator.pairwise(table, output=tmp_path / "o.csv", resume=resume)
    assert (contents(folder), sorted(folder.rglob("*"))) == before
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("resume", [True, False])
def test_strangers_in_our_folder_stay(estimator, table, stopped, resume):
    folder = Path(f"{stopped}.partial")
    (folder / "notes.txt").write_text("mine")
    tiles = len(list(folder.glob("tile-*")))
    with pytest.raises(infonet.InputError, match=r"holds 'notes.txt', which infonet did not"):
        estimator.pairwise(table, output=stopped, resume=resume)
    assert len(list(folder.glob("tile-*"))) == tiles
    (folder / "notes.txt").unlink()
    (folder / "tile-0-0.npz").unlink(missing_ok=True)
    (folder / "tile-0-0.npz").symlink_to(stopped.with_name("elsewhere"))
    with pytest.raises(infonet.InputError, match=r"holds 'tile-0-0.npz', which infonet did not"):
        estimator.pairwise(table, output=stopped, resume=resume)


def test_what_is_put_into_the_folder_meanwhile_stays(estimator, table, tmp_path, caplog):
    path = tmp_path / "o.csv"
    with counted_tiles(then=lambda folder: (folder / "notes.txt").write_text("mine")):
        estimator.pairwise(table, output=path)
    assert path.exists()
    assert contents(tmp_path / "o.csv.partial") == {"notes.txt": b"mine"}
    assert "o.csv.partial stays" in caplog.text


@pytest.mark.parametrize("target", ["full", "empty", "none"])
def test_a_link_in_the_place_of_the_folder_is_refused(estimator, table, tmp_path, target):
    other = tmp_path / target
    if target != "none":
        other.mkdir()
    if target == "full":
        (other / "notes.txt").write_text("mine")
    (tmp_path / "o.csv.partial").symlink_to(other)
    with pytest.raises(infonet.InputError, match=r"o\.csv\.partial.* is a symbolic link, which"):
        estimator.pairwise(table, output=tmp_path / "o.csv", resume=False)
    assert (tmp_path / "o.csv.partial").is_symlink()
    assert contents(tmp_path) == ({"full/notes.txt": b"mine"} if target == "full" else {})


@pytest.mark.parametrize("name", ["", "lock", "manifest.json", "tile-0-0.npz"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "file"])
def test_pipes_and_folders_in_the_place_of_ours(estimator, table, tmp_path, name, kind):
    path = tmp_path / "o.csv.partial"
    if name:
        path.mkdir()
        path /= name
    {"pipe": os.mkfifo, "folder": os.mkdir, "file": lambda p: p.write_bytes(b"mine")}[kind](path)
    if not name and kind == "folder":  # an empty folder holds nothing that could be lost
        estimator.pairwise(table, output=tmp_path / "o.csv")
        assert not path.exists()
        return
    with pytest.raises(infonet.InputError, match="which infonet did not write") as caught:
        estimator.pairwise(table, output=tmp_path / "o.csv")
    assert "\n" not in str(caught.value)
    assert path.exists()


@pytest.mark.parametrize("ending", [".csv", ".npy", ".parquet"])
def test_stopped_while_the_output_is_put_together(estimator, table, tmp_path, computed, ending):
    path, whole = tmp_path / f"o{ending}", tmp_path / f"whole{ending}"
    estimator.pairwise(table, output=whole)
    done = len(computed)
    assert done > 0
    with interrupted(tmp_path / f"o{ending}.partial", output_is_written):
        estimator.pairwise(table, output=path)
    assert not path.exists()
    assert (tmp_path / f"o{ending}.partial" / f"output{ending}").stat().st_size > 0
    estimator.pairwise(table, output=path)
    assert len(computed) == 2 * done
    assert path.read_bytes() == whole.read_bytes()


def test_one_run_at_a_time(estimator, table, stopped):
    with (
        PartialRun(stopped),
        pytest.raises(infonet.InputError, match="another process is writing .*o.csv: wait for it"),
    ):
        estimator.pairwise(table, output=stopped)
    estimator.pairwise(table, output=stopped)
