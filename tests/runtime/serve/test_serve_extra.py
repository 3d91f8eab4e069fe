"""What `infonet serve` needs is asked for when it is run, and nothing of it is there before."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from click.testing import CliRunner
from infonet.cli import main

CHILD = """
import sys
import infonet
from click.testing import CliRunner
from infonet.cli import main
assert "Open Inference Protocol" in CliRunner().invoke(main, ["serve", "--help"]).output
names = ("infonet.serve", "kserve", "fastapi", "grpc", "uvicorn")
print([name for name in names if name in sys.modules])
"""


def test_nothing_of_the_server_is_imported_before_it_runs():
    found = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"


@pytest.mark.skipif(find_spec("kserve") is not None, reason="the KServe SDK is installed")
def test_without_the_extra_it_says_how_to_install_it():
    found = CliRunner().invoke(main, ["serve"])
    assert found.exit_code == 1
    assert found.stderr == (
        "Error: infonet serve needs infonet[serve], which is not installed (no module named "
        "'kserve'): run pip install 'infonet[serve]'\n"
    )
