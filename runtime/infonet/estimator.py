"""The estimator: one object for one pair, for batches and for all pairs of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.all_pairs import pairwise
from infonet.batches import estimate_batch
from infonet.checks import Missing, check_finite, check_length, check_missing_policy, finite_rows
from infonet.devices import resolve_device
from infonet.errors import InputError, warn
from infonet.inputs import as_column
from infonet.matrix import PairwiseResult
from infonet.model import Model, load_model
from infonet.network import ONE_PAIR, Network
from infonet.result import Estimate, SlicedEstimate
from infonet.significance import p_value
from infonet.sliced import sliced
from infonet.tiles import count_threads
from infonet.variables import Scale


class Estimator:
    """Estimates mutual information with a pre-trained network (InfoNet, arXiv 2402.10158).

    Loading takes milliseconds and needs no network connection. One object may be shared by many
    threads. The same samples give the same bytes from `estimate`, `mi` and `pairwise`, whatever
    the batch and the number of threads.

    Models of the architecture "perceiver" (the network of the paper) give no interval and no
    p-value, and their estimate is the Donsker-Varadhan bound as it comes: for independent data it
    may be slightly negative, because cutting it off at 0 would bias averages and tests. The
    threads of such a model work within a pair, so their number may change the last bits.

    Args:
        model: path of a model file written by `infonet export`; None for the model in the package.
        device: "auto", "cpu", "cuda" or "tensorrt". "auto" takes what works; a device named
            explicitly is used or refused.
        threads: threads for batches and matrices, or within a pair for models where one pair is
            much work; None for all cores of this process.

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
        self._network = Network(load_model(model), self.threads)
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
            x, y: n samples each: lists, arrays [n] or series, of any real type. The default model
                uses ranks only, so monotone transforms change nothing.
            nan: "raise" refuses values that are not finite; "omit" leaves out their rows.
            names: how to call variables that are not series with names of their own.

        Returns:
            The estimate with its 90 % interval and p-value, if the model gives them, and its table;
            nats.

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
            exact = (0.0, 0.0) if self.model.quantile_levels else None
            return Estimate(0.0, exact, None, x.size, names, (note,), flat)
        outputs = self._network.run(ranked, ONE_PAIR, table=True)
        mi, quantiles = float(outputs.mi[0]), outputs.quantiles[0]
        p, note = p_value(self.model.null, mi, x.size, bool(ranked.tied.any()))
        table = None if outputs.table is None else outputs.table[0]
        interval = (float(quantiles[0]), float(quantiles[-1])) if quantiles.size else None
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
        return estimate_batch(self._network, samples, progress).mi

    def quantiles(self, samples: ArrayLike, progress: bool | None = None) -> NDArray[np.float64]:
        """Estimate with intervals: quantiles of the mutual information of each sample set.

        Args:
            samples: [batch, n, 2], as for `mi`.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            float64 [batch, levels] in nats, at the levels `model.quantile_levels` (5, 50 and
            95 %); the median is what `mi` returns. [batch, 0] from a model that gives none.

        Raises:
            InputError: as for `mi`.
        """
        return estimate_batch(self._network, samples, progress).quantiles

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
        return pairwise(self._network, data, columns, nan, progress)

    def sliced(
        self,
        x: Any,
        y: Any,
        projections: int = 1024,
        seed: int = 0,
        scale: Scale = None,
        nan: Missing = "raise",
        progress: bool | None = None,
        names: tuple[str, str] = ("x", "y"),
    ) -> SlicedEstimate:
        """Estimate the sliced mutual information of two variables of any dimensions.

        The mean of the mutual information of (x theta, y phi) over random directions theta ~
        N(0, I_dx) and phi ~ N(0, I_dy), drawn independently for each projection (Goldfeld &
        Greenewald, NeurIPS 2021, https://arxiv.org/abs/2110.05279). It is zero if and only if x
        and y are independent. Directions on the sphere would give the same, because mutual
        information does not change with scale; nor with sign, so a variable of one dimension is
        taken as it is: if both have one, every projection equals `estimate(x, y)`.

        The first k projections are the same for every number of projections, and all are a
        function of the seed, whatever the threads.

        Args:
            x: n samples of dx dimensions: array [n, dx] or [n], mapping from names to columns, or
                series or data frame of pandas, polars, pyarrow and others; any real type.
            y: n samples of dy dimensions, likewise.
            projections: number of random projections, at least 1.
            seed: whole number from 0.
            scale: None projects the dimensions as they are, which is what is defined and what the
                published code does: a dimension of large variance dominates. "minmax" scales each
                dimension to 0..1 first, as the authors of InfoNet recommend; use it where units
                differ.
            nan: "raise" refuses values that are not finite; "omit" leaves out rows that have any.
            progress: show a progress bar; None: if standard error is a terminal.
            names: how to call variables that are not series with names of their own.

        Returns:
            Mean, its standard error, the largest and all values; nats.

        Raises:
            InputError: not real numbers, not finite, of unequal lengths, too few samples, or an
                option that is not allowed.
        """
        return sliced(self._network, x, y, projections, seed, scale, nan, progress, names)
