"""`infonet serve`: estimates for others, over HTTP and gRPC."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import click

from infonet.cli.options import device_option
from infonet.errors import MissingExtraError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; 0.0.0.0 is all.")
@click.option("--http-port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--grpc-port", type=click.IntRange(0, 65535), default=8081, show_default=True)
@click.option("--no-grpc", is_flag=True, help="HTTP only.")
@click.option("--threads", type=click.IntRange(1), help="Requests at a time [default: all cores].")
@click.option(
    "--max-megabytes",
    type=click.FloatRange(0, 2047, min_open=True),
    default=64,
    show_default=True,
    help="Size of a request; larger ones are refused.",
)
@click.option(
    "--max-waiting",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Requests that may wait; further ones are told to come again.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=60,
    show_default=True,
    help="Seconds for a request; one that takes longer is given up.",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=90,
    show_default=True,
    help="Seconds to finish what was accepted after SIGTERM.",
)
@click.option(
    "--together",
    type=click.IntRange(1, 1024),
    default=16,
    show_default=True,
    help="Pairs of waiting requests that are estimated in one call, at most.",
)
@click.option("--model", type=click.Path(), help="Model file [default: the built-in one].")
@device_option
def serve(
    host: str,
    http_port: int,
    grpc_port: int,
    no_grpc: bool,
    threads: int | None,
    max_megabytes: float,
    max_waiting: int,
    time_limit: float,
    grace: float,
    together: int,
    model: str | None,
    device: str,
) -> None:
    """Answer requests of the Open Inference Protocol over HTTP and gRPC.

    Models: infonet (pairs), infonet_sliced, infonet_vectors. There is no login: whoever reaches the
    address may ask. SIGTERM or Ctrl-C finishes what was accepted, then ends with exit code 0.
    """
    _require_extra()
    from infonet.estimator import Estimator
    from infonet.pairs.parallel import count_threads
    from infonet.serve.limits import Limits
    from infonet.serve.server import run

    run(
        Estimator(model, device, threads=1),
        count_threads(threads),
        Limits(max_megabytes, time_limit, max_waiting, together, grace),
        host,
        http_port,
        None if no_grpc else grpc_port,
        _say,
    )


def _say(line: str) -> None:
    click.echo(line, err=True)


def _require_extra() -> None:
    """Import the KServe SDK, which the extra brings.

    Raises:
        MissingExtraError: it is not installed.
    """
    missing = [name for name in ("kserve", "fastapi", "grpc", "uvicorn") if find_spec(name) is None]
    if missing:
        detail = f"no module named {missing[0]!r}"
        raise MissingExtraError("infonet serve", "infonet[serve]", detail)
    # KServe reads the arguments of the command line when it is imported, and refuses ours.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    # It writes its own log lines, one for each request, at the level of this variable.
    os.environ.setdefault("KSERVE_LOGLEVEL", "WARNING")
    try:
        import kserve  # noqa: F401
    finally:
        sys.argv = arguments
