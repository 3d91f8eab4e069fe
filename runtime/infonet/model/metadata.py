"""What a model file says of its network: one schema, for the exporter that writes and all who read.

The entries are `metadata_props` of an ONNX file, text by name. Their order and their spelling are
part of the file, and so of its hash: what is written here stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT_VERSION = "1"
PREFIX = "infonet."
GRAPHS = ("samples", "core", "portable")
NULL_DISTRIBUTION = f"{PREFIX}null_distribution"  # known last: simulated with the file itself


@dataclass(frozen=True)
class TableLayout:
    """Where the values of a table lie, in units of ranks (or of values scaled to [0, 1]).

    Attributes:
        first_axis: "x" or "y", the variable along the first axis of the graph's output. Tables
            that infonet returns always have x first.
        nodes: positions of the first and the last value; None where the values belong to cells,
            which divide [0, 1] evenly.
    """

    first_axis: str = "x"
    nodes: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """The network of a model file.

    Attributes:
        architecture: "copula" (the one in the package) or "perceiver" (the network of the paper).
        graph: "samples" (raw samples in), "core" (what the kernels make of them in), or "portable"
            (raw samples in, without custom operators).
        eps, normalize: preprocessing, the attributes of the SoftRank kernel.
        histogram_grid: cells per axis of the input histogram; 0: the network reads none.
        table_grid: values per axis of the table.
        table_layout: where those values lie.
        quantile_levels: levels of the quantiles that the network gives; empty: it gives none, and
            estimates have no interval.
        n_min, n_max: range of sample counts that the network was trained on.
        test_statistic: "score" if the network gives one for tests of independence, else "mi".
        precision: "fp32" or "fp16".
        parameters: how many the network has.
        version: of infonet, which exported it.
        checkpoint_sha256: of the checkpoint that it came from, hexadecimal.
        null_distribution: of the test statistic under independence, as `NullDistribution` reads it;
            empty or None: there is none.
        network: the formulas that the graph follows, by a name, so that kernels that have them
            compiled may compute in its place; None: the graph alone says.
        attention_grid, core_inputs, marginal: how the paper's network was rewritten, for readers.
    """

    architecture: str
    graph: str = "samples"
    eps: float
    normalize: str
    histogram_grid: int
    table_grid: int
    table_layout: TableLayout = TableLayout()
    quantile_levels: tuple[float, ...]
    n_min: int
    n_max: int
    test_statistic: str = "mi"
    precision: str
    parameters: int
    version: str
    checkpoint_sha256: str
    null_distribution: str | None = field(default=None, repr=False)
    network: str | None = None
    attention_grid: str | None = None
    core_inputs: str | None = None
    marginal: str | None = None

    def to_props(self) -> dict[str, str]:
        """The entries in their order, without those that are None or what a reader assumes."""
        layout, statistic = self.table_layout, self.test_statistic
        entries = {
            "format_version": FORMAT_VERSION,
            "architecture": self.architecture,
            "preprocessing": json.dumps({"eps": self.eps, "normalize": self.normalize}),
            "histogram_grid": str(self.histogram_grid),
            "attention_grid": self.attention_grid,
            "table_grid": str(self.table_grid),
            "table_layout": None if layout == TableLayout() else _layout_text(layout),
            "quantile_levels": json.dumps(self.quantile_levels),
            "n_min": str(self.n_min),
            "n_max": str(self.n_max),
            "test_statistic": None if statistic == "mi" else statistic,
            "precision": self.precision,
            "parameters": str(self.parameters),
            "null_distribution": self.null_distribution,
            "core_inputs": self.core_inputs,
            "version": self.version,
            "checkpoint_sha256": self.checkpoint_sha256,
            "marginal": self.marginal,
            "graph": self.graph,
            "network": self.network,
        }
        return {PREFIX + name: text for name, text in entries.items() if text is not None}

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> ModelMetadata:
        """Read and check the entries of a file.

        Raises:
            KeyError: one is missing.
            ValueError, TypeError: one is malformed.
        """
        preprocessing = json.loads(props["infonet.preprocessing"])
        graph, normalize = props["infonet.graph"], str(preprocessing["normalize"])
        levels = tuple(float(level) for level in json.loads(props["infonet.quantile_levels"]))
        statistic = props.get("infonet.test_statistic", "mi")
        if statistic not in ("mi", "score"):
            raise ValueError(f"test statistic is {statistic!r}, allowed are 'mi' and 'score'")
        if graph not in GRAPHS:
            raise ValueError(f"graph is {graph!r}, allowed are {', '.join(GRAPHS)}")
        if normalize not in ("midrank", "over_n", "minmax"):
            raise ValueError(f"normalize is {normalize!r}, allowed are midrank, over_n and minmax")
        if len(levels) == 1 or sorted(levels) != list(levels):
            raise ValueError(f"quantile levels {levels} do not increase")
        return ModelMetadata(
            architecture=props["infonet.architecture"],
            graph=graph,
            eps=float(preprocessing["eps"]),
            normalize=normalize,
            histogram_grid=int(props["infonet.histogram_grid"]),
            table_grid=int(props["infonet.table_grid"]),
            table_layout=_layout(props.get("infonet.table_layout", "")),
            quantile_levels=levels,
            n_min=int(props["infonet.n_min"]),
            n_max=int(props["infonet.n_max"]),
            test_statistic=statistic,
            precision=props["infonet.precision"],
            parameters=int(props["infonet.parameters"]),
            version=props["infonet.version"],
            checkpoint_sha256=props["infonet.checkpoint_sha256"],
            null_distribution=props.get(NULL_DISTRIBUTION),
            network=props.get("infonet.network"),
            attention_grid=props.get("infonet.attention_grid"),
            core_inputs=props.get("infonet.core_inputs"),
            marginal=props.get("infonet.marginal"),
        )


def _layout(text: str) -> TableLayout:
    if not text.strip():
        return TableLayout()
    fields = json.loads(text)
    first, low, high = fields["first_axis"], float(fields["low"]), float(fields["high"])
    if first not in ("x", "y"):
        raise ValueError(f"the first axis of the table is {first!r}, allowed are 'x' and 'y'")
    if not low < high:
        raise ValueError(f"the nodes of the table run from {low:g} to {high:g}")
    return TableLayout(first, (low, high))


def _layout_text(layout: TableLayout) -> str:
    fields: dict[str, Any] = {"first_axis": layout.first_axis}
    if layout.nodes is not None:
        fields["low"], fields["high"] = layout.nodes
    return json.dumps(fields)
