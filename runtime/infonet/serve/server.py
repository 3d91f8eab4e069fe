"""How does the server start, and how does it stop without losing what it has accepted?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from infonet.errors import InfoNetWarning, InputError
from infonet.estimator import Estimator
from infonet.serve.grpc import grpc_server
from infonet.serve.http import application
from infonet.serve.limits import Limits
from infonet.serve.metrics import JOINED
from infonet.serve.models import Pairs, Sliced, Vectors
from infonet.serve.queue import PairQueue
from infonet.serve.service import Service

# Seconds. Longer than proxies (60 is common) and clients keep a connection that they do not use:
# where the server closes it first, a request that is on its way is lost.
_KEEP_ALIVE = 75


class _HttpServer(uvicorn.Server):  # type: ignore[misc]
    """Leaves signals to us: both servers stop at the same one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn."""
        yield


def run(
    estimator: Estimator,
    threads: int,
    limits: Limits,
    host: str,
    http_port: int,
    grpc_port: int | None,
    say: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted.

    Args:
        estimator: of one thread.
        threads: requests that are computed at a time.
        limits: of requests.
        host: address to listen at.
        http_port, grpc_port: 0 lets the system choose; no gRPC for None.
        say: prints a line about what the server does.

    Raises:
        InputError: a port cannot be had.
    """
    warnings.simplefilter("ignore", InfoNetWarning)  # answers have notes
    # A refused request is the client's affair; what fails here is logged with its reason.
    logging.getLogger("kserve").setLevel(logging.WARNING)
    queue = PairQueue(estimator.engine, threads, limits.joined, JOINED.observe)
    with ThreadPoolExecutor(threads, "infonet_passes") as pool:
        models = [Pairs(estimator, queue), Sliced(estimator, pool), Vectors(estimator, pool)]
        service = Service(models, limits)
        config = uvicorn.Config(
            application(service),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=math.ceil(limits.grace),
        )
        try:
            with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
                runner.run(_serve(service, _HttpServer(config), host, http_port, grpc_port, say))
        finally:
            queue.close()
    say(f"stopped: {service.accepted} requests accepted, {service.answered} answered")


async def _serve(
    service: Service,
    http: _HttpServer,
    host: str,
    http_port: int,
    grpc_port: int | None,
    say: Callable[[str], None],
) -> None:
    listener = _listen(host, http_port)
    where = f"HTTP at {_address(host, listener.getsockname()[1])}"
    grpc: Any = None
    if grpc_port is not None:
        try:
            grpc, port = grpc_server(service, _address(host, grpc_port))
        except RuntimeError:
            raise _taken(host, grpc_port, "--grpc-port") from None
        await grpc.start()
        where += f", gRPC at {_address(host, port)}"
    stop = asyncio.Event()
    restore = _on_signals(stop)
    serving = asyncio.create_task(http.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    try:
        say(f"serving {', '.join(service.model_registry.get_models())}: {where}")
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        restore()
    say("stopping: what was accepted is finished; another signal stops at once")
    service.stopping = http.should_exit = True
    if grpc is not None:
        await grpc.stop(service.limits.grace)
    await serving
    stopped.cancel()


def _on_signals(stop: asyncio.Event) -> Callable[[], None]:
    """Let SIGTERM and SIGINT ask to stop; returns what gives them back their meaning."""
    loop = asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, on_signal) for number in signals]

    def restore() -> None:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)

    return restore


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: there is no such address, or its port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError:
        raise _taken(host, port, "--http-port") from None


def _taken(host: str, port: int, option: str) -> InputError:
    return InputError(
        f"cannot listen at {_address(host, port)}: give an address of this machine as --host, and "
        f"a port that is free as {option}"
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
