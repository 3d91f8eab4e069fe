"""Run the parts of the GPU report one after another, and write one report of all.

    python tests/gpu/report/driver.py [--parts 1 2] [--minutes 9] [--also FOLDER]
    python tests/gpu/report/driver.py --parts 3 --steps 3 --seconds 450
    python tests/gpu/report/driver.py --join one/report.json two/report.json

A step that fails, hangs or cannot start is recorded, and the next one runs. What earlier calls
recorded stays: a step that runs again replaces itself alone. report.md, report.json and logs are in
build/gpu-report after every step, so that a call that is cut off loses one step. Needs nothing but
Python; the exit code is 0 if every step that ran passed, else 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import document
import stage
from parts import PARTS, Part, Step

ROOT = Path(__file__).resolve().parents[3]
BENCHMARKS = ROOT / "benchmarks"
OUTPUT = ROOT / "build" / "gpu-report"
NOTHING_RAN = 5  # pytest's exit code when all is skipped
GRACE = 3.0  # seconds from asking a step to end to ending it
SHOWN = 12_000  # characters of a step's output in the report
TAIL = 25  # lines


@dataclass(frozen=True)
class Result:
    """How a step ended. status: "passed", "failed", "out of time", "nothing ran" (all tests were
    skipped, which is no pass), "could not start", or "not started" (no time was left)."""

    part: int
    title: str
    number: int
    step: str
    status: str
    note: str
    seconds: float
    command: str
    log: str
    text: str


class Clock:
    """Time left of the whole call; without a limit as much as is asked for."""

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    def left(self) -> float:
        return float("inf") if self._end is None else self._end - time.monotonic()


def environment() -> dict[str, str]:
    """Of every step: the sources in place, then what was staged; see stage.py."""
    variables = {**os.environ, **stage.library_variables()}
    folders = [str(ROOT / name) for name in ("kernels", "runtime", "export")]
    folders += [str(stage.SITE), os.environ.get("PYTHONPATH", "")]
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    libraries = [*map(str, stage.nvidia_folders(sys.path)), "/usr/local/cuda/lib64"]
    libraries = [os.environ.get("LD_LIBRARY_PATH", ""), *libraries]
    variables["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, libraries))
    variables["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/cuda/bin"])
    variables["PYTHONUNBUFFERED"] = "1"
    return variables


def run_part(
    part: Part, folder: Path, clock: Clock, chosen: Sequence[int] = ()
) -> Iterator[Result]:
    """Every step of a part, or those of ``chosen`` numbers, each result as it comes."""
    for number, step in enumerate(part.steps, 1):
        if chosen and number not in chosen:
            continue
        log = folder / f"part-{part.number}-{number}.log"
        seconds = min(step.seconds, clock.left())
        if seconds < min(5.0, step.seconds):
            yield _result(part, step, "not started", "no time was left")
            continue
        yield run_step(part, step, log, seconds)


def run_step(part: Part, step: Step, log: Path, seconds: float) -> Result:
    """One step in a process group of its own, of which nothing is left running."""
    started = time.monotonic()
    variables = {**environment(), **step.environment}
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(
                completed(step.command, seconds),
                cwd=ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return _result(part, step, "could not start", str(error))
        try:
            code = process.wait(seconds)
            status, note = _status(code)
        except subprocess.TimeoutExpired:
            status, note = "out of time", f"ended after {seconds:.0f} s"
        finally:
            _end(process)
    return _result(part, step, status, note, log, time.monotonic() - started)


def completed(command: Sequence[str], seconds: float) -> list[str]:
    """A command with its places filled in, for a step that gets so many seconds."""
    places = {
        "python": sys.executable,
        "report": str(Path(__file__).parent.relative_to(ROOT)),
        "benchmarks": str(BENCHMARKS.relative_to(ROOT)),
        "staged": str(stage.FILES.relative_to(ROOT)),
        "minutes": f"{0.8 * seconds / 60:.2f}",
    }
    return [re.sub(r"\{(\w+)\}", lambda found: places[found[1]], word) for word in command]


def _status(code: int) -> tuple[str, str]:
    if code == 0:
        return "passed", ""
    if code == NOTHING_RAN:
        return "nothing ran", "all was skipped"
    if code < 0:
        return "failed", f"killed by {signal.Signals(-code).name}"
    return "failed", f"exit code {code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the group: first asked to, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _result(
    part: Part,
    step: Step,
    status: str,
    note: str,
    log: Path | None = None,
    seconds: float = 0.0,
) -> Result:
    text = "" if log is None else log.read_text(errors="replace")
    lines = text.rstrip().splitlines()
    left_out = sum(line.startswith("left out:") for line in lines)  # as gpu.py says it
    if left_out:
        note = ", ".join(filter(None, [note, f"{left_out} left out"]))
    if step.show == "tail" or status != "passed":
        lines = lines[-TAIL:]
    return Result(
        part=part.number,
        title=part.title,
        number=1 + part.steps.index(step),
        step=step.name,
        status=status,
        note=note,
        seconds=round(seconds, 1),
        command=" ".join(step.command),
        log="" if log is None else log.name,
        text="\n".join(lines)[-SHOWN:],
    )


def read(path: Path) -> list[dict[str, Any]]:
    """Results that were written before; none if there is no file."""
    if not path.is_file():
        return []
    found = json.loads(path.read_text())
    if not isinstance(found, list):
        raise SystemExit(f"{path} is not a report.json: expected a list; delete it")
    return found


def merged(*reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of every step the last report that has it, in order. A step that was not started replaces
    none that was."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for entry in (entry for report in reports for entry in report):
        key = (entry["part"], entry["number"])
        if entry["status"] != "not started" or key not in found:
            found[key] = entry
    return [found[key] for key in sorted(found)]


def write(results: list[dict[str, Any]], folder: Path, also: Path | None = None) -> None:
    """report.json and report.md; also there, with the logs as one archive."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("report.json", json.dumps(results, indent=1)),
        ("report.md", document.markdown(results)),
    ):
        partial = folder / f"{name}.partial"
        partial.write_text(text)
        partial.replace(folder / name)
        if also is not None:
            also.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / name, also / name)
    if also is not None:
        with tarfile.open(also / "logs.tar.gz", "w:gz") as archive:
            for log in sorted(folder.glob("part-*.log")):
                archive.add(log, log.name)


def run(
    parts: Iterable[Part],
    folder: Path,
    minutes: float | None = None,
    also: Path | None = None,
    chosen: Sequence[int] = (),
) -> bool:
    """Run parts, record them beside those of earlier calls; whether every step passed."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = Clock(minutes)
    earlier = read(folder / "report.json")
    done: list[dict[str, Any]] = []
    for part in parts:
        print(f"\n== part {part.number}: {part.title}", flush=True)
        for result in run_part(part, folder, clock, chosen):
            done.append(asdict(result))
            write(merged(earlier, done), folder, also)
            print(document.line(done[-1]), flush=True)
    return all(entry["status"] == "passed" for entry in done)


def main(arguments: list[str] | None = None, parts: tuple[Part, ...] = PARTS) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = [part.number for part in parts]
    parser.add_argument("--parts", type=int, nargs="+", choices=numbers, default=numbers)
    parser.add_argument("--steps", type=int, nargs="+", default=[], help="of one part, from 1")
    parser.add_argument("--seconds", type=float, help="for each step, instead of its own limit")
    parser.add_argument("--minutes", type=float, help="for all of this call; at these it ends")
    parser.add_argument("--list", action="store_true", help="no run: print parts and limits")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of report and logs")
    parser.add_argument("--also", type=Path, help="a folder for copies of them")
    parser.add_argument("--join", type=Path, nargs="+", help="no run: one report of several")
    options = parser.parse_args(arguments)
    if options.join:
        for path in options.join:
            if not path.is_file():
                parser.error(f"there is no file {path}")
        write(merged(*map(read, options.join)), options.output, options.also)
        print(f"wrote {options.output / 'report.md'}")
        return 0
    chosen = [part for part in parts if part.number in options.parts]
    if options.steps and not (
        len(chosen) == 1 and set(options.steps) <= set(range(1, len(chosen[0].steps) + 1))
    ):
        parser.error("--steps needs one part (--parts 3), and numbers of its steps (see --list)")
    if options.seconds is not None:
        chosen = [
            replace(part, steps=tuple(replace(s, seconds=options.seconds) for s in part.steps))
            for part in chosen
        ]
    if options.list:
        print(document.overview(chosen))
        return 0
    passed = run(chosen, options.output, options.minutes, options.also, options.steps)
    print(f"\nwrote {options.output / 'report.md'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
