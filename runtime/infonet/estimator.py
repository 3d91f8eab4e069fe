"""The estimator: one object for one pair, for batches and for all pairs of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.all_pairs import pairwise
from infonet.checks import Missing, check_finite, check_length, check_missing_policy, finite_rows
from infonet.devices import resolve_device
from infonet.errors import InputError, warn
from infonet.inputs import as_batch, as_column
from infonet.matrix import PairwiseResult
from infonet.model import Model, load_model
from infonet.network import ONE_PAIR, TILE, Network, Outputs
from infonet.result import Estimate
from infonet.significance import p_value
from infonet.tiles import Progress, count_threads, run_tiles


class Estimator:
    """Estimates mutual information with a pre-trained network (InfoNet, arXiv 2402.10158).

    Loading takes milliseconds and needs no network connection. One object may be shared by many
    threads. The same samples give the same bytes from `estimate`, `mi` and `pairwise`, whatever
    the batch and the number of threads.

    Args:
        model: path of a model file written by `infonet export`; None for the model in the package.
        device: "auto", "cpu", "cuda" or "tensorrt". "auto" takes what works; a device named
            explicitly is used or refused.
        threads: threads for batches and matrices; None for all cores of this process.

    Raises:
        ModelError: the model file is missing, damaged, or not one of infonet.
        DeviceError: an explicitly named device cannot be had.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.threads = count_threads(threads)
        self.device = resolve_device(device)
        self._network = Network(load_model(model))
        # For pickling: the path must hold in a process that has another working directory.
        path = None if model is None else self.model.path.resolve()
        self._arguments = (path, device, threads)

    def __reduce__(self) -> tuple[type[Estimator], tuple[Any, ...]]:
        return Estimator, self._arguments  # sessions cannot be pickled, but made again

    def __repr__(self) -> str:
        return f"Estimator(model={self.model.path.name!r}, device={self.device!r})"

    @property
    def model(self) -> Model:
        """Metadata of the model."""
        return self._network.model

    def estimate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        nan: Missing = "raise",
        names: tuple[str, str] = ("x", "y"),
    ) -> Estimate:
        """Estimate the mutual information of two variables.

        Args:
            x, y: n samples each: lists, arrays [n] or series, of any real type. Only ranks are
                used, so monotone transforms change nothing.
            nan: "raise" refuses values that are not finite; "omit" leaves out their rows.
            names: how to call variables that are not series with names of their own.

        Returns:
            The estimate with its 90 % interval, p-value and table; nats.

        Raises:
            InputError: not real numbers, not finite, of unequal lengths, or too few samples.
        """
        check_missing_policy(nan)
        (x_name, x_values), (y_name, y_values) = as_column(x, names[0]), as_column(y, names[1])
        if x_values.size != y_values.size:
            raise InputError(
                f"{x_name} and {y_name} differ in length ({x_values.size} and {y_values.size}): "
                "pass one y for each x"
            )
        label = x_name
        if nan == "omit":
            keep = finite_rows(x_values, y_values)
            if not keep.all():
                x_values, y_values = x_values[keep], y_values[keep]
                label = f"{x_name} with {y_name}, missing values left out,"
        check_length(x_values.size, self.model.n_min, label)
        check_finite(x_values, x_name)
        check_finite(y_values, y_name)
        return self._estimate_pair((x_name, y_name), x_values, y_values)

    def _estimate_pair(self, names: tuple[str, str], x: NDArray[Any], y: NDArray[Any]) -> Estimate:
        ranked = self._network.prepare((x, y))
        if ranked.constant.any():
            constant = [name for name, flag in zip(names, ranked.constant, strict=True) if flag]
            note = f"{' and '.join(constant)} constant: mutual information is 0"
            warn(note)
            flat = np.zeros((self.model.table_grid,) * 2, np.float32)
            return Estimate(0.0, (0.0, 0.0), None, x.size, names, (note,), flat)
        outputs = self._network.run(ranked, ONE_PAIR, table=True)
        mi, quantiles = float(outputs.mi[0]), outputs.quantiles[0]
        p, note = p_value(self.model.null, mi, x.size, bool(ranked.tied.any()))
        table = None if outputs.table is None else outputs.table[0]
        interval = float(quantiles[0]), float(quantiles[-1])
        return Estimate(mi, interval, p, x.size, names, (note,) if note else (), table)

    def mi(self, samples: ArrayLike, progress: bool | None = None) -> NDArray[np.float64]:
        """Estimate the mutual information of a batch of sample sets.

        Args:
            samples: [batch, n, 2], any real dtype and memory layout; an empty batch is fine.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            Estimates in nats, float64 [batch].

        Raises:
            InputError: another shape, not real numbers, not finite, or too few samples.
        """
        return self._batch(samples, progress).mi

    def quantiles(self, samples: ArrayLike, progress: bool | None = None) -> NDArray[np.float64]:
        """Estimate with intervals: quantiles of the mutual information of each sample set.

        Args:
            samples: [batch, n, 2], as for `mi`.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            float64 [batch, levels] in nats, at the levels `model.quantile_levels` (5, 50 and
            95 %); the median is what `mi` returns.

        Raises:
            InputError: as for `mi`.
        """
        return self._batch(samples, progress).quantiles

    def _batch(self, samples: ArrayLike, progress: bool | None) -> Outputs:
        batch = as_batch(samples)
        check_length(batch.shape[1], self.model.n_min, "each sample set")
        levels = len(self.model.quantile_levels)
        result = Outputs(np.zeros(len(batch)), np.zeros((len(batch), levels)), None)
        constant = np.zeros(len(batch), np.bool_)
        with Progress(len(batch), "set", progress) as bar:
            run_tiles(self._batch_tasks(batch, result, constant), self.threads, bar)
        if constant.any():
            first = int(np.flatnonzero(constant)[0])
            warn(
                f"{int(constant.sum())} set(s) have a constant variable and mutual information 0 "
                f"(first: samples[{first}])"
            )
        return result

    def _batch_tasks(
        self, batch: NDArray[Any], result: Outputs, constant: NDArray[np.bool_]
    ) -> Iterator[Callable[[], int]]:
        # Smaller tiles for larger sets: a tile of ranks stays below some ten megabytes.
        tile = max(1, min(TILE, 1_000_000 // max(batch.shape[1], 1)))

        def task(start: int) -> Callable[[], int]:
            def run() -> int:
                sets = batch[start : start + tile]
                columns = [sets[i, :, v] for i in range(len(sets)) for v in (0, 1)]
                for index, column in enumerate(columns):
                    check_finite(column, f"samples[{start + index // 2}, :, {index % 2}]")
                ranked = self._network.prepare(columns)
                flat = ranked.constant.reshape(-1, 2).any(axis=1)
                constant[start : start + tile] = flat
                keep = np.flatnonzero(~flat)
                pairs = ONE_PAIR + 2 * keep[:, None]
                outputs = self._network.run(ranked, pairs)
                result.mi[start + keep] = outputs.mi
                result.quantiles[start + keep] = outputs.quantiles
                return len(sets)

            return run

        for start in range(0, len(batch), tile):
            yield task(start)

    def pairwise(
        self,
        data: Any,
        columns: Sequence[str | int] | None = None,
        nan: Missing = "raise",
        progress: bool | None = None,
    ) -> PairwiseResult:
        """Estimate the mutual information of all pairs of columns of a table.

        Args:
            data: array [n, d], list of rows, mapping from names to columns, or data frame of
                pandas, polars, pyarrow and others.
            columns: names or positions of the columns to use; None for all.
            nan: "raise" refuses values that are not finite; "omit" leaves out rows for each pair
                on its own (pairwise deletion).
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            The labelled symmetric matrix with intervals; nats. Entry (i, j), i < j, is
            `estimate(column i, column j)` to the last byte.

        Raises:
            InputError: no such column, not real numbers, not finite, unequal lengths, or too few
                samples.
        """
        return pairwise(self._network, data, columns, nan, progress, self.threads)
