"""The `infonet` command, with sub-commands of other packages found through entry points."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import warnings
from importlib.metadata import EntryPoint, entry_points

import click

from infonet import __version__
from infonet.cli.diagnosis import doctor, info
from infonet.cli.estimate import demo, mi, plot, smi
from infonet.cli.lags import lags
from infonet.cli.matrix import matrix
from infonet.cli.serve import serve
from infonet.cli.watch import watch
from infonet.errors import InfoNetError, MissingExtraError, OutOfMemoryError

GROUP = "infonet.commands"
# Commands of the exporter, with the help shown before it is imported (or even installed).
_EXPORTER = {
    "build": "Build a TensorRT engine from a model file.",
    "evaluate": "Measure the accuracy of a model.",
    "export": "Write a checkpoint as an ONNX model file.",
    "train": "Train a model from a configuration file.",
}
_EXTRA = "infonet[export]"


class PluginGroup(click.Group):
    """A group that knows the names of plug-in commands but imports them only to run them.

    Errors of infonet become one line on standard error and exit code 1.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of own commands and of plug-ins."""
        return sorted({*super().list_commands(ctx), *_entry_points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """An own command, or a stand-in for a plug-in that has its help text."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _entry_points():
            return own
        return click.Command(cmd_name, short_help=_EXPORTER.get(cmd_name, "A plug-in."))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command to run, importing it if it is a plug-in."""
        name = args[0]
        if super().get_command(ctx, name) is None:
            found = _entry_points().get(name)
            if found is not None:
                return name, _load(found), args[1:]
            if name in _EXPORTER:
                raise click.ClickException(str(MissingExtraError(f"infonet {name}", _EXTRA)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run; turn errors raised on purpose into one line."""
        try:
            return super().invoke(ctx)
        except InfoNetError as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except MemoryError as error:
            raise click.ClickException(str(OutOfMemoryError(reason=str(error)))) from error
        except OSError as error:
            if (
                error.filename is not None or error.errno == errno.EPIPE
            ):  # click ends on a closed pipe
                raise
            _abandon_output()
            raise click.ClickException(f"cannot write the output: {error.strerror}") from error


def _abandon_output() -> None:
    """Let Python's own flush at exit go nowhere: what is still to be written cannot be."""
    with contextlib.suppress(OSError, ValueError):  # no real file, as in tests
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except ModuleNotFoundError as error:
        missing = f"no module named {error.name!r}"
        what = f"infonet {entry.name}"
        raise click.ClickException(str(MissingExtraError(what, _EXTRA, missing))) from error
    if not isinstance(command, click.Command):
        raise click.ClickException(f"the entry point {entry.value} is not a click command")
    return command


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="infonet", message="%(prog)s %(version)s")
def main() -> None:
    """Estimate mutual information with a pre-trained network.

    Exit codes: 0 success, 1 a problem with the input or the installation, 2 wrong usage.
    """
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"Warning: {message}", err=True)


for _command in (mi, smi, lags, matrix, plot, watch, serve, demo, info, doctor):
    main.add_command(_command)
