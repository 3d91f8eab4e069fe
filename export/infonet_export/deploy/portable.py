"""``infonet export --portable``: one file of standard operators, compared with the runtime.

What the file holds is put together by `infonet.model.portable`, as for the model in the package.
Here the model that it is made of is exported first, to a folder that does not last.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from infonet import Estimator
from infonet.model.load import Model, core_path, load_model
from infonet.model.portable import portable_file, write_portable
from infonet.pairs.ranking import is_tied, rank_columns
from infonet.pairs.refine import LARGE, SHARP
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from infonet_export.checkpoints import Checkpoint, open_checkpoint
from infonet_export.onnx.precision import Precision
from infonet_export.onnx.verify import ParityError, draw_samples, session
from infonet_export.onnx.write import all_or_none
from infonet_export.perceiver.published import is_perceiver

# Largest differences from the runtime in nats. In float16 the order of operations, which is ONNX
# Runtime's choice, shows.
TOLERANCES: dict[Precision, float] = {"fp32": 1e-5, "fp16": 5e-3}
SIZES = 20, 129, 1151, 5000, 100_000
LONGEST = 5000  # for the paper's network, which reads every sample
BATCH = 3


@dataclass(frozen=True)
class PortableExport:
    """A portable file, and how far it is from the runtime on ``sets`` sets of samples: its MI
    (nats), and its largest difference of all, of the score as a share."""

    path: Path
    sets: int
    mi: float
    worst: float

    def __str__(self) -> str:
        return (
            f"parity with the runtime on {self.sets} sets of samples: mi {self.mi:.1e} nats, "
            f"any output {self.worst:.1e}"
        )


def export_portable(
    checkpoint: Path | Checkpoint, output: Path, *, table: bool = False, **options: Any
) -> PortableExport:
    """Write a checkpoint of either architecture as one file that needs no custom operators.

    table: whether the file gives the table, too. options: of `export_checkpoint` or
    `export_perceiver`. Raises ValueError for a file that is no checkpoint, ModelError for soft
    ranks that standard operators cannot say, and ParityError, leaving no file behind, when the
    file and the runtime differ.
    """
    from infonet_export.copula.export import export_checkpoint
    from infonet_export.perceiver.export import export_perceiver

    source = open_checkpoint(checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        native = Path(folder) / "model.onnx"
        if is_perceiver(source.state):
            export_perceiver(source, native, core=True, splat="scatter", **options)
        else:
            export_checkpoint(source, native, **options)
        core = load_model(core_path(native))
        with all_or_none([output]) as partial:
            content = portable_file(core.path.read_bytes(), core, table)
            partial[output].write_bytes(content)
            report = check_portable(partial[output], load_model(native))
    return PortableExport(output, *report)


def write_checked(source: Path, path: Path, options: dict[str, Any]) -> Model:
    """Write the portable file of a checkpoint, with options of `export_portable`, or of a model
    file with its core beside it, and compare it with the runtime. Returns what it says of itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".onnx":
        export_portable(source, path, **options)
        return load_model(path)
    with all_or_none([path]) as partial:
        write_portable(partial[path], source)
        check_portable(partial[path], load_model(source))
    return load_model(path)


def outputs_of(model: Model) -> dict[str, int | None]:
    """Names of the outputs of a portable file without a table, and how many values each has for a
    pair; None: just one."""
    found: dict[str, int | None] = {"mi": None}
    if model.quantile_levels:
        found["quantiles"] = len(model.quantile_levels)
    if model.test_statistic == "score":
        found["score"] = None
    return {**found, "tied": None}


def check_portable(portable: Path, native: Model) -> tuple[int, float, float]:
    """Compare a portable file with the model that it was made of.

    All samples are compared with the graph of custom operators, bounded by the kernels' entropy,
    alone and in batches; continuous ones with `Estimator`, too, where it gives the network's answer
    as it is.

    Returns:
        Sets of samples, and the largest differences: of MI, and of any output.

    Raises:
        ParityError: a difference beyond `TOLERANCES`.
    """
    running = session(portable, custom_ops=False)
    other = session(native.path, custom_ops=True)
    names = [value.name for value in running.get_outputs()]
    estimator = Estimator(model=native.path, threads=1)
    worst = dict.fromkeys([*names, "estimator"], 0.0)
    sets = 0
    longest = SIZES[-1] if native.architecture == "copula" else LONGEST
    for seed, n in enumerate(n for n in SIZES if n <= longest):
        n = max(n, native.n_min)
        for samples in _samples(np.random.default_rng(seed), n):
            got = dict(zip(names, running.run(names, {"samples": samples}), strict=True))
            alone = running.run(names, {"samples": samples[-1:]})
            expected = _expected(other, samples, names)
            for name, one in zip(names, alone, strict=True):
                for a, b in ((got[name], expected[name]), (one, expected[name][-1:])):
                    worst[name] = max(worst[name], _distance(name, a, b))
            if n < LARGE and not expected["tied"].any():
                own = got["mi"] <= SHARP  # beyond, the runtime gives a better one
                mi = estimator.mi(samples[own], progress=False)
                worst["estimator"] = max(worst["estimator"], _distance("mi", got["mi"][own], mi))
            sets += len(samples)
    limit = TOLERANCES["fp32" if native.precision == "fp32" else "fp16"]
    wrong = [name for name, value in worst.items() if not value <= limit]  # NaN is wrong, too
    if wrong:
        raise ParityError(
            f"export refused: the portable file is {worst[wrong[0]]:.1e} from the runtime in "
            f"{wrong[0]}, {limit:g} is allowed"
        )
    return sets, max(worst["mi"], worst["estimator"]), max(worst.values())


def _samples(rng: np.random.Generator, n: int) -> list[NDArray[np.float32]]:
    """Batches [BATCH, n, 2]: continuous; rounded to steps; few levels, zeros and a constant."""
    continuous = draw_samples(rng, BATCH, n)
    normal = rng.standard_normal((BATCH, n, 2)).astype(np.float32)
    normal[..., 1] += normal[..., 0]
    few = np.round(normal)
    few[1, : n - n // 4] = 0
    few[2, :, 1] = 7
    return [continuous, np.round(normal, 1), few]


def _expected(
    running: InferenceSession, samples: NDArray[np.float32], names: list[str]
) -> dict[str, NDArray[Any]]:
    """What the graph with custom operators gives, bounded by the entropy of tied columns."""
    asked = [name for name in names if name != "tied"]
    answers: list[NDArray[Any]] = running.run(asked, {"samples": samples})
    found = dict(zip(asked, answers, strict=True))
    columns = samples.transpose(0, 2, 1).reshape(-1, samples.shape[1])
    ranked = rank_columns(list(columns))
    bound = np.maximum(ranked.entropy.reshape(-1, 2).min(1), 0).astype(np.float32)
    found["mi"] = np.minimum(found["mi"], bound)
    if "quantiles" in found:
        found["quantiles"] = np.minimum(found["quantiles"], bound[:, None])
    tied = is_tied(ranked.entropy, samples.shape[1]).reshape(-1, 2)
    found["tied"] = np.asarray(tied.any(axis=1))
    return found


def _distance(name: str, got: NDArray[Any], expected: NDArray[Any]) -> float:
    difference = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    if name in ("score", "table"):  # log odds grow with the samples; a table is steep at its edges
        difference /= 1 + np.abs(expected)
    return float(difference.max(initial=0))
