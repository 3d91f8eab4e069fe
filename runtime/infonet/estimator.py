"""The estimator: one object for one pair, for batches and for all pairs of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.errors import names_lack_of_memory
from infonet.inputs.checks import Missing, as_whole_number, check_missing_policy
from infonet.inputs.open import NamedColumn
from infonet.matrix import Options, PairwiseResult, check_executor, pairwise
from infonet.model.load import Model
from infonet.opening import open_backend
from infonet.pairs.engine import PairEngine, estimate_batch
from infonet.pairs.parallel import count_threads
from infonet.pairs.single import estimate_pair
from infonet.result import Estimate, IndependenceTest, SlicedEstimate
from infonet.series import LagProfile, lagged, transfer_entropy
from infonet.series.shifts import check_block
from infonet.sliced import Scale, sliced
from infonet.sliced.variables import read_options
from infonet.vines.estimate import estimate_vectors, independence_test, total_correlation
from infonet.vines.variables import as_single, is_several, refuse_permutations

if TYPE_CHECKING:
    from infonet.gpu.arrays import DeviceArray


class Estimator:
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
    def estimate(
        self,
        x: ArrayLike | NamedColumn,
        y: ArrayLike | NamedColumn,
        nan: Missing = "raise",
        names: tuple[str, str] = ("x", "y"),
        permutations: int = 0,
        seed: int = 0,
        *,
        given: Any = None,
        progress: bool | None = None,
    ) -> Estimate:
        """Estimate the mutual information of two variables, of several columns or given others too.

        Two single columns without a condition are one pass of the network. Everything else is a
        vine of pair copulas, each of which the network reads (chain rule; Aas, Czado, Frigessi &
        Bakken 2009): a lower bound that comes near the truth unless the dependence changes with
        several conditions at once. See the documentation of vectors and conditions.

        Args:
            x, y: n samples each: lists, arrays [n] or series, of any real type; or several columns:
                arrays [n, d], mappings or data frames. The default model uses ranks only, so
                monotone transforms change nothing.
            nan: "raise" refuses values that are not finite; "omit" leaves out their rows.
            names: how to call variables that are not series with names of their own.
            permutations: 0 takes the p-value from the model's table for independent variables,
                after ties, where there are many, were broken at random; m compares with m random
                permutations of y, at a network pass (half a millisecond) each.
            seed: of the permutations and of the order of ties, a whole number from 0.
            given: one or more columns that are known, like x; the answer is the conditional mutual
                information I(x; y | given).
            progress: show a progress bar for several columns; None: if standard error is a
                terminal.

        Returns:
            The estimate with its 90 % interval and p-value, if the model gives them, and its table;
            nats. For several columns or a condition there are `terms` instead of the table.

        Raises:
            InputError: not real numbers, not finite, of unequal lengths, too few samples, more than
                128 columns in all, or permutations or seed not a whole number from 0.

        Example:
            >>> infonet.estimate(frame[["speed", "load"]], frame["wear"], given=frame["age"])
        """
        check_missing_policy(nan)
        permutations = as_whole_number(permutations, "permutations", 0)
        engine = self.engine.with_seed(as_whole_number(seed, "seed", 0))
        x, y = as_single(x), as_single(y)
        if given is None and not is_several(x) and not is_several(y):
            return estimate_pair(engine, x, y, nan, names, permutations)
        refuse_permutations(permutations)
        return estimate_vectors(
            *(engine, x, y, given), nan=nan, names=names, threads=self.threads, progress=progress
        )

    @names_lack_of_memory
    def conditional_independence(
        self,
        x: Any,
        y: Any,
        given: Any = None,
        nan: Missing = "raise",
        names: tuple[str, str] = ("x", "y"),
        seed: int = 0,
    ) -> IndependenceTest:
        """Test whether x and y are independent given others: the test of causal discovery.

        Args:
            x, y: as for `estimate`.
            given: one or more columns; None tests independence.
            nan, names, seed: as for `estimate`.

        Returns:
            The p-value, the statistic that was looked up, and the conditional mutual information.

        Raises:
            InputError: as for `estimate`.

        Example:
            >>> infonet.conditional_independence(x, y, given=z).p_value < 0.05
        """
        return independence_test(
            self.estimate(x, y, nan, names, 0, seed, given=given, progress=False)
        )

    @names_lack_of_memory
    def total_correlation(
        self, x: Any, nan: Missing = "raise", seed: int = 0, progress: bool | None = None
    ) -> Estimate:
        """Estimate the total correlation of the columns of x (Watanabe 1960).

        It is the mutual information of all columns together, sum H(X_i) - H(X), 0 if and only if
        they are independent: the sum over all edges of a vine, which are its `terms`.

        Args:
            x: two or more columns: array [n, d], mapping or data frame.
            nan: "raise" refuses values that are not finite; "omit" leaves out their rows.
            seed: of the order of ties, a whole number from 0.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            The estimate with its interval, the p-value of independence of all columns, and the
            terms; nats.

        Raises:
            InputError: as for `estimate`, or a column that repeats another.
        """
        engine = self.engine.with_seed(as_whole_number(seed, "seed", 0))
        return total_correlation(engine, x, nan=nan, threads=self.threads, progress=progress)

    @names_lack_of_memory
    def lagged(
        self,
        x: Any,
        y: Any,
        lags: Iterable[int] = range(-24, 25),
        given: Any = None,
        nan: Missing = "raise",
        names: tuple[str, str] = ("x", "y"),
        permutations: int = 0,
        block: int | None = None,
        seed: int = 0,
        *,
        progress: bool | None = None,
    ) -> LagProfile:
        """Estimate the mutual information of two series at lags: which leads, and by how much.

        At lag k it is that of x at t and y at t + k: at a positive lag x leads, at a negative one
        y does. Of two single series without a condition it is `estimate(x[:-k], y[k:])`, to the
        last byte.

        Args:
            x, y: values at n times of equal distance, in their order: as for `estimate`, of one
                column each or several.
            lags: whole numbers of steps, each once.
            given: one or more series that are known at both times, t and t + k.
            nan: "raise" refuses values that are not finite; "omit" leaves out, at each lag on its
                own, rows that have any.
            names: how to call x and y if they are not series with names of their own.
            permutations: 0 takes p-values for which series have no memory (beyond the condition);
                m compares with m permutations of blocks of y, which keep the memory that lasts no
                longer than a block. A condition is taken out of x and y before. It takes about a
                millisecond for each lag and permutation.
            block: samples in a block; None: four times the memory of the series that has the
                shorter one, at least the cube root of n and at most a tenth of n. Memory is the
                first lag at which the autocorrelation of ranks is below 2 / sqrt(n).
            seed: of the permutations and of the order of ties, a whole number from 0.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            Estimates with intervals and p-values at all lags, and the lag of the largest; nats.

        Raises:
            InputError: as for `estimate`, lags that are not whole numbers, none, one twice, one
                that leaves too few samples, or a block without permutations.

        Example:
            >>> infonet.lagged(frame["rain"], frame["river"], lags=range(-10, 11)).peak
            3
        """
        permutations, block, seed = check_block(permutations, block, seed)
        return lagged(
            self.engine.with_seed(seed),
            *(x, y, lags, given, nan, names, permutations, block, self.threads, progress),
        )

    @names_lack_of_memory
    def transfer_entropy(
        self,
        source: Any,
        target: Any,
        history: int = 1,
        lag: int = 1,
        given: Any = None,
        permutations: int = 0,
        block: int | None = None,
        nan: Missing = "raise",
        names: tuple[str, str] = ("source", "target"),
        seed: int = 0,
        *,
        progress: bool | None = None,
    ) -> Estimate:
        """Estimate the transfer entropy from one series to another (Schreiber 2000).

        It is what the past of the source tells of the target beyond the target's own past, the
        conditional mutual information

            I(target_t ; source_t-lag .. source_t-lag-history+1 | target_t-1 .. target_t-history)

        Args:
            source, target: values at n times of equal distance, in their order: lists, arrays [n]
                or series; or several columns each, as for `estimate`.
            history: steps of the past of the source and of the target, from 1.
            lag: steps from the source to the target, from 1.
            given: one or more further series, known at the times at which the source is.
            permutations: 0 takes the p-value for which the target has no memory beyond its
                history; m compares with m permutations of blocks, see `lagged`.
            block: samples in a block, see `lagged`.
            nan: "raise" refuses values that are not finite; "omit" leaves out times at which any
                of these values is missing.
            names: how to call series that have no names of their own.
            seed: of the permutations and of the order of ties, a whole number from 0.
            progress: show a progress bar; None: if standard error is a terminal.

        Returns:
            The estimate with interval, p-value and terms, whose names say the times; nats. Of
            `names`, the first is the past of the source and the second the target.

        Raises:
            InputError: as for `estimate`; a history or a lag that is not a whole number from 1 or
                leaves too few samples; a block without permutations.

        Example:
            >>> infonet.transfer_entropy(frame["rain"], frame["river"], history=2).mi
        """
        permutations, block, seed = check_block(permutations, block, seed)
        return transfer_entropy(
            self.engine.with_seed(seed),
            *(source, target, history, lag, given, nan, names, permutations, block),
            *(self.threads, progress),
        )

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
