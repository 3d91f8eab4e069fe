"""Times on a GPU: CUDA events, what is compared in turns, medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

TURN = 0.02  # seconds of one contestant at a time, so that the GPU's clock falls on all alike
SLOW = 1.0  # seconds of a call
ENOUGH = 100  # calls for a 99th percentile


@dataclass(frozen=True)
class Timing:
    """Seconds. median, p99: of single calls, each waited for; p99 is None for fewer than 100.
    call: of one of many that follow each other without waiting, median over turns."""

    median: float
    p99: float | None
    call: float
    calls: int


def device_timer():
    """Seconds that some calls take, by CUDA events on the current stream."""
    import torch

    def timed(function: Callable[[], object], calls: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        for _ in range(calls):
            function()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3

    return timed


def interleaved(
    functions: dict[str, Callable[[], object]],
    timed: Callable[[Callable[[], object], int], float],
    rounds: int = 20,
    turn: float = TURN,
) -> dict[str, Timing]:
    """Time functions in turns of ``turn`` seconds, or one call if that takes longer.

    One that takes more than a second a call gets three calls: they are alike, and enough.
    """
    one = {}
    for name, function in functions.items():
        one[name] = timed(function, 1)
        if one[name] < SLOW:
            timed(function, 3)  # the first calls load kernels and capture graphs
            one[name] = timed(function, 1)
    single = {name: [] for name in functions}
    row = {name: [] for name in functions}
    for number in range(rounds):
        for name, function in functions.items():
            if one[name] >= SLOW:
                if number < 3:
                    single[name].append(timed(function, 1))
                continue
            calls = max(1, min(1000, round(turn / max(one[name], 1e-9))))
            single[name] += [timed(function, 1) for _ in range(calls)]
            row[name].append(timed(function, calls) / calls)
    return {name: summary(single[name], row[name] or single[name]) for name in functions}


def summary(single: list[float], row: list[float]) -> Timing:
    """Of seconds of single calls, and of calls in a row."""
    ordered = sorted(single)
    p99 = ordered[-(-99 * len(ordered) // 100) - 1] if len(ordered) >= ENOUGH else None
    return Timing(statistics.median(ordered), p99, statistics.median(row), len(ordered))


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table with columns of even width, numbers to the right."""
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    widths = [max(width, 2) for width in widths]
    rule = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    lines = []
    for line in (header, rule, *rows):
        cells = [line[0].ljust(widths[0])]
        cells += [text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def milliseconds(seconds: float | None) -> str:
    """Three digits; "-" for None."""
    return "-" if seconds is None else f"{1e3 * seconds:.3g}"
