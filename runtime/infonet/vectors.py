"""What an estimator answers of two variables: of one or several columns, given others, in time.

The rooms of vines and series are imported where they are used: an estimate of one pair, which most
programs want, starts faster without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infonet.errors import InputError, names_lack_of_memory
from infonet.inputs.checks import Missing, as_whole_number, check_missing_policy
from infonet.inputs.variables import as_variables
from infonet.pairs.engine import PairEngine
from infonet.pairs.single import estimate_pair
from infonet.result import Estimate, IndependenceTest
from infonet.series.profile import LagProfile


class VectorMethods:
    """Methods of `Estimator` that take two variables, or one, and give one answer.

    Attributes:
        engine: estimates pairs of columns.
        threads: to spread work over.
    """

    engine: PairEngine
    threads: int

    @names_lack_of_memory
    def estimate(
        self,
        x: Any,
        y: Any,
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
                monotone transforms change nothing; but of columns that others nearly tell, values
                count, too.
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
        left, right, condition = as_variables(x, y, given, names)
        if condition is None and left.alone is not None and right.alone is not None:
            return estimate_pair(engine, left.alone, right.alone, nan, permutations)
        from infonet.vines.estimate import estimate_vectors

        if permutations:
            raise InputError(
                f"permutations is {permutations} for several columns or a condition, allowed is "
                "0: their test needs none"
            )
        return estimate_vectors(
            *(engine, left, right, condition), nan=nan, threads=self.threads, progress=progress
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
        from infonet.vines.estimate import independence_test

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
        from infonet.vines.estimate import total_correlation

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
        from infonet.series.lagged import lagged
        from infonet.series.shifts import check_block

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
        from infonet.series.shifts import check_block
        from infonet.series.transfer import transfer_entropy

        permutations, block, seed = check_block(permutations, block, seed)
        return transfer_entropy(
            self.engine.with_seed(seed),
            *(source, target, history, lag, given, nan, names, permutations, block),
            *(self.threads, progress),
        )
