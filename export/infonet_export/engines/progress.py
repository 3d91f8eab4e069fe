"""Progress of a build: phases of the builder on a bar, and a way to stop it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

_TICK = 0.5  # seconds


def run_with_progress(trt: Any, config: Any, build: Callable[[], Any], label: str) -> Any:
    """``build()`` with a bar on a terminal; stops at the builder's next step on Ctrl-C.

    The build has a thread of its own: an interrupt must not unwind through the library.
    """
    bar = tqdm(
        desc=f"{label} ",
        bar_format="{desc}{bar} {n_fmt}/{total_fmt} {elapsed}",
        total=1,
        leave=False,
        disable=not sys.stderr.isatty(),
    )
    monitor = _monitor(trt, bar, label)
    config.progress_monitor = monitor
    results: list[Any] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(build())
        except BaseException as error:  # handed to the caller's thread
            failures.append(error)

    thread = threading.Thread(target=work, name="infonet-build")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_TICK)
            bar.refresh()
    except BaseException:
        monitor.stopped.set()
        thread.join()
        raise
    finally:
        bar.close()
    if failures:
        raise failures[0]
    return results[0]


def _monitor(trt: Any, bar: Any, label: str) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """The outermost phase fills the bar; the innermost one names it."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.stopped = threading.Event()
            self.outer: str | None = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if parent_phase is None:
                self.outer = phase_name
                bar.reset(total=num_steps)
            bar.set_description_str(f"{label}: {phase_name} ", refresh=False)

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name == self.outer:
                bar.n = step + 1
            return not self.stopped.is_set()

        def phase_finish(self, phase_name: str) -> None:
            pass

    return Monitor()
