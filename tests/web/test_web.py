"""The page in the browser (web/): its modules in Node and itself in Chromium, against the package.

What the page has to say is computed by the package in this run. `make test-web` installs what the
tests need; without Node, its packages or Chromium they are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
HERE = Path(__file__).parent
WEATHER = ROOT / "runtime" / "infonet" / "data" / "seattle-weather.csv"
NODE = shutil.which("node")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.skipif(
        not (WEB / "node_modules" / "onnxruntime-web").is_dir(),
        reason="the packages of web/ are not installed: make web",
    ),
]


def python(*arguments: str | Path) -> str:
    """Run a script with this Python and one thread."""
    command = [sys.executable, "-W", "ignore", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stderr
    return found.stdout


def node(folder: Path, *names: str) -> None:
    """Run tests with Node's runner; what the package says is in `folder`."""
    assert NODE is not None
    command = [NODE, "--test", *(str(WEB / "test" / f"{name}.test.js") for name in names)]
    environment = {**os.environ, "INFONET_WEB_ANSWERS": str(folder)}
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for answers, removed afterwards: they are some ten megabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_random_numbers_are_those_of_numpy(folder: Path) -> None:
    python(HERE / "numpy_draws.py", folder / "draws.json")
    node(folder, "random")


def test_files_are_read_as_the_package_reads_them(folder: Path) -> None:
    python(HERE / "csv_files.py", folder / "csv")
    node(folder, "csv")


def test_pairs_of_all_kinds_have_the_estimates_of_the_package(folder: Path) -> None:
    python(HERE / "random_tables.py", folder / "tables")
    node(folder, "pairs")


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}")
def test_the_page_in_chromium_has_the_numbers_of_the_command_line(folder: Path) -> None:
    build = ["npm", "--prefix", str(WEB), "run", "--silent", "build"]
    built = subprocess.run(build, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    matrix = ["-m", "infonet", "matrix", "--format", "long", "--json", "--nan", "omit"]
    large = folder / "large.csv"
    random = np.random.default_rng(0)
    columns = random.normal(size=(4000, 30)) + random.normal(size=(4000, 1))
    columns[:, 20:] = columns[:, 20:].round(1)
    head = ",".join(f"v{i}" for i in range(30))
    np.savetxt(large, columns, "%.9g", ",", header=head, comments="")
    for file, name in ((WEATHER, "weather.json"), (large, "large.json")):
        answer = python(*matrix, file)
        json.loads(answer)
        (folder / name).write_text(answer, encoding="utf-8")
    node(folder, "page")
