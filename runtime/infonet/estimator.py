"""The estimator: one object for one pair, for batches and for all pairs of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.errors import names_lack_of_memory
from infonet.inputs.checks import Missing
from infonet.matrix import Options, PairwiseResult, check_executor, pairwise
from infonet.model.load import Model
from infonet.opening import open_backend
from infonet.pairs.engine import PairEngine, estimate_batch
from infonet.pairs.parallel import count_threads
from infonet.result import SlicedEstimate
from infonet.sliced import Scale, sliced
from infonet.sliced.variables import read_options
from infonet.vectors import VectorMethods

if TYPE_CHECKING:
    from infonet.gpu.arrays import DeviceArray


class Estimator(VectorMethods):
    """Estimates mutual information with a pre-trained network (InfoNet, arXiv 2402.10158).

    Loading takes milliseconds (on a GPU, seconds) and needs no network connection. One object may
    be shared by many threads. On the CPU, the same samples give the same bytes from `estimate`,
    `mi` and `pairwise`, whatever the batch and the number of threads; on a GPU, the same calls do.

    Models of the architecture "perceiver" (the network of the paper) give no interval and no
    p-value, and their estimate is the Donsker-Varadhan bound as it comes: for independent data it
    may be slightly negative, because cutting it off at 0 would bias averages and tests. The
    threads of such a model work within a pair, so their number may change the last bits.

    Args:
        model: path of a model file written by `infonet export`, or of an engine written by
            `infonet build`; None for the model in the package.
        device: "auto", "cpu", "cuda" or "tensorrt". "auto" is the CPU, or "tensorrt" for an engine
            of `infonet build` as the model; a device named explicitly is used or refused. Estimates
            of a GPU differ from those of the CPU by rounding.
        threads: threads for batches and matrices, or within a pair for models where one pair is
            much work; None for all cores of this process.

    Raises:
        ModelError: the model file is missing, damaged, not one of infonet, or not for the device.
        DeviceError: an explicitly named device cannot be had.
    """

    @names_lack_of_memory
    def __init__(
        self,
        model: str | Path | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.threads = count_threads(threads)
        self.device, backend = open_backend(model, device, self.threads)
        self.engine = PairEngine(backend)
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
        return self.engine.model

    @names_lack_of_memory
    def mi(self, samples: Any, progress: bool | None = None) -> NDArray[np.float64]:
        """Estimate the mutual information of a batch of sample sets.

        Args:
            samples: [batch, n, 2], any real dtype and memory layout; an empty batch is fine. Arrays
                of other libraries are read through DLPack or the CUDA array interface. An estimator
                on a GPU reads row-major float32 in its memory where it is.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            Estimates in nats, float64 [batch].

        Raises:
            InputError: another shape, not real numbers, not finite, too few samples, or on a GPU
                when the estimator is not.
        """
        return estimate_batch(self.engine, samples, progress).mi

    def mi_on_device(self, samples: Any, progress: bool | None = None) -> DeviceArray:
        """Like `mi`, with the estimates in the memory of the GPU.

        Args:
            samples: [batch, n, 2], as for `mi`.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            float32 [batch] in nats (estimates are float32 numbers), complete, to be read through
            DLPack or the CUDA array interface: `torch.from_dlpack(result)`.

        Raises:
            InputError: as for `mi`, or the estimator computes on the CPU.
        """
        from infonet.gpu.backend import estimates_on_gpu

        return estimates_on_gpu(self.engine.backend, lambda: self.mi(samples, progress))

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
        return estimate_batch(self.engine, samples, progress).quantiles

    @names_lack_of_memory
    def pairwise(
        self,
        data: Any,
        columns: Sequence[str | int] | None = None,
        nan: Missing = "raise",
        progress: bool | None = None,
        *,
        targets: Sequence[str | int] | None = None,
        memory: int | float | str | None = None,
        tile: int | None = None,
        output: str | Path | None = None,
        resume: bool = True,
        engine: str = "threads",
        adjust: str = "fdr_bh",
        layout: str | None = None,
        unit: str = "nats",
        seed: int = 0,
        given: Sequence[str | int] | None = None,
    ) -> PairwiseResult:
        """Estimate the mutual information of all pairs of columns of a table.

        Each column is read and ranked once; then pairs are estimated in square tiles of columns.
        The answer is the same, to the last byte, for every tile, memory, engine and number of
        threads.

        Args:
            data: array [n, d] (of a mapped one, little is in memory at a time), list of rows,
                mapping from names to columns, data frame of pandas, polars, pyarrow and others, or
                the path of a table (.parquet, .csv, .npy, .npz), read column by column.
            columns: names or positions of the columns to use; None for all.
            nan: "raise" refuses values that are not finite; "omit" leaves out rows for each pair
                on its own (pairwise deletion).
            progress: show progress with the time left; None: if standard error is a terminal.
            targets: names or positions of columns to pair `columns` with, which gives a matrix of
                `columns` (rows) against `targets`; None: all pairs among `columns`. A column that
                is in both is not paired with itself, and no pair is estimated twice.
            memory: ceiling for ranks, results and working arrays, in bytes or as text ("512MB",
                "2GiB"), beside the data and libraries (100 MB, say). What does not fit goes to a
                temporary file: beside the output, else in TMPDIR. None: half of what is available.
                Not counted are 48 bytes a pair while p-values are adjusted, and Ray's store.
            tile: columns along a side of a tile; None chooses (32 for long lists of columns).
            output: file to write: ".parquet" or ".csv" for a table with one row a pair, ".npy" for
                the matrix of mi. A symbolic link is written through. Finished tiles are kept in the
                folder OUTPUT.partial until the file is complete; one that holds files of others is
                refused.
            resume: go on with an interrupted run of the same data, model and columns; one that
                differs is refused. False: start over.
            engine: "threads" of this process, or "ray": tasks on the Ray cluster that is
                connected, running or at RAY_ADDRESS, else on a Ray of this process alone.
            adjust: adjustment of p-values in the output; see `PairwiseResult.adjusted`.
            layout: "matrix" writes a .csv output as a labelled matrix; None as said above.
            unit: "nats" or "bits", of the output; what is returned is in nats.
            seed: of the random order of ties, a whole number from 0.
            given: names or positions of columns to condition on, which leave the matrix. They are
                taken out of each column once, and pairs of what is left are estimated as ever: a
                lower bound of the conditional mutual information, which finds less than
                `estimate(x, y, given=...)` where a dependence changes with the condition, and says
                the same up to chance elsewhere. With nan="omit", rows where a condition is missing
                are left out of all pairs.

        Returns:
            The labelled matrix with intervals and p-values; nats. Entry (i, j), i < j, of all pairs
            is `estimate(column i, column j)` to the last byte; a row against a target is
            `estimate(row, target)`, or for two columns that are both, that of the earlier first.

        Raises:
            InputError: no such column, not real numbers, not finite, unequal lengths, too few
                samples, an option that is not allowed, too little memory for one column, or an
                output that cannot be written, is being written by another process, or belongs to
                an unfinished run of something else.
            MissingExtraError: engine="ray" without Ray, or Parquet without pyarrow.
        """
        check_executor(engine, self.device)
        options = Options(
            nan, seed, memory, tile, output, resume, engine, adjust, layout, unit, progress
        )
        return pairwise(self.engine, data, columns, targets, options, given)

    @names_lack_of_memory
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
        *,
        tolerance: float | None = None,
        max_projections: int | None = None,
        permutations: int = 0,
        permutation_projections: int | None = None,
        memory: int | float | str | None = None,
    ) -> SlicedEstimate:
        """Estimate the sliced mutual information of two variables of any dimensions.

        The mean of the mutual information of (x theta, y phi) over random directions theta ~
        N(0, I_dx) and phi ~ N(0, I_dy), drawn independently for each projection (Goldfeld &
        Greenewald, NeurIPS 2021, https://arxiv.org/abs/2110.05279). It is zero if and only if x
        and y are independent. Directions on the sphere would give the same, because mutual
        information does not change with scale; nor with sign, so a variable of one dimension is
        taken as it is: if both have one, every projection equals `estimate(x, y)`.

        The first k projections are the same for every number of projections, and all are a
        function of the seed, whatever the threads and the memory. Arrays may be memory-mapped
        files: they are read in blocks and never copied as a whole.

        Args:
            x: n samples of dx dimensions: array [n, dx] or [n], mapping from names to columns, or
                series or data frame of pandas, polars, pyarrow and others; any real type.
            y: n samples of dy dimensions, likewise.
            projections: number of random projections, at least 1; with a tolerance the least
                number, from 64.
            seed: whole number from 0, of the directions and of the permutations.
            scale: None projects the dimensions as they are, which is what is defined and what the
                published code does: a dimension of large variance dominates. "minmax" scales each
                dimension to 0..1 first, as the authors of InfoNet recommend; use it where units
                differ.
            nan: "raise" refuses values that are not finite; "omit" leaves out rows that have any.
            progress: show a progress bar; None: if standard error is a terminal.
            names: how to call variables that are not series with names of their own.
            tolerance: add projections until the standard error of the mean over projections is at
                most this many nats. The result is that of `projections=k`, k the number used.
                Stopping by the data makes the mean slightly small, the more so the more skewed the
                values: measured for Gaussian data, by a twentieth of the tolerance from 1,024
                projections on, and by a sixth from 64.
            max_projections: the most to use with a tolerance; None: 16,384, or `projections` if
                more. A note says if the tolerance was not reached.
            permutations: test independence by that many random permutations of the rows of y; the
                p-value is (1 + permutations with a mean at least as large) / (1 + permutations),
                the mean over projections of the estimate, or of the score of a model that has one.
                It is exact for rows that are independent draws, whatever ties there are. It takes
                a network pass (half a millisecond) for each permutation and projection.
            permutation_projections: the test uses the first so many projections; None: 64, or all
                if fewer.
            memory: for projections and their ranks, held some at a time, in bytes or as text
                ("2GiB"); None: 256 MiB. Each pass over x and y makes memory / 16 n projections, so
                more is faster if they are large files. At least one is held, and beside them some
                40 MB and 60 n bytes for each thread.

        Returns:
            Mean, its standard error, the largest value and its directions, all values, and the
            p-value if asked for; nats.

        Raises:
            InputError: not real numbers, not finite, of unequal lengths, too few samples, or an
                option that is not allowed.
        """
        options = read_options(
            *(projections, seed, scale, nan, tolerance, max_projections),
            *(permutations, permutation_projections, memory),
        )
        return sliced(self.engine, x, y, options, progress, names)
