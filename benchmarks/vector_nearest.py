"""The nearest-neighbour estimates that vectors and conditions are compared with (k-d tree)."""

from __future__ import annotations

import json
import time

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma, ndtri
from scipy.stats import rankdata

NEIGHBOURS = 5
MOST_FOR_TREE = 20  # dimensions; a tree of 100 takes minutes to look at every pair of points


def ksg(x, y, z=None, neighbours=NEIGHBOURS, scores=False):
    """Kraskov, Stoegbauer & Grassberger (2004), their first estimator, in the maximum norm.

    With z that of Frenzel & Pompe (2007) for I(X; Y | Z). Columns are standardised, or replaced by
    normal scores. Nats; may be negative.
    """
    x, y, z = (None if v is None else columns(v, scores) for v in (x, y, z))
    n = len(x)
    if z is None and x.shape[1] + y.shape[1] > MOST_FOR_TREE:
        return brute_force(x, y, neighbours)
    joint = np.hstack([x, y] if z is None else [x, y, z])
    far = cKDTree(joint).query(joint, neighbours + 1, p=np.inf)[0][:, -1]
    reach = np.nextafter(far, 0)
    if z is None:
        near = digamma(within(x, reach)) + digamma(within(y, reach)) - digamma(n)
    else:
        near = digamma(within(np.hstack([x, z]), reach)) - digamma(within(z, reach))
        near += digamma(within(np.hstack([y, z]), reach))
    return float(digamma(neighbours) - near.mean())


def brute_force(x, y, neighbours, rows=16):
    """The same from all distances."""
    n, near = len(x), 0.0
    for first in range(0, n, rows):
        apart = []
        for v in (x, y):
            most = np.zeros((min(rows, n - first), n))
            for column in np.ascontiguousarray(v.T):
                difference = column[first : first + rows, None] - column
                np.maximum(most, np.abs(difference, out=difference), out=most)
            apart.append(most)
        reach = np.partition(np.maximum(*apart), neighbours, axis=1)[:, neighbours, None]
        near += sum(digamma((distance < reach).sum(1)).sum() for distance in apart)
    return float(digamma(neighbours) + digamma(n) - near / n)


def columns(values, scores):
    values = np.asarray(values, float).reshape(len(values), -1)
    if scores:
        return ndtri((rankdata(values, axis=0) - 0.5) / len(values))
    return (values - values.mean(0)) / values.std(0)


def within(points, reach):
    """Points no further than reach, the point itself among them."""
    if points.shape[1] > 1:
        return cKDTree(points).query_ball_point(points, reach, p=np.inf, return_length=True)
    line = np.sort(points[:, 0])
    high = np.searchsorted(line, points[:, 0] + reach, "right")
    return np.maximum(1, high - np.searchsorted(line, points[:, 0] - reach, "left"))


def saved_ksg(path, key, x, y):
    """KSG and its seconds, run once for each key: it takes minutes in 50 dimensions."""
    known = {}
    if path.exists():
        rows = (json.loads(line) for line in path.read_text().splitlines())
        known = {row["key"]: (row["mi"], row["seconds"]) for row in rows}
    if key not in known:
        start = time.perf_counter()
        known[key] = ksg(x, y), time.perf_counter() - start
        row = {"key": key, "mi": known[key][0], "seconds": round(known[key][1], 4)}
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
    return known[key]
