"""What is a client told when its request cannot be answered, over HTTP and over gRPC?"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import NamedTuple

import grpc
from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady

from infonet.errors import InputError, OutOfMemoryError, one_line
from infonet.serve.limits import BusyError, OutOfTimeError

_log = logging.getLogger("infonet.serve")


class Refusal(NamedTuple):
    """What is said instead of an answer.

    Attributes:
        http: status of HTTP.
        grpc: status of gRPC.
        reason: one line.
    """

    http: HTTPStatus
    grpc: grpc.StatusCode
    reason: str


_REFUSALS = (
    ((InputError, InvalidInput), HTTPStatus.BAD_REQUEST, grpc.StatusCode.INVALID_ARGUMENT),
    ((ModelNotFound,), HTTPStatus.NOT_FOUND, grpc.StatusCode.NOT_FOUND),
    ((OutOfTimeError,), HTTPStatus.GATEWAY_TIMEOUT, grpc.StatusCode.DEADLINE_EXCEEDED),
    ((BusyError, ModelNotReady), HTTPStatus.SERVICE_UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
    ((OutOfMemoryError,), HTTPStatus.SERVICE_UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED),
)


def refusal_of(error: Exception) -> Refusal:
    """The answer to a request that failed; what nobody foresaw goes to the log, not to clients."""
    for kinds, http, code in _REFUSALS:
        if isinstance(error, kinds):
            return Refusal(http, code, one_line(str(error)))
    _log.error("a request failed", exc_info=error)
    reason = f"the server failed ({type(error).__name__}): see its log, and report this"
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, grpc.StatusCode.INTERNAL, reason)
