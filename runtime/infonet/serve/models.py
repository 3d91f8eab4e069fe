"""What can be asked of the server: pairs, sliced mutual information, and variables given others.

A model here says which tensors it reads and gives, checks a request, and computes the answer.
"""

from __future__ import annotations

import asyncio
import math
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
from kserve import InferRequest, InferResponse, Model
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.estimator import Estimator
from infonet.inputs.arrays import as_batch
from infonet.inputs.checks import as_whole_number, check_finite, check_length
from infonet.pairs.engine import PairEngine
from infonet.pairs.estimates import PairEstimates, notes_of
from infonet.result import Estimate, SlicedEstimate
from infonet.serve.limits import MOST_PERMUTATIONS, MOST_PROJECTIONS, StoppableBackend
from infonet.serve.queue import PairQueue
from infonet.serve.tensors import read_inputs, read_parameters, respond, wanted_outputs
from infonet.sliced import sliced
from infonet.sliced.variables import read_options
from infonet.vectors import VectorMethods

# Datatype and shape of tensors by name; -1: any size.
Tensors = Mapping[str, tuple[str, list[int]]]


class ServedModel(Model):  # type: ignore[misc]
    """A model of the Open Inference Protocol.

    Args:
        name: by which clients ask for it.
        inputs: that are read; other types of numbers than the one named are read, too.
        outputs: that are given.
        optional: names of inputs that may be missing.
        parameters: names of parameters that a request may have.
    """

    def __init__(
        self,
        name: str,
        inputs: Tensors,
        outputs: Tensors,
        optional: Collection[str] = (),
        parameters: Collection[str] = (),
    ) -> None:
        super().__init__(name)
        self.inputs, self.outputs = inputs, outputs
        self.optional, self.parameters = optional, parameters

    def get_input_types(self) -> list[dict[str, Any]]:
        """For the metadata of the model."""
        return _described(self.inputs)

    def get_output_types(self) -> list[dict[str, Any]]:
        """For the metadata of the model."""
        return _described(self.outputs)

    async def predict(
        self, payload: InferRequest, headers: Any = None, response_headers: Any = None
    ) -> InferResponse:
        """Check a request and answer it.

        Raises:
            InputError: it cannot be answered, for the reason in the message.
        """
        wanted_outputs(payload, self.outputs)
        needed = [name for name in self.inputs if name not in self.optional]
        arrays = read_inputs(payload, needed, self.optional)
        found = await self.answer(arrays, read_parameters(payload, self.parameters))
        return respond(payload, found)

    @abstractmethod
    async def answer(
        self, arrays: dict[str, NDArray[Any]], parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """The outputs by name."""


class Pairs(ServedModel):
    """`infonet`: the mutual information of a batch of pairs of variables, as `Estimator.mi`."""

    def __init__(self, estimator: Estimator, queue: PairQueue) -> None:
        self._model, self._queue = estimator.model, queue
        levels = len(self._model.quantile_levels)
        quantiles: Tensors = {"quantiles": ("FP64", [-1, levels])} if levels else {}
        super().__init__(
            "infonet",
            {"samples": ("FP32", [-1, -1, 2])},
            {
                "mi": ("FP64", [-1]),
                **quantiles,
                "p_value": ("FP64", [-1]),
                "notes": ("BYTES", [-1]),
            },
        )

    async def answer(
        self, arrays: dict[str, NDArray[Any]], parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """See `ServedModel`."""
        samples = as_batch(arrays["samples"])
        if not len(samples):
            raise InputError("samples is an empty batch, allowed is one pair or more: send pairs")
        check_length(samples.shape[1], self._model.n_min, "each pair")
        if samples.dtype.kind == "f" and not np.isfinite(samples).all():
            for i, v in np.ndindex(len(samples), 2):
                check_finite(samples[i, :, v], f"samples[{i}, :, {v}]", can_omit=False)
        found = await self._queue.estimate(samples)
        answer = {
            "mi": found.mi,
            "quantiles": found.quantiles,
            "p_value": found.p_value,
            "notes": self._notes(found, samples.shape[1]),
        }
        return {name: answer[name] for name in self.outputs}

    def _notes(self, found: PairEstimates, n: int) -> list[str]:
        notes = []
        for about, p, quantiles in zip(found.about, found.p_value, found.quantiles, strict=True):
            interval = (float(quantiles[0]), float(quantiles[-1])) if quantiles.size else None
            said = notes_of(int(about), float(p), interval, self._model.null, n)
            notes.append("; ".join(said))
        return notes


class _OnThread(ServedModel):
    """A model whose answer is many passes of the network, on a thread of a pool."""

    def __init__(self, estimator: Estimator, pool: Executor, *description: Any) -> None:
        super().__init__(*description)
        self._engine, self._pool = estimator.engine, pool

    async def run(self, work: Callable[[PairEngine], Any]) -> Any:
        """Call `work` with an engine on a thread; if nobody waits any more, it ends early."""
        stop = threading.Event()
        backend: Any = StoppableBackend(self._engine.backend, stop)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, work, PairEngine(backend))
        finally:
            stop.set()


_VARIABLES: Tensors = {"x": ("FP32", [-1, -1]), "y": ("FP32", [-1, -1])}


class Sliced(_OnThread):
    """`infonet_sliced`: as `Estimator.sliced`, of x [n, dx] and y [n, dy]."""

    def __init__(self, estimator: Estimator, pool: Executor) -> None:
        super().__init__(
            *(estimator, pool, "infonet_sliced", _VARIABLES),
            {
                "mean": ("FP64", [1]),
                "standard_error": ("FP64", [1]),
                "max": ("FP64", [1]),
                "values": ("FP64", [-1]),
                "p_value": ("FP64", [1]),
                "notes": ("BYTES", [1]),
            },
            (),
            ("projections", "seed", "scale", "nan", "permutations"),
        )

    async def answer(
        self, arrays: dict[str, NDArray[Any]], parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """See `ServedModel`."""
        projections = parameters.get("projections", 1024)
        permutations = parameters.get("permutations", 0)
        _at_most(projections, MOST_PROJECTIONS, "projections", 1)
        _at_most(permutations, MOST_PERMUTATIONS, "permutations", 0)
        options = read_options(
            projections,
            parameters.get("seed", 0),
            parameters.get("scale"),
            parameters.get("nan", "raise"),
            tolerance=None,
            max_projections=None,
            permutations=permutations,
            permutation_projections=None,
            memory=None,
        )

        def work(engine: PairEngine) -> SlicedEstimate:
            return sliced(engine, arrays["x"], arrays["y"], options, False, ("x", "y"))

        found: SlicedEstimate = await self.run(work)
        return {
            "mean": [found.mean],
            "standard_error": [found.standard_error],
            "max": [found.max],
            "values": found.values,
            "p_value": [_number(found.p_value)],
            "notes": ["; ".join(found.notes)],
        }


class Vectors(_OnThread):
    """`infonet_vectors`: as `Estimator.estimate`, of x [n, dx], y [n, dy] and given [n, dz]."""

    def __init__(self, estimator: Estimator, pool: Executor) -> None:
        super().__init__(
            *(estimator, pool, "infonet_vectors", {**_VARIABLES, "given": ("FP32", [-1, -1])}),
            {
                "mi": ("FP64", [1]),
                "interval": ("FP64", [2]),
                "p_value": ("FP64", [1]),
                "notes": ("BYTES", [1]),
            },
            ("given",),
            ("seed", "nan", "permutations"),
        )

    async def answer(
        self, arrays: dict[str, NDArray[Any]], parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """See `ServedModel`."""
        permutations = parameters.get("permutations", 0)
        _at_most(permutations, MOST_PERMUTATIONS, "permutations", 0)

        def work(engine: PairEngine) -> Estimate:
            return _OnEngine(engine).estimate(
                *(arrays["x"], arrays["y"]),
                nan=parameters.get("nan", "raise"),
                permutations=permutations,
                seed=parameters.get("seed", 0),
                given=arrays.get("given"),
                progress=False,
            )

        found: Estimate = await self.run(work)
        return {
            "mi": [found.mi],
            "interval": found.interval or (math.nan, math.nan),
            "p_value": [_number(found.p_value)],
            "notes": ["; ".join(found.notes)],
        }


class _OnEngine(VectorMethods):
    """The methods of an estimator, on an engine that can be stopped."""

    def __init__(self, engine: PairEngine) -> None:
        self.engine, self.threads = engine, 1


def _at_most(value: Any, most: int, name: str, low: int) -> None:
    if as_whole_number(value, name, low) > most:
        raise InputError(f"{name} is {value}, the server allows {low} to {most}: ask for fewer")


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _described(tensors: Tensors) -> list[dict[str, Any]]:
    return [
        {"name": name, "datatype": datatype, "shape": shape}
        for name, (datatype, shape) in tensors.items()
    ]
