"""Whether a p-value can be given, and if not, why not."""

from __future__ import annotations

from infonet.null import NullDistribution
from infonet.result import BOUND_NOTE


def p_value(
    null: NullDistribution | None, mi: float, n: int, tied: bool
) -> tuple[float | None, str]:
    """Return (p-value, remark or ""), or (None, the reason why there is none)."""
    if null is None:
        return None, "no p-value: the model has no null distribution"
    if tied:
        return None, "no p-value: the data have many ties, and the null distribution is for none"
    if not null.covers(n):
        low, high = int(null.n[0]), int(null.n[-1])
        return None, f"no p-value: the null distribution is known for n from {low} to {high}"
    p = null.p_value(mi, n)
    return p, BOUND_NOTE if p <= null.smallest else ""
