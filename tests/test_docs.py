"""What README and the pages of docs/ show is what happens, and what they name exists.

Every block of Python and of commands is run, page by page in an empty folder, unless a comment
before it says why not: <!-- not run: the reason -->. What a block prints is compared with the block
of text that follows it, or with the lines after the command.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
)
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^>]+) -->\n+)?"
    r"^```(?P<language>\S*).*\n(?P<body>(?:.*\n)*?)```$"
    r"(?:\n+```text\n(?P<shown>(?:.*\n)*?)```$)?",
    re.MULTILINE,
)
RUN = ("python", "console")
# Optional packages that pages use, and how to leave them out where they are not installed.
OPTIONAL = {
    "docs/how-to/sklearn.md": "sklearn",
    "docs/how-to/selection.md": "sklearn",
    "docs/how-to/tables.md": "polars",
}


@dataclass(frozen=True)
class Block:
    """A block of code: the output that is shown after it ('' for none), or why it is not run."""

    language: str
    body: str
    shown: str
    reason: str | None


def blocks(text: str) -> list[Block]:
    return [
        Block(found["language"], found["body"], found["shown"] or "", found["reason"])
        for found in BLOCK.finditer(text)
    ]


def same(shown: str, printed: str) -> None:
    """Same text; numbers may differ in the last digit between processors."""
    number = r"\d+\.\d+"
    assert re.sub(number, "#", printed).split() == re.sub(number, "#", shown).split()
    values = ([float(n) for n in re.findall(number, text)] for text in (printed, shown))
    assert next(values) == pytest.approx(next(values), abs=2e-3)


def run_python(program: str, names: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "a page", "exec"), names)
    return printed.getvalue()


def run_commands(body: str) -> str:
    """The lines of a console block with what its commands really print."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines = []
    for command in re.findall(r"^\$ (.*)$", body, re.MULTILINE):
        done = subprocess.run(
            ["bash", "-c", command], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        lines += [f"$ {command}\n", done.stdout]
    return "".join(lines)


def test_blocks_are_found_with_their_output_and_reason():
    found = blocks(
        "```python\nprint(1)\n```\n\n```text\n1\n```\n\n"
        "<!-- not run: no GPU -->\n```python\nx\n```\n"
        "```console\n$ a\nb\n```\nand\n\n```text\nc\n```\n"
    )
    assert found == [
        Block("python", "print(1)\n", "1\n", None),
        Block("python", "x\n", "", "no GPU"),
        Block("console", "$ a\nb\n", "", None),
        Block("text", "c\n", "", None),
    ]


def to_run(page: str) -> list[Block]:
    return [b for b in blocks((ROOT / page).read_text()) if b.language in RUN and not b.reason]


@pytest.mark.parametrize("page", [page for page in PAGES if to_run(page)])
def test_code_prints_what_is_shown(page, tmp_path, monkeypatch):
    pytest.importorskip(OPTIONAL.get(page, "infonet"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}  # later blocks of a page go on where the first stopped
    for block in to_run(page):
        if block.language == "python":
            same(block.shown, run_python(block.body, names))
        else:
            same(block.body, run_commands(block.body))


@pytest.mark.parametrize(
    "page",
    [*PAGES, "benchmarks/README.md", "examples/README.md", "runtime/infonet/models/README.md"],
)
def test_files_that_a_page_names_are_there(page):
    """Paths in backticks that begin with a folder of the repository, and links between files."""
    text = (ROOT / page).read_text()
    folders = "benchmarks|configs|docs|examples|export|kernels|runtime|tests"
    named = re.findall(rf"`(?:python )?((?:{folders})/[\w./*-]*)[^`]*`", text)
    linked = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", text)
    missing = [path for path in named if not list(ROOT.glob(path))]
    missing += [path for path in linked if not (ROOT / page).parent.joinpath(path).exists()]
    assert missing == []


@pytest.mark.parametrize(
    "module",
    ["infonet", "infonet.causal", "infonet.monitor", "infonet.plotting", "infonet.sklearn",
     "infonet_export", "infonet_export.differentiable", "infonet_kernels"],
)  # fmt: skip
def test_every_public_name_has_an_entry_in_the_reference(module):
    text = (ROOT / "docs" / "reference" / "python.md").read_text()
    documented = set(re.findall(r"^::: \S+\.(\w+)$", text, re.MULTILINE))
    documented |= {*vars(importlib.import_module("infonet.errors"))}  # an entry for all of them
    public = {name for name in importlib.import_module(module).__all__ if name[0] != "_"}
    assert public - documented == set()


def test_every_benchmark_is_listed_with_what_it_makes():
    folder = ROOT / "benchmarks"
    text = (folder / "README.md").read_text()
    assert [path.name for path in folder.glob("*.[pc]*") if path.name not in text] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
