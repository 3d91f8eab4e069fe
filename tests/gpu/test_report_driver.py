"""The driver of the GPU report with commands that stand in for it: needs no GPU."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "report"
ROOT = FOLDER.parents[2]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def step(name, code, seconds=60.0, **options):
    from parts import Step

    return Step(name, ("{python}", "-c", code), seconds, **options)


def part(number, *steps):
    from parts import Part

    return Part(number, f"part {number}", steps)


def by_step(folder):
    return {entry["step"]: entry for entry in json.loads((folder / "report.json").read_text())}


def has_ended(file):
    """Whether the process with the number in a file ends; the system may take a moment for it."""
    status = Path(f"/proc/{int(file.read_text())}/stat")
    for _ in range(200):
        try:
            if status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_what_fails_is_recorded_and_the_next_step_and_part_run(tmp_path, capsys):
    import driver
    from parts import Step

    parts = (
        part(
            1,
            step("well", "print('all', 'is well')"),
            step("ill", "print('a reason'); raise SystemExit(3)"),
            Step("absent", ("a-program-that-is-not-there",), 5),
            step("skips", "raise SystemExit(5)"),
            step("dies", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
        ),
        part(2, step("later", "print('left out: a rival'); print('| a table |')", show="all")),
    )
    arguments = ["--output", str(tmp_path), "--also", str(tmp_path / "also")]
    assert driver.main(arguments, parts) == 1
    found = by_step(tmp_path)
    assert {name: (e["status"], e["note"]) for name, e in found.items()} == {
        "well": ("passed", ""),
        "ill": ("failed", "exit code 3"),
        "absent": ("could not start", found["absent"]["note"]),
        "skips": ("nothing ran", "all was skipped"),
        "dies": ("failed", "killed by SIGSEGV"),
        "later": ("passed", "1 left out"),
    }
    assert "a-program-that-is-not-there" in found["absent"]["note"]
    assert found["well"]["text"] == "all is well"
    assert (tmp_path / found["ill"]["log"]).read_text() == "a reason\n"
    text = (tmp_path / "report.md").read_text()
    assert "2 of 6 steps passed." in text
    for words in ("a reason", "| a table |", "| 1 | ill | **failed**: exit code 3 |"):
        assert words in text
    assert "2. later: passed (1 left out)" in capsys.readouterr().out
    assert (tmp_path / "also" / "report.md").read_text() == text
    with tarfile.open(tmp_path / "also" / "logs.tar.gz") as archive:
        assert sorted(archive.getnames()) == sorted(p.name for p in tmp_path.glob("*.log"))


def test_a_step_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    import driver

    begun = tmp_path / "begun"

    class Impatient(subprocess.Popen):
        """Its time is over as soon as the step has begun, however slow this machine is."""

        def wait(self, timeout=None):
            if timeout == 500.0:
                while not begun.exists():
                    time.sleep(0.01)
                raise subprocess.TimeoutExpired(self.args, timeout)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Impatient)
    monkeypatch.setattr(driver, "GRACE", 0.1)
    deaf = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({str(begun)!r}).touch()
time.sleep(600)
"""
    code = f"""
import pathlib, subprocess, sys, time
print("begun", flush=True)
child = subprocess.Popen([sys.executable, "-c", {deaf!r}])
pathlib.Path({str(tmp_path / "child")!r}).write_text(str(child.pid))
time.sleep(600)
"""
    parts = (part(1, step("hangs", code, seconds=500.0), step("next", "print(1)")),)
    assert not driver.run(parts, tmp_path)
    found = by_step(tmp_path)
    assert (found["hangs"]["status"], found["hangs"]["text"]) == ("out of time", "begun")
    assert found["next"]["status"] == "passed"
    assert has_ended(tmp_path / "child")


def test_a_step_that_ends_leaves_nothing_running(tmp_path):
    import driver

    code = f"""
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(tmp_path / "child")!r}).write_text(str(child.pid))
"""
    assert driver.run((part(1, step("leaves", code)),), tmp_path)
    assert has_ended(tmp_path / "child")


def test_the_time_of_a_call_cuts_steps_short_and_keeps_what_was_recorded(tmp_path):
    import driver

    parts = (part(1, step("a", "print('first')"), step("b", "print('second')")),)
    assert driver.run(parts, tmp_path)
    assert not driver.run(parts, tmp_path, minutes=0)
    assert {name: entry["text"] for name, entry in by_step(tmp_path).items()} == {
        "a": "first",
        "b": "second",
    }
    assert (tmp_path / "part-1-1.log").read_text() == "first\n"
    assert not driver.run(parts, tmp_path / "new", minutes=0)
    assert {e["status"] for e in by_step(tmp_path / "new").values()} == {"not started"}
    slow = (part(2, step("slow", "import time; time.sleep(600)", seconds=2)),)
    assert not driver.run(slow, tmp_path, minutes=0.05)
    assert by_step(tmp_path)["slow"]["status"] == "out of time"


def test_one_step_again_and_one_report_of_several(tmp_path, capsys):
    import driver

    parts = (
        part(1, step("a", "print('a')"), step("b", "raise SystemExit(1)")),
        part(2, step("c", "import time; time.sleep(600)", seconds=0.5)),
    )
    one, two = tmp_path / "one", tmp_path / "two"
    assert driver.main(["--output", str(one), "--parts", "1"], parts) == 1
    mended = (part(1, parts[0].steps[0], step("b", "print('mended')")), parts[1])
    arguments = ["--output", str(one), "--parts", "1", "--steps", "2", "--seconds", "90"]
    assert driver.main(arguments, mended) == 0
    assert [by_step(one)[name]["text"] for name in "ab"] == ["a", "mended"]
    assert driver.main(["--output", str(two), "--parts", "2"], parts) == 1
    reports = [str(folder / "report.json") for folder in (two, one)]
    assert driver.main(["--join", *reports, "--output", str(tmp_path)], parts) == 0
    assert [(e["part"], e["status"]) for e in by_step(tmp_path).values()] == [
        (1, "passed"),
        (1, "passed"),
        (2, "out of time"),
    ]
    capsys.readouterr()
    for wrong, words in (
        (["--parts", "3"], "invalid choice"),
        (["--parts", "1", "2", "--steps", "1"], "--steps needs one part"),
        (["--parts", "2", "--steps", "2"], "--steps needs one part"),
        (["--join", "nowhere.json"], "no file nowhere.json"),
    ):
        with pytest.raises(SystemExit):
            driver.main(wrong, parts)
        assert words in capsys.readouterr().err


def test_steps_find_the_sources_and_what_was_staged(tmp_path, monkeypatch):
    import driver
    import stage

    libraries = tmp_path / "stage" / "files"
    libraries.mkdir(parents=True)
    for name in stage.LIBRARIES.values():
        (libraries / name).touch()
    absent = tmp_path / "compiled.so"
    monkeypatch.setattr(
        stage,
        "library_variables",
        lambda real=stage.library_variables: real(libraries.parent, absent),
    )
    code = """
import infonet, infonet_export, infonet_kernels, os
print(*(os.path.relpath(m.__file__) for m in (infonet, infonet_export, infonet_kernels)))
print(os.path.basename(os.environ["INFONET_KERNELS_CUDA_LIBRARY"]), os.environ["EXTRA"])
"""
    assert driver.run((part(1, step("where", code, environment={"EXTRA": "1"})),), tmp_path)
    assert by_step(tmp_path)["where"]["text"].splitlines() == [
        "runtime/infonet/__init__.py export/infonet_export/__init__.py "
        "kernels/infonet_kernels/__init__.py",
        "libinfonet_kernels_cuda.so 1",
    ]


def test_steps_find_the_libraries_of_nvidias_wheels(tmp_path, monkeypatch):
    """onnxruntime, staged elsewhere, does not find them by itself."""
    import driver

    wheels = tmp_path / "site-packages"
    for name in ("cu13", "cudnn"):
        (wheels / "nvidia" / name / "lib").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(wheels))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/user")
    code = "import os; print(*os.environ['LD_LIBRARY_PATH'].split(':'), sep='\\n')"
    assert driver.run((part(1, step("where", code)),), tmp_path)
    found = by_step(tmp_path)["where"]["text"].splitlines()
    expected = [str(wheels / "nvidia" / name / "lib") for name in ("cu13", "cudnn")]
    assert found[:3] == ["/of/the/user", *expected]


def test_every_part_fits_a_call_and_every_command_is_there(monkeypatch):
    import driver
    from parts import LONGEST_PART, PARTS

    monkeypatch.syspath_prepend(str(driver.BENCHMARKS))
    import gpu

    assert [entry.number for entry in PARTS] == [1, 2, 3, 4, 5, 6]
    assert all(entry.seconds < LONGEST_PART for entry in PARTS)
    measured = 0
    for given in (given for entry in PARTS for given in entry.steps):
        command = driver.completed(given.command, given.seconds)
        assert not [word for word in command if "{" in word]
        scripts = [word for word in command if word.endswith(".py")]
        assert scripts
        assert all((ROOT / script).is_file() for script in scripts)
        if scripts[-1].endswith("/gpu.py"):
            arguments = command[command.index(scripts[-1]) + 1 :]
            if "--model" in arguments:
                arguments[arguments.index("--model") + 1] = __file__  # a file that is there
            options = gpu.read_options(arguments)  # which ends the program for a wrong one
            assert 0.7 < 60 * options.minutes / given.seconds < 0.9
            measured += 1
    assert measured == 6


def test_without_a_gpu_versions_are_told_all_the_same(capsys, monkeypatch):
    import ceilings
    import driver

    monkeypatch.syspath_prepend(str(driver.BENCHMARKS))
    import gpu

    if gpu.missing_gpu() is None:
        pytest.skip("there is a GPU")
    assert ceilings.main() == 1
    out = capsys.readouterr().out
    assert sys.executable in out
    assert "no ceilings were measured: " in out
