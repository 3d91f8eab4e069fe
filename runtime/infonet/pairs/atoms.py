"""One value that is frequent in two continuous columns at once, as where both sensors failed.

A per cent of the samples that are (0, 0) tell a few hundredths of a nat, which neither the network
nor a correlation sees. So whether each variable has its frequent value is a table of two by two,
which is tested in all such pairs, whatever the table holds, and counted where it is evident.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.significance import log_p_values
from infonet.pairs.structure import RankedVariable

_LEAST, _TIMES = 5, 5  # samples with the value at least, and times as many as with any other one
_RARE = 0.1  # share of them at most: of more, the network sees enough
_EVIDENT = math.log(1e-3)  # log p of the table, from which its information is counted


def atom(v: RankedVariable) -> NDArray[np.bool_] | None:
    """Samples that have the one value of a number that is rather frequent, bool [n], or None."""
    if not v.tied or v.nominal or v.levels.number < 3:
        return None
    counts = v.levels.counts
    second, most = np.partition(counts, -2)[-2:]
    if not max(_LEAST, _TIMES * int(second)) <= int(most) <= _RARE * v.n:
        return None
    return np.asarray(v.levels.codes == int(counts.argmax()))


def flags(samples: NDArray[np.bool_], like: RankedVariable) -> RankedVariable:
    """Whether a sample is one of some, as a variable."""
    share = float(samples.mean())
    ranks = np.where(samples, 1 - share / 2, (1 - share) / 2).astype(np.float32)
    return RankedVariable(ranks, True, False, like.seed)


def log_p_of_atoms(x: RankedVariable, y: RankedVariable) -> float | None:
    """Logarithm of Fisher's p-value of whether two variables have their frequent values, or None.

    Whether there is one depends on each variable by itself.
    """
    first, second = atom(x), atom(y)
    if first is None or second is None:
        return None
    return log_p_values(flags(first, x), flags(second, y))[0]


def beside_common_atom(
    x: RankedVariable, y: RankedVariable
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """The samples of each variable without its frequent value, where both have that at once."""
    log_p = log_p_of_atoms(x, y)
    if log_p is None or log_p > _EVIDENT:
        return None
    first, second = atom(x), atom(y)
    assert first is not None
    assert second is not None
    return ~first, ~second
