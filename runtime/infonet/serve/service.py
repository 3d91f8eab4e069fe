"""What happens to a request between its protocol and its model: limits, counting, refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from kserve import InferRequest, InferResponse, ModelRepository
from kserve.protocol.dataplane import DataPlane

from infonet import __version__
from infonet.serve.errors import Refusal, refusal_of
from infonet.serve.limits import BusyError, Limits, OutOfTimeError
from infonet.serve.metrics import REQUESTS, SECONDS, WAITING
from infonet.serve.models import ServedModel

Answer = TypeVar("Answer")


class Service(DataPlane):  # type: ignore[misc]
    """The models and the limits; the same for HTTP and gRPC.

    Attributes:
        limits: of requests.
        stopping: whether the server only finishes what it has accepted.
        accepted, answered: how many requests were, refusals included.
    """

    def __init__(self, models: list[ServedModel], limits: Limits) -> None:
        registry = ModelRepository()
        for model in models:
            model.load()
            registry.update(model)
        super().__init__(registry)
        self.limits, self.stopping = limits, False
        self.accepted = self.answered = 0

    def metadata(self) -> dict[str, Any]:
        """Name and version of the server, and what it does beyond the protocol."""
        return {"name": "infonet", "version": __version__, "extensions": ["binary_tensor_data"]}

    async def ready(self) -> bool:
        """Whether new requests are welcome."""
        return not self.stopping

    async def serve(
        self,
        protocol: str,
        name: str,
        read: Callable[[], InferRequest],
        write: Callable[[InferResponse], Answer],
    ) -> Answer | Refusal:
        """Answer a request, whatever happens.

        Args:
            protocol: "http" or "grpc", to be counted.
            name: of the model.
            read: gives the request; refuses one that is malformed.
            write: makes what the protocol sends of an answer.
        """
        start, status = time.perf_counter(), 200
        self.accepted += 1
        WAITING.set(self.accepted - self.answered)
        try:
            return write(await self._answer(name, read))
        except Exception as error:
            refusal = refusal_of(error)
            status = refusal.http
            return refusal
        except asyncio.CancelledError:  # the client has gone
            status = 499
            raise
        finally:
            self.answered += 1
            WAITING.set(self.accepted - self.answered)
            known = name if self.model_registry.get_model(name) else "unknown"
            REQUESTS.labels(protocol, known, int(status)).inc()
            SECONDS.labels(known).observe(time.perf_counter() - start)

    async def _answer(self, name: str, read: Callable[[], InferRequest]) -> InferResponse:
        self.get_model_from_registry(name)
        if self.accepted - self.answered > self.limits.waiting:
            raise BusyError(self.limits.waiting)
        request = read()
        try:
            async with asyncio.timeout(self.limits.seconds):
                response, _ = await self.infer(name, request)
        except TimeoutError:
            raise OutOfTimeError(self.limits.seconds) from None
        return response
