"""The `infonet` command."""

from __future__ import annotations

import warnings

import click

from infonet._version import __version__
from infonet.cli.compute import demo, mi
from infonet.cli.inspect import doctor, info
from infonet.cli.matrix import matrix
from infonet.cli.plot import plot
from infonet.cli.plugins import PluginGroup
from infonet.cli.sliced import smi
from infonet.cli.watch import watch


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="infonet", message="%(prog)s %(version)s")
def main() -> None:
    """Estimate mutual information with a pre-trained network.

    Exit codes: 0 success, 1 a problem with the input or the installation, 2 wrong usage.
    """
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"Warning: {message}", err=True)


for _command in (mi, smi, matrix, plot, watch, demo, info, doctor):
    main.add_command(_command)
