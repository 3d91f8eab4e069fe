"""What is X, and what is y: features and a target of any kind, for scikit-learn's interface.

Numbers are checked and converted by scikit-learn, as its users expect. Of data frames with other
columns it makes Python objects, or an error, and loses what their types say: these are read as
`infonet.estimate` reads them, one column at a time. The same holds for targets of categories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from infonet.errors import InputError
from infonet.inputs.checks import Column, check_finite, is_nominal
from infonet.inputs.convert import Values
from infonet.inputs.frames import column_reader
from infonet.inputs.numbers import EXACT
from infonet.inputs.series import chunked, from_series, is_category, is_long
from infonet.inputs.table import label_of
from infonet.inputs.variables import NamedColumn, as_column


@dataclass(frozen=True)
class Task:
    """Features and a target.

    Attributes:
        features: feature j as [n] real numbers, NaN where a value is missing.
        count: number of features, d.
        target: [n], finite real numbers, or codes of classes.
        nominal: bool [d], features whose values are classes without an order.
        nominal_target: whether the target's values are names of classes, which have no order.
        classes: whether the target's values are classes, by name or by number.
    """

    features: Callable[[int], Column]
    count: int
    target: Column
    nominal: NDArray[np.bool_]
    nominal_target: bool
    classes: bool


@dataclass(frozen=True)
class Features:
    """The columns of a data frame, as `infonet.estimate` reads each.

    Attributes:
        columns: [n] real numbers each, NaN where a value is missing.
        nominal: bool [d], columns whose values are classes without an order.
        shape: (n, d).
    """

    columns: tuple[Column, ...]
    nominal: NDArray[np.bool_]
    shape: tuple[int, int]


def read_task(
    features: Any,
    target: Any,
    classes: bool | None,
    discrete_features: Any,
    selector: Any = None,
    **checks: Any,
) -> Task:
    """What to estimate, from what users pass.

    Args:
        features: array [n, d] of real numbers, a sparse one, or a data frame.
        target: n numbers, classes or categories.
        classes: whether the target holds classes; None: if it holds strings, booleans or
            categories.
        discrete_features: as scikit-learn's functions take it.
        selector: is told the number and the names of the features, or None.
        checks: what scikit-learn checks, see `sklearn.utils.check_X_y`.

    Raises:
        ValueError: as scikit-learn does, or of a column of another kind.
    """
    checks = {"accept_sparse": "csc", **checks}
    categories = _read_categories(target)
    if categories is not None:
        target = categories.values
    mixed = _read_features(features, checks["ensure_all_finite"] == "allow-nan")
    if mixed is not None:
        if selector is not None:
            validate_data(selector, features, target, skip_check_array=True)
        target = check_X_y(np.zeros((mixed.shape[0], 1)), target, estimator=selector, **checks)[1]
        found: Any = mixed
    else:
        if selector is None:
            found, target = check_X_y(features, target, **checks)
        else:
            found, target = validate_data(selector, features, target, **checks)
        refuse_rounded(features, found)
    if classes is None:
        classes = categories is not None or target.dtype.kind not in "iuf"
    nominal = categories.nominal if categories is not None else None
    return make_task(found, target, classes, discrete_features, nominal)


def _read_features(features: Any, can_omit: bool) -> Features | None:
    """The columns of a data frame that are not all numbers or truth values; None of other data.

    Raises:
        InputError: a column of another kind, or missing values that are not to be left out.
    """
    import narwhals.stable.v1 as nw

    frame = nw.from_native(chunked(features), pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return None
    read = column_reader(frame)
    rows, names = frame.shape[0], frame.columns
    if not any(map(_is_mixed, map(read, range(len(names))))):
        return None
    found: list[Values] = []
    for i, name in enumerate(names):
        values, remarks = from_series(read(i), label_of(name))
        if not can_omit:
            check_finite(values, label_of(name))
        found.append((values, remarks))
    nominal = np.array([is_nominal(remarks) for _, remarks in found], np.bool_)
    return Features(tuple(values for values, _ in found), nominal, (rows, len(names)))


def _is_mixed(series: Any) -> bool:
    """Whether scikit-learn makes something else of a column than `infonet.estimate` does."""
    import narwhals.stable.v1 as nw

    if isinstance(series.dtype, nw.Unknown):  # periods; sparse columns are numbers
        return not str(series.to_native().dtype).startswith("Sparse")
    others = (nw.Date, nw.Datetime, nw.Duration, nw.Time, nw.Object)
    return is_category(series) or is_long(series) or isinstance(series.dtype, others)


def _read_categories(target: Any) -> NamedColumn | None:
    """A target whose type says that it holds categories; None of others."""
    import narwhals.stable.v1 as nw

    series = nw.from_native(chunked(target), pass_through=True, allow_series=True)
    if isinstance(series, nw.Series) and isinstance(series.dtype, (nw.Categorical, nw.Enum)):
        return as_column(target, "y")
    return None


def make_task(
    features: Any,
    target: Any,
    classes: bool,
    discrete_features: Any,
    nominal_target: bool | None = None,
) -> Task:
    """What to estimate, from validated data.

    Args:
        features: array [n, d] of real numbers, a sparse one, or `Features`.
        target: array [n] of real numbers or of class labels.
        classes: whether the target holds classes.
        discrete_features: as scikit-learn's functions take it.
        nominal_target: whether its values are codes without an order; None: if they are text.
    """
    if classes:
        check_classification_targets(target)
    column = as_column(target, "y")
    if nominal_target is None:
        nominal_target = column.nominal
    nominal = _as_mask(discrete_features, features.shape[1])
    if isinstance(features, Features):
        nominal = nominal | features.nominal
        columns = features.columns

        def load(j: int) -> NDArray[Any]:
            return columns[j]
    elif issparse(features):
        by_column = features.tocsc()

        def load(j: int) -> NDArray[Any]:
            dense = np.zeros(by_column.shape[0], by_column.dtype)
            part = slice(by_column.indptr[j], by_column.indptr[j + 1])
            dense[by_column.indices[part]] = by_column.data[part]
            return dense
    else:

        def load(j: int) -> NDArray[Any]:
            return np.ascontiguousarray(features[:, j])

    return Task(load, features.shape[1], column.values, nominal, nominal_target, classes)


def _as_mask(discrete_features: Any, d: int) -> NDArray[np.bool_]:
    if isinstance(discrete_features, str):
        if discrete_features != "auto":
            raise InputError(
                f"discrete_features is {discrete_features!r}, allowed are 'auto', True, False, a "
                "mask or indices of features"
            )
        discrete_features = False
    if isinstance(discrete_features, (bool, np.bool_)):
        return np.full(d, bool(discrete_features))
    given = np.asarray(discrete_features)
    if given.dtype == np.bool_ and given.shape == (d,):
        return given
    mask = np.zeros(d, np.bool_)
    if given.ndim == 1 and given.dtype.kind in "iu" and ((given >= -d) & (given < d)).all():
        mask[given] = True
        return mask
    if given.shape == (0,):
        return mask
    raise InputError(
        f"discrete_features is {given.dtype} of shape {list(given.shape)}, allowed are a bool mask "
        f"[{d}] or indices of the {d} features"
    )


def refuse_rounded(given: Any, features: Any) -> None:
    """Refuse whole numbers that scikit-learn rounded, because they stood beside other types.

    Args:
        given: X as it was passed.
        features: the array [n, d] that scikit-learn made of it.

    Raises:
        InputError: which column it is.
    """
    if issparse(features) or features.dtype.kind != "f":
        return
    for place in np.flatnonzero((np.abs(features) >= EXACT).any(axis=0)).tolist():
        if hasattr(given, "iloc"):
            whole = getattr(given.dtypes.iloc[place], "kind", "") in "iu"
        elif hasattr(given, "columns"):  # polars
            whole = given.dtypes[place].is_integer()
        else:
            whole = isinstance(given, (list, tuple)) and any(
                isinstance(row[place], (int, np.integer)) and abs(row[place]) > EXACT
                for row in given
            )
        if whole:
            raise InputError(
                f"column {place} of X holds whole numbers beyond 2**53, which scikit-learn rounds "
                "beside columns of another type: subtract its smallest value first"
            )
