"""Do the files and the compiled network say what PyTorch says? An export that is off is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import infonet_kernels
import numpy as np
import torch
from infonet.model.load import load_model
from infonet.pairs.networks import open_compiled

from infonet_export.copula.graphs import FromSamples
from infonet_export.onnx.precision import Precision
from infonet_export.onnx.verify import ParityError, draw_samples, session

# Largest differences of MI, quantiles and table (nats) and of the score (log odds). Intervals are
# widest, and their ends least exact, where n is small.
TOLERANCES: dict[Precision, tuple[float, float, float, float]] = {
    "fp32": (1e-4, 1e-4, 1e-2, 1e-2),
    "fp16": (5e-3, 2e-2, 5e-2, 5e-2),
}
OUTPUTS = ("mi", "quantiles", "table", "score")
SIZES = (20, 21, 129, 1151, 5000, 20_000)


@dataclass(frozen=True)
class ParityReport:
    """Largest absolute differences from PyTorch over ``pairs`` pairs of samples (nats)."""

    pairs: int
    mi: float
    quantiles: float
    table: float
    score: float
    core_mi: float

    def __str__(self) -> str:
        return (
            f"parity with PyTorch on {self.pairs} pairs, largest differences in nats: "
            f"mi {self.mi:.1e}, quantiles {self.quantiles:.1e}, table {self.table:.1e}, "
            f"score {self.score:.1e}, core graph's mi {self.core_mi:.1e}"
        )


def check_parity(
    reference: FromSamples, model: Path, core: Path, precision: Precision = "fp32", repeats: int = 4
) -> ParityReport:
    """Run both files, and the compiled network where there is one, on random pairs of several
    lengths; ParityError beyond the tolerances.

    reference: the network in float32, whatever the precision of the files.
    """
    sessions = session(model, custom_ops=True), session(core, custom_ops=False)
    compiled = open_compiled(load_model(core))
    worst = np.zeros(5)
    for seed, n in enumerate(SIZES):
        samples = draw_samples(np.random.default_rng(seed), repeats, n)
        with torch.no_grad():
            expected = [t.numpy() for t in reference(torch.from_numpy(samples))]
        got = [sessions[0].run(list(OUTPUTS), {"samples": samples})]
        ranks = infonet_kernels.soft_rank(samples.transpose(0, 2, 1).reshape(-1, n))
        histogram = infonet_kernels.joint_histogram(ranks[::2], ranks[1::2], reference.core.grid)
        core_mi = sessions[1].run(["mi"], {"histogram": histogram})[0]
        if compiled is not None:
            got.append(compiled.run(OUTPUTS, histogram))
        core_difference = np.abs(core_mi - expected[0]).max()
        for found in got:
            differences = [np.abs(g - e).max() for g, e in zip(found, expected, strict=True)]
            worst = np.maximum(worst, [*differences, core_difference])
    report = ParityReport(repeats * len(SIZES), *map(float, worst))
    mi, quantiles, table, score = TOLERANCES[precision]
    limits = np.array([mi, quantiles, table, score, mi])
    if not (worst <= limits).all():  # also refuses NaN
        raise ParityError(
            f"export refused: {report}; allowed: mi {mi}, quantiles {quantiles}, table {table}, "
            f"score {score}"
        )
    return report
