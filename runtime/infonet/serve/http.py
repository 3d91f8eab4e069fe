"""The protocol over HTTP: health, readiness, metadata, inference, and metrics for Prometheus."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI
from kserve import InferResponse
from kserve.errors import ModelNotFound, ServerNotReady
from kserve.protocol.rest.server import metrics_handler
from kserve.protocol.rest.v2_endpoints import V2Endpoints
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from infonet.errors import InputError
from infonet.serve.errors import Refusal, refusal_of
from infonet.serve.service import Service
from infonet.serve.tensors import decode

_JSON_LENGTH = "inference-header-content-length"
# What is read and thrown away of a request that is too large, so that its client, which first sends
# and then listens, hears the reason; beyond it the connection is closed.
_PATIENCE = 16


def application(service: Service) -> FastAPI:
    """The routes of the protocol."""
    endpoints = V2Endpoints(service)

    async def infer(request: Request) -> Response:
        return await _infer(service, request)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.add_route("/v2/models/{model_name}/infer", infer, methods=["POST"])
    for path, endpoint in (
        ("/v2", endpoints.metadata),
        ("/v2/health/live", endpoints.live),
        ("/v2/health/ready", endpoints.ready),
        ("/v2/models", endpoints.models),
        ("/v2/models/{model_name}", endpoints.model_metadata),
        ("/v2/models/{model_name}/ready", endpoints.model_ready),
    ):
        app.add_api_route(path, endpoint, methods=["GET"])
    app.router.add_route("/metrics", metrics_handler, methods=["GET"])
    app.add_exception_handler(ModelNotFound, _refuse)
    app.add_exception_handler(ServerNotReady, _not_ready)
    return app


async def _infer(service: Service, request: Request) -> Response:
    name = request.path_params["model_name"]
    try:
        body: bytes | InputError = await _body(request, service.limits.request_bytes)
    except InputError as error:
        body = error
    except ClientDisconnect:
        return Response(status_code=499)

    def read() -> Any:
        if isinstance(body, InputError):
            raise body
        return decode(body, request.headers.get(_JSON_LENGTH), name)

    found = await service.serve("http", name, read, _answer)
    return _refusal(found) if isinstance(found, Refusal) else found


async def _body(request: Request, most: int) -> bytes:
    """The bytes of a request.

    Raises:
        InputError: they are too many, or compressed.
    """
    encoding = request.headers.get("content-encoding", "identity")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            parts.append(part)
        elif size > _PATIENCE * most:
            break
    if size > most:
        raise InputError(
            f"the request has more than {most / 2**20:g} MiB, which is the limit: send fewer "
            "samples or pairs at a time, or start the server with a larger --max-megabytes"
        )
    if encoding != "identity":
        raise InputError(f"the request is compressed ({encoding}), allowed is none: send it plain")
    return b"".join(parts)


def _answer(response: InferResponse) -> Response:
    content, json_length = response.to_rest()
    if json_length is None:
        return Response(orjson.dumps(content), media_type="application/json")
    headers = {_JSON_LENGTH: str(json_length)}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _refusal(refusal: Refusal) -> Response:
    return JSONResponse({"error": refusal.reason}, status_code=refusal.http)


async def _refuse(_: Request, error: Exception) -> Response:
    return _refusal(refusal_of(error))


async def _not_ready(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=503)
