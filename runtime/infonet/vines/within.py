"""What is left of a column within levels of a condition: categories, frequent values, codes."""

from __future__ import annotations

import math

import numpy as np

from infonet.inputs.checks import Column
from infonet.model.libraries import kernels
from infonet.pairs.ranking import fingerprint
from infonet.vines.copula import Ranks, rank
from infonet.vines.discrete import ALONE, Codes, frequent
from infonet.vines.trace import Untraced

_IN_A_CODE = 5  # samples of a value that may be a code
_CODES = 5.0  # standard deviations, by which their means differ more than chance makes it


class WithinLevels:
    """Levels of a condition: what they leave of a column are ranks within each level.

    Args:
        codes: number of the level of each sample, from 0 on without gaps, int64 [n]. Samples of no
            level have -1, and are ranked among themselves. Those of categories that are too rare
            have `ALONE`, and get random ranks, which tell nothing.
        seed: of the random place of a sample between the ranks before and after it.
    """

    def __init__(self, codes: Codes, seed: int) -> None:
        self.codes, self._seed = codes, seed
        order = np.argsort(codes, kind="stable")
        self._level = codes[order] - ALONE
        self._bounds = np.searchsorted(codes[order], np.arange(ALONE, codes.max() + 2))
        self._alone = np.flatnonzero(codes == ALONE)

    @property
    def seen(self) -> float:
        """See `condition.Condition`."""
        return 1.0

    def untraced(self, u: Ranks, v: Ranks) -> Untraced | None:
        """See `condition.Condition`: ranks within levels hold no trace."""
        return None

    def out_of(self, column: Ranks, values: Column | None = None) -> Ranks:
        """See `condition.Condition`; values beyond their ranks tell nothing here."""
        order = np.argsort(self.codes + column.astype(np.float64), kind="stable")
        start, size = self._bounds[:-1], np.diff(self._bounds)
        place = np.arange(column.size) - start[self._level]
        # Within its place a sample lies anywhere: the middle of the first place would tell the size
        # of a level, and so which level it is.
        random = np.random.default_rng([self._seed, fingerprint(column), 1])
        within = np.empty(column.size)
        within[order] = (place + random.random(column.size)) / size[self._level]
        if self._alone.size:
            within[self._alone] = random.random(self._alone.size)
        return rank([within])[0]


class MayBeCodes:
    """Values of a tied column of a condition that are taken for numbers, and may be codes.

    Args:
        values: number of the value of each sample, int64 [n].
        seed: as that of `WithinLevels`.

    Attributes:
        seen: share of a dependence that is seen where columns were ranked within codes; 1 where
            none was.
    """

    def __init__(self, values: Codes, seed: int) -> None:
        self.seen = 1.0
        self._codes = frequent(values, _IN_A_CODE)
        self._counts = np.bincount(self._codes[self._codes >= 0])
        self._seed = seed

    def out_of(self, left: Ranks) -> Ranks:
        """What is left of a column, mid-ranks [n], ranked within codes if these tell of it."""
        if not self._tell(left):
            return left
        inside = (self._counts - 2) / (self._counts + 1)
        self.seen = min(self.seen, float(self._counts @ inside) / left.size)
        codes = np.where(self._codes < 0, ALONE, self._codes)
        return WithinLevels(codes, self._seed).out_of(left)

    def _tell(self, left: Ranks) -> bool:
        """Whether means of the values differ: chi-squared with a degree for each of them."""
        if self._counts.size < 2:
            return False
        scores = kernels().normal_scores(left).astype(np.float64)
        some = self._codes >= 0
        sums = np.bincount(self._codes[some], scores[some])
        squares = float((sums * sums / self._counts).sum() / (scores * scores).mean())
        return (squares - sums.size) > _CODES * math.sqrt(2 * sums.size)
