"""Functions on the default model, loaded at the first call."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from infonet.estimator import Estimator
from infonet.inputs.checks import Missing
from infonet.sliced import Scale

_lock = threading.Lock()
_estimator: Estimator | None = None
_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S")


def default_estimator() -> Estimator:
    """The estimator with the model in the package; made once, shared by all threads."""
    global _estimator
    if _estimator is None:
        with _lock:
            if _estimator is None:
                _estimator = Estimator()
    return _estimator


def _on_default_model(
    name: str,
    method: Callable[Concatenate[Estimator, _P], _R],
    answer: Callable[[_R], _S],
    documentation: str,
) -> Callable[_P, _S]:
    """A function called `name` that takes what `method` takes, so that neither can lack an option.

    Args:
        name: of the function, in this module.
        method: of `Estimator`.
        answer: makes what the function returns of what the method returns.
        documentation: of the function; the method's own follows it.
    """

    def function(*args: _P.args, **options: _P.kwargs) -> _S:
        return answer(method(default_estimator(), *args, **options))

    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())[1:]  # without self
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{documentation}\n\n{inspect.cleandoc(method.__doc__ or '')}"
    returns: Any = signature.return_annotation if answer is _same else "float"
    shown: Any = function
    shown.__signature__ = inspect.Signature(parameters, return_annotation=returns)
    return function


def _same(value: _R) -> _R:
    return value


estimate = _on_default_model(
    "estimate",
    Estimator.estimate,
    _same,
    "Mutual information of two variables with interval and p-value: the method "
    "`Estimator.estimate` of the model in the package.",
)
mutual_information = _on_default_model(
    "mutual_information",
    Estimator.estimate,
    float,
    "Mutual information of two variables in nats, a float: the attribute `mi` of what `estimate` "
    "returns for the same arguments.",
)
conditional_independence = _on_default_model(
    "conditional_independence",
    Estimator.conditional_independence,
    _same,
    "Test of independence given others: the method `Estimator.conditional_independence` of the "
    "model in the package.",
)
total_correlation = _on_default_model(
    "total_correlation",
    Estimator.total_correlation,
    _same,
    "Total correlation of several columns: the method `Estimator.total_correlation` of the model "
    "in the package.",
)
lagged = _on_default_model(
    "lagged",
    Estimator.lagged,
    _same,
    "Mutual information of two series at lags: the method `Estimator.lagged` of the model in the "
    "package.",
)
transfer_entropy = _on_default_model(
    "transfer_entropy",
    Estimator.transfer_entropy,
    _same,
    "Transfer entropy from one series to another: the method `Estimator.transfer_entropy` of the "
    "model in the package.",
)
pairwise = _on_default_model(
    "pairwise",
    Estimator.pairwise,
    _same,
    "Mutual information of all pairs of columns, or of columns against `targets`: the method "
    "`Estimator.pairwise` of the model in the package.",
)


def sliced_mutual_information(
    x: Any,
    y: Any,
    projections: int = 1024,
    seed: int = 0,
    scale: Scale = None,
    nan: Missing = "raise",
) -> float:
    """Mean mutual information of random projections, in nats; see `Estimator.sliced`."""
    return default_estimator().sliced(x, y, projections, seed, scale, nan).mean
