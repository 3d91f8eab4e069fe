"""What the README shows is what happens."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from infonet.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def numbers_as(text: str, form: str) -> str:
    return re.sub(r"\d+\.\d+", form, text)


def values(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


def same(shown: str, printed: str) -> None:
    """Same text; numbers may differ in the last digit between processors."""
    assert numbers_as(printed, "#").split() == numbers_as(shown, "#").split()
    assert values(printed) == pytest.approx(values(shown), abs=2e-3)


def test_python_examples_print_what_is_shown():
    programs, shown = blocks("python"), blocks("text")
    assert len(programs) == len(shown) >= 2
    names = {}  # later examples go on where the first stopped
    for program, text in zip(programs, shown, strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program, "README.md", "exec"), names)
        same(text, printed.getvalue())


def test_command_prints_what_is_shown(monkeypatch):
    monkeypatch.chdir(ROOT)
    shown = re.search(r"^\$ infonet (mi .*)\n((?:[^$].*\n)+)", README, re.MULTILINE)
    assert shown
    result = CliRunner().invoke(main, shlex.split(shown[1]))
    assert result.exit_code == 0, result.output
    same(shown[2], result.output)
