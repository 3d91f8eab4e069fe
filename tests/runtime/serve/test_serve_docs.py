"""What docs/how-to/serve.md shows is what happens, with a server that listens."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

# Imported here, KServe's messages would clash with those of tritonclient: both are the protocol's.
if find_spec("kserve") is None:
    pytest.skip("the KServe SDK is not installed: run  make test-serve", allow_module_level=True)

from serving import Server

PAGE = (Path(__file__).parents[3] / "docs/how-to/serve.md").read_text()
SECTION = re.search(r"^## Ask it\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)[1]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_page_shows_what_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (_, program), (_, shown), (_, write), (_, curl), (_, answer) = BLOCKS
    with Server() as server:
        names: dict[str, object] = {}
        printed = io.StringIO()
        for over in (program, program.replace(".http", ".grpc").replace("8080", "8081")):
            text = over.replace("localhost:8080", server.http).replace(
                "localhost:8081", server.grpc
            )
            with contextlib.redirect_stdout(printed):
                exec(compile(text, "the page", "exec"), names)
        assert printed.getvalue() == shown * 2
        exec(compile(write, "the page", "exec"), names)
        command = curl.replace("localhost:8080", server.http)
        found = json.loads(subprocess.check_output(["bash", "-c", command]))
        expected = json.loads(answer)
        data = [one["outputs"][0].pop("data") for one in (found, expected)]
        assert found == expected
        # the last digits differ between processors
        assert data[0] == pytest.approx(data[1], abs=1e-3)
        assert server.stop()[1] == 0
