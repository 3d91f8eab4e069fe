"""Tests of conditional independence for causal discovery, for causal-learn, pgmpy and others.

    >>> from causallearn.search.ConstraintBased.PC import pc
    >>> graph = pc(data, 0.01, infonet.causal.register_causal_learn())
    >>> graph = PC(ci_test=infonet.causal.PgmpyTest(frame)).fit(frame)  # of pgmpy

The tests are those of `infonet.conditional_independence`. Every one is computed once, and so is
what tests with the same condition have in common. Nothing here imports causal-learn or pgmpy before
it is asked for.
"""

from __future__ import annotations

import importlib
import json
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from infonet.api import default_estimator
from infonet.errors import InputError, MissingExtraError, names_lack_of_memory
from infonet.estimator import Estimator
from infonet.inputs.checks import as_whole_number, check_finite, check_length
from infonet.inputs.open import open_columns
from infonet.inputs.variables import NamedColumn, log_notes
from infonet.vines.estimate import check_model
from infonet.vines.singles import NOTHING, Cleared, SingleAnswer, SinglesGiven
from infonet.vines.variables import MOST_SAMPLES, MOST_VARIABLES

__all__ = ["IndependenceTests", "PgmpyTest", "register_causal_learn"]

_KEPT = 1 << 28  # bytes of columns that conditions were taken out of, kept for later tests


class IndependenceTests:
    """Tests of conditional independence of pairs of columns of one table.

    The p-values are those of `infonet.conditional_independence`, to the byte, whatever the order of
    the tests. They assume rows that are independent draws.

    Args:
        data: n samples of d columns, all finite real numbers or what becomes numbers: array
            [n, d], mapping from names to columns, or data frame.
        estimator: None for the model in the package.
        seed: of the random order of ties, a whole number from 0.

    Attributes:
        names: of the columns; those of an array are "0", "1", and so on.
        samples: n.

    Raises:
        InputError: not real numbers, not finite, fewer than 20 or more than 10^6 samples, or a
            model without conditional mutual information.

    Example:
        >>> tests = infonet.causal.IndependenceTests(frame)
        >>> tests.p_value("rain", "yield", ["season"])
    """

    @names_lack_of_memory
    def __init__(self, data: Any, *, estimator: Estimator | None = None, seed: int = 0) -> None:
        self._estimator = estimator or default_estimator()
        self._engine = self._estimator.engine.with_seed(as_whole_number(seed, "seed", 0))
        check_model(self._engine.model)
        source = open_columns(data, None)
        log_notes(source.notes)
        self.names = list(source.names)
        self._columns = [source.load(place) for place in range(len(self.names))]
        self._nominal = list(source.nominal)
        if not self.names:
            raise InputError("data has no columns: pass two at least")
        for name, column in zip(self.names, self._columns, strict=True):
            check_length(column.size, self._engine.model.n_min, f"column {name!r}")
            check_finite(column, f"column {name!r}", can_omit=False)
        self.samples = n = self._columns[0].size
        if n > MOST_SAMPLES:
            raise InputError(
                f"data has {n:,} samples, at most {MOST_SAMPLES:,} are allowed: pass a part of them"
            )
        self._begin()

    def _begin(self) -> None:
        self._places = {name: place for place, name in enumerate(self.names)}
        self._answers: dict[tuple[int, int, tuple[int, ...]], SingleAnswer] = {}
        self._given: OrderedDict[tuple[int, ...], _Given] = OrderedDict()
        # a condition keeps itself and a few columns, or all of them at most
        self._most = max(4, _KEPT // (4 * self.samples * (len(self.names) + 4)))

    def __deepcopy__(self, memo: Any) -> IndependenceTests:
        return self  # causal-learn copies the test with each graph; the data do not change

    def __getstate__(self) -> tuple[Any, ...]:
        facts = self.names, self._columns, self._nominal, self.samples
        return self._estimator, self._engine.seed, *facts

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._estimator, seed, self.names, self._columns, self._nominal, self.samples = state
        self._engine = self._estimator.engine.with_seed(seed)
        self._begin()

    def p_value(self, x: Hashable, y: Hashable, given: Sequence[Hashable] = ()) -> float:
        """The p-value of independence of two columns given others.

        Args:
            x, y: names or positions of two columns.
            given: names or positions of others, at most 126; empty tests independence.

        Returns:
            From 0 to 1; 1 if x or y is constant, or known from a copy among the others.

        Raises:
            InputError: no such column, or one that is there twice.
        """
        return self.test(x, y, given).p_value

    def mutual_information(self, x: Hashable, y: Hashable, given: Sequence[Hashable] = ()) -> float:
        """Conditional mutual information in nats; see `p_value`."""
        return self.test(x, y, given).mi

    @names_lack_of_memory
    def test(self, x: Hashable, y: Hashable, given: Sequence[Hashable] = ()) -> SingleAnswer:
        """Both, `mi` in nats and `p_value`; see `p_value`."""
        first, second = sorted((self._place(x), self._place(y)))
        others = tuple(sorted({self._place(name) for name in given}))
        if first == second or {first, second} & set(others):
            raise InputError(
                f"x, y and given are {x!r}, {y!r} and {list(given)!r}, but x and y must differ "
                "from each other and from all that is given"
            )
        if len(others) + 2 > MOST_VARIABLES:
            raise InputError(
                f"{len(others)} columns are given, at most {MOST_VARIABLES - 2} are allowed"
            )
        key = (first, second, others)
        if key not in self._answers:
            self._answers[key] = self._compute(*key)
        return self._answers[key]

    def _compute(self, x: int, y: int, given: tuple[int, ...]) -> SingleAnswer:
        columns, seed = self._columns, self._engine.seed
        if not given:
            if any((columns[place] == columns[place][0]).all() for place in (x, y)):
                return NOTHING
            one, other = (NamedColumn("x", columns[i], (), self._nominal[i]) for i in (x, y))
            found = self._estimator.estimate(one, other, seed=seed)
            return SingleAnswer(found.mi, 1.0 if found.p_value is None else found.p_value)
        known = self._given.pop(given, None)
        if known is None:
            nominal = [self._nominal[place] for place in given]
            others = [columns[place] for place in given]
            names = [f"column {self.names[place]!r}" for place in given]
            known = _Given(SinglesGiven(self._engine, others, nominal, names))
        self._given[given] = known  # the newest last
        while len(self._given) > self._most:
            self._given.popitem(last=False)
        left, right = (known.clear(i, columns[i], self._nominal[i]) for i in (x, y))
        return known.given.pair(left, right)

    def _place(self, name: Hashable) -> int:
        # a frame may be named by numbers, so names go first
        found = self._places.get(str(name))
        if found is None and isinstance(name, (int, np.integer)) and 0 <= name < len(self.names):
            found = int(name)
        if found is None:
            names = ", ".join(self.names[:10]) + (", …" if len(self.names) > 10 else "")
            raise InputError(f"column {name!r} does not exist: choose from {names}")
        return found


class _Given:
    """A condition, and the columns that it was taken out of so far."""

    def __init__(self, given: SinglesGiven) -> None:
        self.given = given
        self._cleared: dict[int, Cleared | None] = {}

    def clear(self, place: int, column: Any, nominal: bool) -> Cleared | None:
        if place not in self._cleared:
            self._cleared[place] = self.given.clear(column, nominal)
        return self._cleared[place]


class PgmpyTest:
    """A test of conditional independence that pgmpy's `PC` takes as `ci_test`.

    It is called as pgmpy calls its own tests, of versions before and since 1.0. One object serves
    one thread: pass `n_jobs=1`.

    Args:
        data: data frame; None takes the one that older versions of pgmpy pass with each test.
        estimator: None for the model in the package.
        seed: of the random order of ties.

    Attributes:
        p_value_: of the last test.
        effect_size_: conditional mutual information of the last test, nats.
        statistic_: of the last test, 2 n times that.

    Raises:
        InputError: as `IndependenceTests`.

    Example:
        >>> from pgmpy.causal_discovery import PC
        >>> PC(ci_test=infonet.causal.PgmpyTest(frame), n_jobs=1).fit(frame).causal_graph_
    """

    def __init__(
        self, data: Any = None, *, estimator: Estimator | None = None, seed: int = 0
    ) -> None:
        self._estimator, self._seed = estimator, seed
        self._data: Any = None
        self._tests: IndependenceTests | None = None
        if data is not None:
            self._open(data)
        self.p_value_ = self.effect_size_ = self.statistic_ = float("nan")

    def _open(self, data: Any) -> IndependenceTests:
        if self._tests is None or data is not self._data:
            self._tests = IndependenceTests(data, estimator=self._estimator, seed=self._seed)
            self._data = data
        return self._tests

    def __call__(
        self,
        X: Hashable,  # noqa: N803
        Y: Hashable,  # noqa: N803
        Z: Sequence[Hashable] = (),  # noqa: N803
        data: Any = None,
        boolean: bool = True,
        significance_level: float = 0.05,
        **_: Any,
    ) -> bool | tuple[float, float]:
        """Test independence of columns X and Y given columns Z.

        Args:
            X, Y, Z: names of columns.
            data: data frame; None for that of the object.
            boolean: False returns the statistic and the p-value.
            significance_level: level of the test.

        Returns:
            Whether X and Y look independent given Z: the p-value is not below the level. Or
            (2 n times the conditional mutual information, p-value).

        Raises:
            InputError: as `IndependenceTests.p_value`, or no data.
        """
        if data is None and self._tests is None:
            raise InputError("PgmpyTest has no data: pass the data frame, PgmpyTest(frame)")
        tests = self._tests if data is None else self._open(data)
        assert tests is not None
        found = tests.test(X, Y, Z)
        self.p_value_, self.effect_size_ = found.p_value, found.mi
        self.statistic_ = 2 * tests.samples * found.mi
        if not boolean:
            return self.statistic_, self.p_value_
        return self.p_value_ >= significance_level


def register_causal_learn(name: str = "infonet") -> str:
    """Make the test known to causal-learn, for every algorithm that takes `indep_test`.

    Args:
        name: what to call it there. `CIT(data, name)` takes `estimator=` and `seed=`, as
            `IndependenceTests`, and `cache_path=`, as all tests of causal-learn.

    Returns:
        The name, to be passed on: `pc(data, 0.01, infonet.causal.register_causal_learn())`.

    Raises:
        MissingExtraError: causal-learn is not installed, or older than the registry of tests.

    Example:
        >>> cit = CIT(data, infonet.causal.register_causal_learn())
        >>> cit(0, 1, [2])  # the p-value of columns 0 and 1 given column 2
    """
    try:
        module: Any = importlib.import_module("causallearn.utils.cit")
        register = module.register_ci_test
    except (ImportError, AttributeError) as error:
        raise MissingExtraError(
            "register_causal_learn", "causal-learn>=0.1.4", str(error)
        ) from error

    class InfoNetTest(module.CIT_Base):  # type: ignore[misc]
        """`infonet.conditional_independence` for causal-learn."""

        def __init__(
            self, data: Any, estimator: Estimator | None = None, seed: int = 0, **options: Any
        ) -> None:
            super().__init__(data, **options)
            self.tests = IndependenceTests(data, estimator=estimator, seed=seed)
            model = (estimator or default_estimator()).model.path.name
            self.check_cache_method_consistent(name, json.dumps([model, seed]))
            self.assert_input_data_is_valid()

        def __call__(self, X: Any, Y: Any, condition_set: Any = None) -> float:  # noqa: N803
            """The p-value of columns X and Y, by their positions, given others."""
            x, y, given, key = self.get_formatted_XYZ_and_cachekey(X, Y, condition_set)
            if key not in self.pvalue_cache:
                self.pvalue_cache[key] = self.tests.p_value(x[0], y[0], given)
            return float(self.pvalue_cache[key])

    register(name, InfoNetTest)
    return name
