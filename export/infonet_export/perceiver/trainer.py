"""Train the paper's network: checkpoints after every epoch, bit-exact resume (on CPUs), any number
of processes (``torchrun``)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch
from tqdm import tqdm

from infonet_export.perceiver.config import PerceiverTraining
from infonet_export.perceiver.data import TEST, Batch, batches
from infonet_export.perceiver.order import OrderScores, Triple, judge, triples
from infonet_export.perceiver.run import Run, Tables, learning_rate, write_checkpoint
from infonet_export.training.processes import Process, join
from infonet_export.training.records import Records


def train_perceiver(
    config: PerceiverTraining,
    output: Path,
    *,
    resume: bool = True,
    device: str | None = None,
    report: Callable[[str], None] = print,
) -> Path | None:
    """Train and write ``output/checkpoint.pt`` (after every epoch), ``log.jsonl``, TensorBoard
    events and, at the end, ``model.pt`` (for export) and ``evaluation.md``: the order accuracy on
    mixtures that neither training nor validation drew.

    Continues from an existing checkpoint of the same configuration unless ``resume`` is False.
    Returns the path of model.pt; None in a process of ``torchrun`` other than the first, which
    writes nothing.
    """
    with join(device) as process:
        return _train(config, output, process, resume, report)


def _train(
    config: PerceiverTraining,
    output: Path,
    process: Process,
    resume: bool,
    report: Callable[[str], None],
) -> Path | None:
    if config.training.batch_size < process.share.size:
        raise ValueError(
            f"training.batch_size is {config.training.batch_size}, it must be at least the "
            f"number of processes ({process.share.size})"
        )
    say = report if process.main else _silent
    run = Run(config, process)
    path = output / "checkpoint.pt"
    if process.main:
        output.mkdir(parents=True, exist_ok=True)
    if resume and path.exists():
        run.resume(path)
        say(f"resuming after {run.step // config.steps_per_epoch} of {config.training.epochs} "
            "epochs")  # fmt: skip
    _train_epochs(run, output, say)
    scores = validate(run, triples(config, config.validation.test_triples, TEST))
    if not process.main:
        return None
    write_checkpoint(output / "model.pt", config, run.average)
    (output / "evaluation.md").write_text(scores.table() + "\n")
    say(str(scores))
    return output / "model.pt"


def _silent(_: str) -> None:
    pass


def _train_epochs(run: Run, output: Path, say: Callable[[str], None]) -> None:
    config, process = run.config, run.process
    records = Records(output, restart=run.step == 0) if process.main else None
    # drawn now: a file that cannot be read must not end a training of hours
    held_out = triples(config, config.validation.triples) if run.step < config.steps else []
    begin = time.perf_counter()
    source = batches(config, run.step, process.share)
    hidden = None if process.main else True
    with tqdm(total=config.steps, initial=run.step, unit="step", disable=hidden) as bar:
        while run.step < config.steps:
            mi = _train_epoch(run, source, bar)
            epoch = run.step // config.steps_per_epoch
            rate = learning_rate(run.step - 1, config)
            row = {"epoch": epoch, "step": run.step, "mi": mi, "learning_rate": rate}
            scalars = {"mi": mi, "learning_rate": rate}
            if epoch % config.validation.every == 0:
                scores = validate(run, held_out)
                order = {f"order_{k}": share for k, share in scores.accuracy.items()}
                scalars |= {"order": scores.overall, **order}
                row |= {"order": scores.overall, **order}
                say(f"epoch {epoch}: {mi:.4f} nats, {scores}")
            row["minutes"] = round((time.perf_counter() - begin) / 60, 2)
            bar.set_postfix(mi=f"{mi:.4f}")
            if records:
                records.add(row, scalars)
                run.save(output / "checkpoint.pt")
    if records:
        records.close()


def _train_epoch(run: Run, source: Iterator[Batch], bar: tqdm) -> float:
    """The mean bound of the epoch (nats), over all processes."""
    total = torch.zeros((), device=run.process.device)
    for batch in islice(source, run.config.steps_per_epoch):
        total += run.train_on(batch)
        bar.update()
    mi = float(run.process.total(total)) / run.config.data.distributions
    if not math.isfinite(mi):
        epoch = (run.step - 1) // run.config.steps_per_epoch
        raise FloatingPointError(
            f"the loss is not finite in epoch {epoch}: lower training.learning_rate"
        )
    return mi


def validate(run: Run, held_out: list[Triple]) -> OrderScores:
    """Order accuracy of what would be exported now."""
    tables = Tables(run.average, run.config.training.precision).to(run.process.device)
    return judge(tables, held_out, run.config.training.batch_size, run.process)
