"""The protocol over gRPC: KServe's service, with our limits and refusals."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
from kserve import InferRequest, InferResponse
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as protocol
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from infonet.serve.errors import Refusal, refusal_of
from infonet.serve.service import Service


class _Servicer(InferenceServicer):  # type: ignore[misc]
    """Method names are those of the protocol."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, ModelRepositoryExtension(service.model_registry))
        self._service = service

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answer a request."""

        def read() -> InferRequest:
            self.validate_grpc_request(request)
            return InferRequest.from_grpc(request)

        found = await self._service.serve("grpc", request.model_name, read, InferResponse.to_grpc)
        if isinstance(found, Refusal):
            await context.abort(found.grpc, found.reason)
        return found

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Describe a model, or say that there is none of that name."""
        try:
            return await super().ModelMetadata(request, context)
        except Exception as error:
            await _abort(context, error)

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Whether a model is ready."""
        try:
            return await super().ModelReady(request, context)
        except Exception as error:
            await _abort(context, error)

    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Clients do not decide what is served."""
        await _no_repository(context)

    async def RepositoryModelUnload(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Clients do not decide what is served."""
        await _no_repository(context)


async def _abort(context: Any, error: Exception) -> NoReturn:
    refusal = refusal_of(error)
    await context.abort(refusal.grpc, refusal.reason)
    raise AssertionError  # abort has raised


async def _no_repository(context: Any) -> None:
    reason = "models are chosen when the server is started, not by clients"
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, reason)


def grpc_server(service: Service, address: str) -> tuple[Any, int]:
    """A server that listens once it is started, and its port; of port 0 the system chooses one.

    Raises:
        RuntimeError: the port cannot be had.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", service.limits.request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port that is taken is an error
        ]
    )
    protocol.add_GRPCInferenceServiceServicer_to_server(_Servicer(service), server)
    return server, server.add_insecure_port(address)
