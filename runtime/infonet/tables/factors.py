"""Categories of a series, read the way its own library stores them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Factors = tuple[NDArray[np.int64], list[Any], bool]


def factorize(series: Any) -> Factors:
    """Return (codes, levels, whether the levels have an order) of a narwhals series.

    `codes` are positions in `levels`, int64 [n], -1 where a value is missing.
    """
    import narwhals.stable.v1 as nw

    native = series.to_native()
    if isinstance(series.dtype, nw.Binary) and not series.implementation.is_pyarrow():
        return _of_objects(series)
    if series.implementation.is_pandas_like():
        return _of_pandas(native)
    if series.implementation.is_polars():
        return _of_polars(native)
    if series.implementation.is_pyarrow():
        return _of_pyarrow(native)
    return _of_pyarrow(series.to_arrow())


def _of_objects(series: Any) -> Factors:
    missing = np.asarray(series.is_null().to_numpy(), np.bool_)
    seen: dict[Any, int] = {}
    codes = np.full(missing.size, -1, np.int64)
    codes[~missing] = [seen.setdefault(v, len(seen)) for v in series.drop_nulls().to_list()]
    return codes, list(seen), False


def _of_pandas(native: Any) -> Factors:
    if "dictionary" in str(native.dtype):  # pyarrow's categories inside pandas
        import pyarrow as pa

        return _of_pyarrow(pa.array(native))
    if hasattr(native, "cat"):
        codes = native.cat.codes.to_numpy().astype(np.int64)
        return codes, native.cat.categories.tolist(), bool(native.cat.ordered)
    codes, levels = native.factorize()
    return np.asarray(codes, np.int64), levels.tolist(), False


def _of_polars(native: Any) -> Factors:
    import polars as pl

    if isinstance(native.dtype, pl.Enum):
        codes = native.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        return codes, native.dtype.categories.to_list(), True
    # Codes of polars are shared by all series of a process: make them 0, 1, 2, …
    physical = native.cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    _, first, codes = np.unique(physical, return_index=True, return_inverse=True)
    levels = native.gather(first).cast(pl.String).to_list()
    return np.where(physical < 0, -1, codes.reshape(-1)), levels, False


def _of_pyarrow(native: Any) -> Factors:
    import pyarrow as pa

    chunked = native if isinstance(native, pa.ChunkedArray) else pa.chunked_array([native])
    if not pa.types.is_dictionary(chunked.type):
        if pa.types.is_string_view(chunked.type):
            chunked = chunked.cast(pa.large_string())
        chunked = chunked.dictionary_encode()
    chunked = chunked.unify_dictionaries()
    if not chunked.num_chunks:
        return np.empty(0, np.int64), [], bool(chunked.type.ordered)
    parts = [
        chunk.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        for chunk in chunked.chunks
    ]
    levels = chunked.chunk(0).dictionary.to_pylist()
    return np.concatenate(parts), levels, bool(chunked.type.ordered)
