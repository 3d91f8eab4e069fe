"""The bundle for a GPU machine without a network: cut, carried in groups, joined and installed."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "report"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def wheel_of(folder, name, version, content=b""):
    """A wheel of one module that knows its version, and of a file of some size."""
    module = re.sub(r"[-.]", "_", name)
    info = f"{module}-{version}.dist-info"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{module}.py", f"version = {version!r}\n")
        archive.writestr(f"{module}_data.bin", content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes a bundle of a library, a small wheel, a large one and one that is cut, in groups of at
    most 3,000 bytes; its folder; the library."""
    import bundle

    source = tmp_path / "source"
    source.mkdir()
    library = source / "libinfonet_kernels.so"
    library.write_bytes(b"first")
    wheels = [
        wheel_of(source, "a-small-one", "1.2"),
        wheel_of(source, "a.large-one", "2.0", noise(2000, 1)),
        wheel_of(source, bundle.SPLIT, "1.31", noise(8000, 2)),
    ]
    output = tmp_path / "bundle"
    least = {"a.large-one": "1.5"}

    def make():
        return bundle.assemble([library], wheels, least, 3000, output)

    monkeypatch.setattr(bundle, "SMALL", 1500)
    monkeypatch.setattr(bundle, "PYTHON", "{}.{}".format(*sys.version_info))
    return make, output, library


def carry(output, group, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(output / group, target / group)


def imported(site, module):
    code = f"import {module}; print({module}.version, {module}.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("size", [1, 2999, 3000, 3001, 2_500_000])
def test_a_file_is_cut_and_joined(tmp_path, size):
    import bundle
    import stage

    path = tmp_path / "whole.whl"
    path.write_bytes(noise(size))
    parts = bundle.split(path, 3000 if size < 10_000 else 1_100_000, tmp_path)
    assert len(parts) == {1: 1, 2999: 1, 3000: 1, 3001: 2, 2_500_000: 3}[size]
    sizes = [part.stat().st_size for part in parts]
    assert (sum(sizes), max(sizes) - min(sizes) <= len(parts)) == (size, True)
    wheel = {"wheel": "whole.whl", "parts": [p.name for p in parts], "sha256": stage.sha256(path)}
    path.unlink()
    if len(parts) > 1:
        moved = parts[-1].rename(tmp_path / "elsewhere")
        assert stage.join(wheel, tmp_path) is None
        moved.rename(parts[-1])
    assert stage.join(wheel, tmp_path).read_bytes() == noise(size)
    path.unlink()
    parts[0].write_bytes(b"?" + parts[0].read_bytes()[1:])
    with pytest.raises(stage.DamagedError, match=r"whole\.whl cannot be joined"):
        stage.join(wheel, tmp_path)
    assert not path.exists()


def test_groups_fit_beside_the_repository(tmp_path):
    import bundle

    sizes = {"a": 50, "b": 30, "c": 40, "d": 20, "e": 60}
    groups = bundle.packed(sizes, 100)
    assert sorted(name for group in groups for name in group) == sorted(sizes)
    assert max(sum(sizes[name] for name in group) for group in groups) <= 100
    assert len(groups) == 2
    with pytest.raises(ValueError, match="e has 60 bytes, a group at most 59"):
        bundle.packed(sizes, 59)
    assert bundle.room(64 << 20, 10 << 20) == 52 << 20
    assert bundle.room(1 << 30, 0) == 60_000_000
    with pytest.raises(ValueError, match="--limit-mib"):
        bundle.room(64 << 20, 60 << 20)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/build/\n")
    (tmp_path / "new").write_bytes(bytes(500))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "large").write_bytes(bytes(10_000))
    assert bundle.tree_bytes(tmp_path) == 500 + len("/build/\n")


def test_what_is_fetched_is_what_the_project_names():
    import bundle

    found = bundle.requirements()
    assert set(found) == set(bundle.WANTED)
    assert "onnxruntime" not in found
    assert "torch" not in found
    assert {name: found[name] for name in ("narwhals", "onnxruntime-gpu", "cuda-core")} == {
        "narwhals": "2.0",
        "onnxruntime-gpu": "1.31",
        "cuda-core": "1.0",
    }


def test_versions_are_compared_by_number(tmp_path):
    import stage

    for name, version in (("Old.One", "1.9.9"), ("new_one", "1.10")):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    wheels = {
        "old-one": {"least": "1.10", "always": False},
        "new-one": {"least": "1.10.0", "always": False},
        "absent": {"least": "0", "always": False},
    }
    assert stage.lacking(wheels, [str(tmp_path)]) == ["old-one", "absent"]
    wheels["new-one"]["always"] = True
    assert stage.lacking(wheels, [str(tmp_path)]) == ["old-one", "new-one", "absent"]


def test_a_bundle_is_carried_group_by_group(tmp_path, made, monkeypatch):
    import stage

    make, output, library = made
    groups = make()
    assert list(groups) == ["base", "onnxruntime-1", "onnxruntime-2", "onnxruntime-3", "more-1"]
    for group in groups:
        files = [path for path in (output / group).iterdir() if path.name != stage.CONTENTS]
        assert sum(path.stat().st_size for path in files) <= 3000
    there, target = tmp_path / "there", tmp_path / "carried"
    rest = {name for name in groups if name != "base"}
    for group in ("onnxruntime-2", "base", "onnxruntime-3", "more-1", "onnxruntime-1"):
        carry(output, group, target)
        contents = stage.take(target, there)
        missing = stage.staged(contents, there, [])
        rest.discard(group)
        if group == "onnxruntime-2":
            assert set(missing) == rest | {"base"}
            assert imported(there / "site", "a_small_one") == []
        else:
            assert set(missing) == rest
            version, file = imported(there / "site", "a_small_one")
            assert (version, Path(file).parent) == ("1.2", there / "site")
    assert imported(there / "site", "onnxruntime_gpu")[0] == "1.31"
    assert imported(there / "site", "a_large_one")[0] == "2.0"
    assert (there / "site" / "onnxruntime_gpu_data.bin").read_bytes() == noise(8000, 2)

    # A newer bundle replaces what has changed; nothing is installed twice.
    monkeypatch.setattr(stage, "install", None)
    library.write_bytes(b"mended")
    make()
    carry(output, "base", target)
    assert stage.staged(stage.take(target, there), there, []) == []
    assert (there / "files" / "libinfonet_kernels.so").read_bytes() == b"mended"


def test_what_the_machine_has_need_not_be_carried(tmp_path, made):
    import stage

    make, output, _ = made
    groups = make()
    machine = tmp_path / "machine"
    stage.install([output / "more-1" / groups["more-1"][0]], machine)
    carry(output, "base", tmp_path / "carried")
    there = tmp_path / "there"
    contents = stage.take(tmp_path / "carried", there)
    assert set(stage.staged(contents, there, [str(machine)])) == {
        f"onnxruntime-{number}" for number in (1, 2, 3)
    }


def test_a_damaged_group_is_to_be_carried_again(tmp_path, made, capsys):
    import stage

    make, output, _ = made
    make()
    there, target = tmp_path / "there", tmp_path / "carried"
    arguments = ["--bundle", str(target), "--stage", str(there)]
    assert stage.main(arguments) == 1
    assert "no group with contents.json" in capsys.readouterr().err
    carry(output, "onnxruntime-2", target)
    (part,) = (target / "onnxruntime-2").glob("*.02-of-03")
    part.write_bytes(part.read_bytes()[:-1])  # a transfer that broke off
    assert stage.main(arguments) == 1
    assert "(group onnxruntime-2); carry these groups again" in capsys.readouterr().err
    carry(output, "onnxruntime-2", target)
    assert stage.main(arguments) == 0
    out = capsys.readouterr().out
    assert out.endswith("still to be carried: base, onnxruntime-1, onnxruntime-3, more-1\n")
    (kept,) = (there / "files").glob("*.02-of-03")
    assert stage.is_whole(kept, stage.read_contents(there / stage.CONTENTS).files[kept.name])


def test_another_python_is_refused(tmp_path, made, capsys, monkeypatch):
    import stage

    make, output, _ = made
    make()
    monkeypatch.setattr(stage, "PYTHON", "3.1")
    there = tmp_path / "there"
    assert stage.main(["--bundle", str(output), "--stage", str(there)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("this is Python 3.1, the bundle is for 3.")
    assert err.count("\n") == 1
    assert not (there / "site").exists()


def test_every_group_has_the_whole_list(made):
    import stage

    make, output, _ = made
    groups = make()
    lists = {(output / group / stage.CONTENTS).read_text() for group in groups}
    assert len(lists) == 1
    files = json.loads(lists.pop())["files"]
    assert {name: entry["group"] for name, entry in files.items()} == {
        name: group for group, names in groups.items() for name in names
    }
    assert all(stage.is_whole(output / e["group"] / name, e) for name, e in files.items())


def test_the_libraries_are_those_that_came_last(tmp_path):
    import stage

    assert stage.library_variables(tmp_path, tmp_path / "compiled.so") == {}
    cpu, cuda = (tmp_path / "files" / name for name in stage.LIBRARIES.values())
    cpu.parent.mkdir()
    compiled = tmp_path / "compiled.so"
    for time, path in enumerate((cpu, cuda, compiled)):
        path.touch()
        os.utime(path, (time, time))
    found = stage.library_variables(tmp_path, compiled)
    assert list(found.values()) == [str(cpu), str(compiled)]
    os.utime(cuda, (9, 9))  # carried again
    found = stage.library_variables(tmp_path, compiled)
    assert list(found.values()) == [str(cpu), str(cuda)]
    cuda.unlink()
    found = stage.library_variables(tmp_path, compiled)
    assert found["INFONET_KERNELS_CUDA_LIBRARY"] == str(compiled)


def test_the_library_that_pytorch_brings_gets_the_name_that_linkers_look_for(tmp_path):
    import stage

    library = tmp_path / "site" / "nvidia" / "cu13" / "lib" / "libcudart.so.13"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"ELF")
    paths = ["", str(tmp_path / "nowhere"), str(tmp_path / "site")]
    for _ in range(2):  # also where it was done before
        folder = stage.linkable("libcudart.so", tmp_path / "links", paths)
        assert (folder / "libcudart.so").read_bytes() == b"ELF"
    assert stage.linkable("libcudart.so", tmp_path / "links", paths[:2]) is None


def test_what_cannot_be_bundled_is_told_in_one_line(tmp_path, capsys):
    import bundle

    output = tmp_path / "bundle"
    library = tmp_path / "lib.so"
    library.touch()
    for arguments, words in (
        (["--cuda-library", str(tmp_path / "none.so")], "run  make cuda"),
        (["--cuda-library", str(library), "--limit-mib", "1"], "give a larger --limit-mib"),
        (["--cuda-library", str(library), "--wheels", str(library)], "lib.so is not a wheel"),
    ):
        assert bundle.main([*arguments, "--output", str(output)]) == 1
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == 1
    assert not output.exists()


def test_distributions_may_share_a_folder_and_new_versions_replace_old_ones(tmp_path):
    import stage

    site = tmp_path / "site"

    def wheel(name, version, *files):
        info = f"{name}-{version}.dist-info"
        path = tmp_path / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.writestr(file, version)
            archive.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
            record = [*files, f"{info}/METADATA", f"{info}/RECORD"]
            archive.writestr(f"{info}/RECORD", "".join(f"{line},,\n" for line in record))
        return path

    def there():
        return {str(p.relative_to(site)): p.read_text() for p in site.rglob("*.py")}

    stage.install([wheel("shared_one", "1", "cuda/one.py", "cuda/gone.py")], site)
    stage.install([wheel("shared_two", "1", "shared_two-1.data/platlib/cuda/two.py")], site)
    assert there() == {"cuda/one.py": "1", "cuda/gone.py": "1", "cuda/two.py": "1"}
    stage.install([wheel("shared_one", "2", "cuda/one.py")], site)
    assert there() == {"cuda/one.py": "2", "cuda/two.py": "1"}
    wheels = {"shared-one": {"least": "2", "always": False}}
    assert stage.lacking(wheels, [str(site)]) == []
