"""How are the tensors of a request read and checked, and those of an answer written?

What a request may hold is checked here, before it meets any other request: names, types, shapes and
amounts of data. An `InputError` says what was got, what is allowed and how to mend it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import orjson
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.protocol.infer_type import RequestedOutput, to_http_parameters
from numpy.typing import NDArray

from infonet.errors import InputError

DTYPES = {
    "BOOL": np.bool_,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}
_OURS = ("binary_data_output",)  # a parameter of the protocol, not of a model


def decode(body: bytes, json_length: str | None, model: str) -> InferRequest:
    """The request in the body of an HTTP message.

    Args:
        body: JSON, and behind it the bytes of binary tensors.
        json_length: the header Inference-Header-Content-Length; None: all of it is JSON.
        model: name of the model.

    Raises:
        InputError: it is malformed.
    """
    end = len(body) if json_length is None else _json_length(json_length, len(body))
    document = _mapping(_json(body[:end]), "the request")
    inputs = []
    for i, entry in enumerate(_list(document.get("inputs"), "inputs of the request")):
        tensor, end = _input(_mapping(entry, f"input {i}"), body, end)
        inputs.append(tensor)
    if end != len(body):
        raise InputError(
            f"the body has {len(body) - end} bytes more than the inputs say: check "
            "binary_data_size and Inference-Header-Content-Length"
        )
    parameters = document.get("parameters") or {}
    return InferRequest(
        model_name=model,
        request_id=_optional_text(document.get("id"), "id"),
        infer_inputs=inputs,
        parameters=_mapping(parameters, "parameters of the request"),
        request_outputs=_requested(document.get("outputs") or []),
    )


def read_inputs(
    request: InferRequest, needed: Collection[str], optional: Collection[str] = ()
) -> dict[str, NDArray[Any]]:
    """The tensors of a request by name, as arrays of their shapes.

    Raises:
        InputError: one is missing, unknown, there twice, or not an array of numbers.
    """
    allowed = [*needed, *optional]
    found: dict[str, NDArray[Any]] = {}
    for tensor in request.inputs:
        if tensor.name not in allowed:
            raise InputError(
                f"there is an input {tensor.name!r}, allowed are {', '.join(allowed)}: rename it"
            )
        if tensor.name in found:
            raise InputError(f"the input {tensor.name} is there twice: send it once")
        found[tensor.name] = _array(tensor)
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(f"there is no input {missing[0]}, needed are {', '.join(needed)}: add it")
    return found


def read_parameters(request: InferRequest, allowed: Collection[str]) -> dict[str, Any]:
    """The parameters of a request by name; they are checked where they are used.

    Raises:
        InputError: an unknown one, or of a type that the protocol does not have.
    """
    given = to_http_parameters(request.parameters or {})
    for name in request.parameters or {}:
        if name not in [*allowed, *_OURS]:
            names = ", ".join(allowed) or "none"
            raise InputError(f"there is a parameter {name!r}, allowed are {names}: leave it out")
        if name not in given:  # a double of Triton's, which KServe's messages do not hold
            raise InputError(
                f"the parameter {name} cannot be read, allowed are whole numbers, text, true and "
                "false: send one of these"
            )
    return {name: value for name, value in given.items() if name not in _OURS}


def wanted_outputs(request: InferRequest, offered: Collection[str]) -> list[str]:
    """Names of the outputs to answer with: those asked for, or all.

    Raises:
        InputError: one that is not offered.
    """
    names = [output.name for output in request.request_outputs or []]
    for name in names:
        if name not in offered:
            raise InputError(
                f"the output {name!r} is asked for, there are {', '.join(offered)}: ask for these"
            )
    return names or list(offered)


def respond(request: InferRequest, outputs: Mapping[str, Any]) -> InferResponse:
    """The answer, with the outputs that are asked for.

    Args:
        request: what is answered.
        outputs: numbers or text, each an array or a list.
    """
    tensors = []
    for name in wanted_outputs(request, outputs):
        values = np.asarray(outputs[name])
        text = values.dtype.kind == "U"
        values = values.astype(object if text else np.float64)
        tensor = InferOutput(name, list(values.shape), "BYTES" if text else "FP64")
        tensor.set_data_from_numpy(values, binary_data=bool(request.use_binary_outputs))
        tensors.append(tensor)
    return InferResponse(
        response_id=request.id or "",
        model_name=request.model_name,
        model_version="",
        infer_outputs=tensors,
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )


def _array(tensor: InferInput) -> NDArray[Any]:
    """A tensor of numbers in its shape."""
    name, shape = tensor.name, list(tensor.shape)
    dtype = DTYPES.get(tensor.datatype)
    if dtype is None:
        raise InputError(
            f"{name} has datatype {tensor.datatype}, allowed are {', '.join(DTYPES)}: send numbers"
        )
    if any(size < 0 for size in shape):
        raise InputError(f"{name} has shape {shape}, allowed are sizes from 0: give all sizes")
    try:
        if isinstance(tensor.data, np.ndarray):
            array = tensor.data  # of this type, by `_input`
        elif tensor.data:
            array = _listed(tensor.data, name, tensor.datatype, dtype)
        else:  # raw contents of gRPC, or none at all
            return np.asarray(tensor.as_numpy())
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{name} of shape {shape} and datatype {tensor.datatype} cannot be read ({error}): "
            "send as many values as the shape says"
        ) from None
    if array.size != math.prod(shape):
        raise InputError(
            f"{name} has {array.size} values and shape {shape}, which is {math.prod(shape)}: "
            "send as many values as the shape says"
        )
    return array.reshape(shape)


def _listed(data: list[Any], name: str, datatype: str, dtype: Any) -> NDArray[Any]:
    """Values of JSON, in a list or in lists of lists, in a type that holds them."""
    try:
        array = np.asarray(data)
    except ValueError:
        raise InputError(
            f"{name} is a ragged list, allowed are values in one list or in lists as its shape says"
        ) from None
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} holds text, null or other things that are no numbers, only real numbers are "
            "allowed: convert them, or leave such samples out"
        )
    with np.errstate(all="ignore"):  # what becomes infinite is refused later, with its place
        typed = array.astype(dtype)
    if typed.dtype.kind != "f" and not np.array_equal(typed, array):
        raise InputError(f"{name} has values that are no {datatype}: send them as FP64")
    return typed


def _input(entry: dict[str, Any], body: bytes, start: int) -> tuple[InferInput, int]:
    """An input, whose binary data begin at `start` of the body, and where they end."""
    name, datatype = entry.get("name"), entry.get("datatype")
    if not isinstance(name, str) or not isinstance(datatype, str):
        raise InputError('an input needs a "name" and a "datatype", both text: add them')
    shape = entry.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int for size in shape):
        raise InputError(f'{name} needs a "shape", a list of whole numbers: add it')
    parameters = _mapping(entry.get("parameters") or {}, f"parameters of {name}")
    if "data" in entry:
        data: Any = _list(entry["data"], f"data of {name}")
        return InferInput(name, shape, datatype, data=data, parameters=parameters), start
    size, dtype = parameters.get("binary_data_size"), DTYPES.get(datatype.upper())
    if type(size) is not int or size < 0:
        raise InputError(f'{name} has neither "data" nor a "binary_data_size": send one of them')
    end = start + size
    if end > len(body):
        raise InputError(
            f"{name} says {size} bytes of binary data, there are {len(body) - start}: send all of "
            "them behind the JSON, whose length Inference-Header-Content-Length says"
        )
    if dtype is not None:  # else `read_inputs` refuses it, by its name
        if size % np.dtype(dtype).itemsize:
            raise InputError(
                f"{name} has {size} bytes of binary data, which is no whole number of "
                f"{datatype} values: check the datatype"
            )
        data = np.frombuffer(body, dtype, size // np.dtype(dtype).itemsize, start)
        return InferInput(name, shape, datatype, data=data), end
    return InferInput(name, shape, datatype), end


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)  # which reads NaN, so that the message can say where it is
    except (ValueError, RecursionError) as error:
        raise InputError(f"the request is no JSON ({error}): check its syntax") from None


def _json_length(header: str, size: int) -> int:
    length = int(header) if header.isascii() and header.isdigit() and len(header) < 20 else -1
    if not 0 <= length <= size:
        raise InputError(
            f"Inference-Header-Content-Length is {header!r}, allowed are 0 to the size of the "
            f"body, {size}"
        )
    return length


def _requested(entries: Any) -> list[RequestedOutput] | None:
    outputs = []
    for entry in _list(entries, "outputs of the request"):
        output = _mapping(entry, "an output")
        name = output.get("name")
        if not isinstance(name, str):
            raise InputError('an output needs a "name", a text: add it')
        parameters = output.get("parameters") or {}
        outputs.append(RequestedOutput(name, _mapping(parameters, f"parameters of {name}")))
    return outputs or None


def _optional_text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name} of the request is no text: put it in quotes, or leave it out")
    return value


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{what}: a JSON object was expected, see the protocol")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{what}: a JSON list was expected, see the protocol")
    return value
