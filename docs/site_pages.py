"""A hook of MkDocs: pages that are not files of docs/, and links to the rest of the repository.

Pages that lie outside docs/ become part of the site under their own paths, and the reference of the
command line is what `infonet COMMAND --help` prints.

Links are written so that they hold in the repository, where people read the files as they are. On
the site a link to a page leads there; a link to any other file of the repository becomes its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from infonet.cli import main
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
HOME = "README.md"  # the page that the site begins with
OUTSIDE = (
    HOME,
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    "examples/README.md",
    "export/checkpoints/copula_small.md",
    "export/checkpoints/perceiver_tiny.md",
    "runtime/infonet/models/README.md",
    "runtime/infonet/models/copula.evaluation.md",
)
COMMANDS = "<!-- the help of all commands -->"  # where it goes
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s:]*)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages outside docs/, and the pictures beside them."""
    pictures = [path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*/*.png")]
    for path in (*OUTSIDE, *pictures):
        files.append(File.generated(config, _on_site(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, files: Files, **_: Any) -> str:
    """Point links between files of the repository at pages of the site."""
    here = page.file.src_uri

    def replace(match: re.Match[str]) -> str:
        picture, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(_in_repository(here)), target))
        if not target or not (ROOT / path).is_file():
            return match[0]  # for the strict build to judge
        uri = _on_site(path)
        if files.get_file_from_path(uri) is None:
            return text
        return f"{picture}[{text}]({posixpath.relpath(uri, posixpath.dirname(here))}{anchor})"

    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, "\n\n".join(_help_of_commands()))
    return _LINK.sub(replace, markdown)


def _help_of_commands() -> list[str]:
    """One section a command: what its --help prints."""
    names = main.list_commands(click.Context(main))
    missing = {"build", "evaluate", "export", "train"} - {*names}
    if missing:  # they are found by the metadata of an installed package
        raise PluginError(f"infonet {min(missing)} is not installed here: run  make docs")
    sections = []
    for name in names:
        result = CliRunner().invoke(main, [name, "--help"], prog_name="infonet")
        if result.exit_code:
            raise PluginError(f"infonet {name} --help: {result.output}")
        sections.append(f"## infonet {name}\n\n```text\n{result.output}```")
    return sections


def _on_site(path: str) -> str:
    return "index.md" if path == HOME else path.removeprefix("docs/")


def _in_repository(uri: str) -> str:
    if uri == "index.md":
        return HOME
    return uri if uri in OUTSIDE else f"docs/{uri}"
