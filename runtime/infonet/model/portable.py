"""One file of standard operators that any ONNX runtime runs: from samples to mutual information.

A core begins at what the kernels compute. Here the kernels are said in operators of ONNX: sorting
(TopK) and running sums give average ranks, sums at places (ScatterElements) the joint histogram.
Whole numbers and double precision, rounded where the kernels round, make it the same bytes.

ScatterND, which could add, too, must not be used: ONNX Runtime's kernel for CPUs is silently wrong
with two threads or more (https://github.com/microsoft/onnxruntime/issues/18048).

Other programs neither check samples nor know how `infonet` treats ties. So the file gives NaN where
`infonet` refuses, it bounds estimates by the entropy of tied variables (0 for a constant), and its
output `tied` is true where `infonet` would count or break ties instead.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from infonet.errors import ModelError
from infonet.model.load import Model, core_of, load_model
from infonet.model.metadata import ModelMetadata
from infonet.model.onnx_graph import Nodes, Value, put_around
from infonet.model.onnx_metadata import with_content_hash

_LARGEST = float(np.finfo(np.float32).max)
_END = np.iinfo(np.int64).max
_SAMPLES = Value("samples", np.float32, ("batch", "n", 2))
_NETWORK = "network."  # before the names of the network's outputs
# More than a few values of a tied column are equal: as `infonet.pairs.ranking.is_tied` says it.
FEW_TIES = 0.02


def portable_file(core: bytes, metadata: ModelMetadata, table: bool = False) -> bytes:
    """The whole estimator in standard operators.

    Args:
        core: content of a core: from histograms (copula) or from ranks (the paper's network) on.
        metadata: of that core.
        table: whether the file is to give the table, too.

    Returns:
        An ONNX file. Its input is `samples` float32 [batch, n, 2]; its outputs are `mi` [batch],
        where the network has them `quantiles` [batch, levels] and `score` [batch], `table`
        [batch, size, size] if asked for, and `tied` bool [batch].

    Raises:
        ModelError: the network reads soft ranks that are neither ranks nor affine for every n.
    """
    front, back, outputs = _around(metadata, table)
    props = replace(metadata, graph="portable", core_inputs=None).to_props()
    renamed = {value.name: f"{_NETWORK}{value.name}" for value in outputs}
    content = put_around(core, front, back, [_SAMPLES], outputs, renamed, props)
    return with_content_hash(content)


def portable_parts(core: bytes, metadata: ModelMetadata) -> tuple[bytes, bytes]:
    """What a portable file does before the network and after it, for a network that runs elsewhere.

    Args:
        core: content of a core, of which the files take the versions of operators and no nodes.
        metadata: of that core, which reads histograms.

    Returns:
        Two ONNX files. The first one reads `samples` float32 [batch, n, 2] and gives `histogram`
        float32 [batch, grid, grid], which the network reads, `bound` float32 [batch] (nats),
        `allowed` and `tied` bool [batch]. The second one reads the outputs of the network, called
        `network.mi` and so on, with `bound` and `allowed`, and gives them as a portable file does.

    Raises:
        ModelError: as `portable_file`.
    """
    front, back, outputs = _around(metadata, table=False)
    between = [Value("bound", np.float32, ("batch",)), Value("allowed", np.bool_, ("batch",))]
    tied = outputs.pop()
    grid = metadata.histogram_grid
    first = [Value("histogram", np.float32, ("batch", grid, grid)), *between, tied]
    answers = [replace(value, name=f"{_NETWORK}{value.name}") for value in outputs]
    inside = {value.name: f"inside.{value.name}" for value in outputs}  # of nodes that nobody needs
    nothing = Nodes("")
    return (
        put_around(core, front, nothing, [_SAMPLES], first, inside, {}),
        put_around(core, nothing, back, [*answers, *between], outputs, inside, {}),
    )


def _around(metadata: ModelMetadata, table: bool) -> tuple[Nodes, Nodes, list[Value]]:
    """Nodes before the network and after it, and the outputs of both, of which `tied` is the last
    one and comes from before."""
    kind = _kind(metadata)
    front, back = Nodes("samples."), Nodes("answer.")
    columns, allowed = _columns(front, metadata.n_min)
    ties = _Ties(front, columns)
    if kind == "minmax":
        ranks = _min_max(front, columns)
    else:
        ranks = ties.ranks(0 if kind == "midrank" else 1)
    if metadata.histogram_grid:
        _histogram(front, ranks, metadata.histogram_grid)
    else:
        front.add("Transpose", ranks, perm=(0, 2, 1), name="ranks")
    bound, tied = ties.entropy()
    front.add("Max", bound, front.constant(0, np.float32), name="bound")
    front.add("Identity", allowed, name="allowed")
    front.add("And", tied, allowed, name="tied")
    names = ["mi", *["quantiles"] * bool(metadata.quantile_levels)]
    names += ["table"] * table + ["score"] * (metadata.test_statistic == "score")
    for name in names:
        _answer(back, name)
    size, levels = metadata.table_grid, len(metadata.quantile_levels)
    shapes = {"quantiles": ("batch", levels), "table": ("batch", size, size)}
    outputs = [Value(name, np.float32, shapes.get(name, ("batch",))) for name in names]
    return front, back, [*outputs, Value("tied", np.bool_, ("batch",))]


def write_portable(path: str | Path, model: str | Path | None = None, table: bool = False) -> Model:
    """Write a copula model, by default the one in the package, as a portable file.

    Args:
        path: of the file to write.
        model: a model file with its core beside it, or a core.
        table: whether the file is to give the table, too.

    Returns:
        What the new file says of itself.

    Raises:
        ModelError: there is no core, or it is of another architecture.
    """
    found = load_model(model)
    core = core_of(found) if found.architecture == "copula" else None
    if core is None:
        raise ModelError(
            f"{found.path} has no core of a copula model beside it, which portable files are made "
            "of: run  infonet export CHECKPOINT --portable -o FILE"
        )
    content = portable_file(core.path.read_bytes(), core, table)
    target = Path(path)
    partial = target.with_name(f"{target.name}.partial")
    partial.write_bytes(content)
    partial.replace(target)
    return load_model(target)


def _kind(metadata: ModelMetadata) -> str:
    """How columns become what the network reads."""
    eps, normalize = metadata.eps, metadata.normalize
    if eps == 0 and normalize in ("midrank", "over_n"):
        return normalize
    # Values from 0 to 1 are pooled into one block from this n on: soft ranks are affine.
    if normalize == "minmax" and eps > 0 and 1 / eps <= metadata.n_min / 2:
        return normalize
    raise ModelError(
        f"soft ranks with eps = {eps:g} and {normalize!r} have no portable form: allowed are exact "
        f"ranks (midrank, over_n) and minmax with eps at least {2 / metadata.n_min:g}"
    )


def _columns(f: Nodes, n_min: int) -> tuple[str, str]:
    """Columns float32 [B, 2, n] with 0 in the place of what is not finite, and which pairs [B] are
    finite and have samples enough."""
    finite = f.add("LessOrEqual", f.add("Abs", "samples"), f.constant(_LARGEST, np.float32))
    clean = f.add("Where", finite, "samples", f.constant(0, np.float32))
    whole = f.add("ReduceMin", f.cast(finite, np.float32), f.constant([1, 2]), keepdims=0)
    length = f.add("Shape", "samples", start=1, end=2)
    enough = f.add("GreaterOrEqual", length, f.constant([n_min]))
    allowed = f.add("And", f.add("Greater", whole, f.constant(0, np.float32)), enough)
    return f.add("Transpose", clean, perm=(0, 2, 1)), allowed


class _Ties:
    """Sorted columns [B, 2, n], in which equal values are a group."""

    def __init__(self, f: Nodes, columns: str) -> None:
        self.f = f
        self.n = f.add("Shape", columns, start=2, end=3)
        self.shape = f.add("Shape", columns)
        last = f.constant([2])
        # where in the column each sorted value stands
        self.order = f.add("TopK", columns, self.n, axis=2, largest=0, sorted=1, outputs=2)
        values = f"{self.order}_0"
        later = f.add("Slice", values, f.constant([1]), f.constant([_END]), last)
        earlier = f.add("Slice", values, f.constant([0]), f.constant([-1]), last)
        begins = f.cast(f.add("Not", f.add("Equal", later, earlier)), np.int64)
        batch = f.add("Shape", columns, start=0, end=1)
        one = f.add("Concat", batch, f.constant([2, 1]), axis=0)
        begins = f.add("Concat", f.add("Expand", f.constant(0), one), begins, axis=2)
        group = f.add("CumSum", begins, f.constant(2))
        ones = f.add("Expand", f.constant(1), self.shape)
        zeros = f.add("Expand", f.constant(0), self.shape)
        self.group = group
        self.sizes = f.add("ScatterElements", zeros, group, ones, axis=2, reduction="add")

    def ranks(self, shift: int) -> str:
        """Average ranks (r - 1/2 + shift / 2) / n, float32 [B, 2, n], in the order of the columns.

        The places of a group begin after `end - size` others, so that twice their mean rank is
        2 end - size + 1.
        """
        f = self.f
        ends = f.add("CumSum", self.sizes, f.constant(2))
        twice = f.add("Sub", f.add("Add", ends, ends), self.sizes)
        if shift:
            twice = f.add("Add", twice, f.constant(shift))
        double = f.cast(f.add("Add", self.n, self.n), np.float64)
        rank = f.cast(f.add("Div", f.cast(twice, np.float64), double), np.float32)
        in_order = f.add("GatherElements", rank, self.group, axis=2)
        zeros = f.add("Expand", f.constant(0, np.float32), self.shape)
        return f.add("ScatterElements", zeros, self.order, in_order, axis=2)

    def entropy(self) -> tuple[str, str]:
        """What bounds the mutual information of each pair, float32 [B] in nats: the entropy of a
        variable with equal values, with the correction of Miller and Madow. And which pairs [B]
        have more than a few of them."""
        f = self.f
        n = f.cast(self.n, np.float64)
        own = f.add("GatherElements", f.cast(self.sizes, np.float64), self.group, axis=2)
        lost = f.add("ReduceMean", f.add("Log", own), f.constant([2]), keepdims=0)
        top = f.add("ReduceMax", self.group, f.constant([2]), keepdims=0)
        others = f.cast(top, np.float64)  # levels but one
        twice = f.add("Add", n, n)
        entropy = f.add("Add", f.add("Sub", f.add("Log", n), lost), f.add("Div", others, twice))
        one = f.constant(1, np.float64)
        missing = f.add("Sub", f.add("Sub", n, one), others)  # levels that equal values lack
        flat, distinct = f.add("Less", others, one), f.add("Less", missing, one)
        bound = f.add("Where", flat, f.constant(0, np.float64), entropy)  # without a rounding error
        bound = f.add("Where", distinct, f.constant(np.inf, np.float64), bound)
        bound = f.add("ReduceMin", bound, f.constant([1]), keepdims=0)
        excess = f.add("Add", lost, f.add("Div", missing, twice))
        most = f.add("ReduceMax", excess, f.constant([1]), keepdims=0)
        tied = f.add("Greater", most, f.constant(FEW_TIES, np.float64))
        return f.cast(bound, np.float32), tied


def _min_max(f: Nodes, columns: str) -> str:
    """(value - smallest) / (largest - smallest), float32 [B, 2, n]; 0.5 for a constant."""
    wide = f.cast(columns, np.float64)
    low = f.add("ReduceMin", wide, f.constant([2]), keepdims=1)
    high = f.add("ReduceMax", wide, f.constant([2]), keepdims=1)
    width = f.add("Sub", high, low)
    flat = f.add("Equal", width, f.constant(0, np.float64))
    safe = f.add("Where", flat, f.constant(1, np.float64), width)
    scaled = f.add("Div", f.add("Sub", wide, low), safe)
    return f.cast(f.add("Where", flat, f.constant(0.5, np.float64), scaled), np.float32)


def _histogram(f: Nodes, ranks: str, grid: int) -> None:
    """The joint histogram float32 [B, G, G]: each sample is shared by the four cells around it."""
    wide = f.cast(ranks, np.float64)
    place = f.add("Mul", wide, f.constant(grid, np.float64))
    place = f.add("Sub", place, f.constant(0.5, np.float64))
    ends = f.constant(0, np.float64), f.constant(grid - 1, np.float64)
    place = f.add("Clip", place, *ends)
    cell = f.add("Min", f.add("Floor", place), f.constant(grid - 2, np.float64))
    upper = f.add("Sub", place, cell)
    lower = f.add("Sub", f.constant(1, np.float64), upper)
    x, y = (f.add("Gather", cell, f.constant(axis), axis=1) for axis in (0, 1))
    corner = f.cast(f.add("Add", f.add("Mul", x, f.constant(grid, np.float64)), y), np.int64)
    near = [f.add("Add", corner, f.constant(step)) for step in (0, 1, grid, grid + 1)]
    of_x, of_y = (
        [f.add("Gather", part, f.constant(axis), axis=1) for part in (lower, upper)]
        for axis in (0, 1)
    )
    shares = [f.add("Mul", along_x, along_y) for along_x in of_x for along_y in of_y]
    cells, weights = (f.add("Concat", *parts, axis=1) for parts in (near, shares))
    batch = f.add("Shape", "samples", start=0, end=1)
    size = f.add("Concat", batch, f.constant([grid * grid]), axis=0)
    empty = f.add("Expand", f.constant(0, np.float64), size)
    counts = f.add("ScatterElements", empty, cells, weights, axis=1, reduction="add")
    f.add("Reshape", f.cast(counts, np.float32), f.constant([0, grid, grid]), name="histogram")


def _answer(b: Nodes, name: str) -> None:
    """An output of the network: bounded if it is mutual information, NaN if it is not allowed."""
    value = f"{_NETWORK}{name}"
    axes = {"quantiles": [1], "table": [1, 2]}.get(name)
    if name in ("mi", "quantiles"):
        most = b.add("Unsqueeze", "bound", b.constant(axes)) if axes else "bound"
        value = b.add("Min", value, most)
    where = b.add("Unsqueeze", "allowed", b.constant(axes)) if axes else "allowed"
    b.add("Where", where, value, b.constant(np.nan, np.float32), name=name)
