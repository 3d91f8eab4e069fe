"""The order of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Files that keep a processor busy for 20 seconds or more. `make test` gives whole files to its
# processes in this order, so that none begins a long one when the others are done. Two that need
# the same graph stand apart: the second would wait for the first to trace it.
LONGEST = (
    "export/perceiver/test_perceiver_export.py",
    "export/engines/test_engines.py",
    "export/commands/test_export_cli.py",
    "export/perceiver/test_perceiver_processes.py",
    "export/deploy/test_portable_export.py",
    "export/copula/test_null_distribution.py",
    "runtime/pairs/test_labels.py",
    "kernels/test_block_races.py",
    "export/copula/test_training.py",
    "export/perceiver/test_perceiver_training.py",
    "runtime/pairs/test_tied_tests.py",
    "runtime/matrix/test_pairwise_ray.py",
    "runtime/vines/test_strong_effects.py",
    "runtime/sliced/test_sliced_scale.py",
    "export/evaluation/test_suites.py",
    "runtime/monitor/test_monitor_given.py",
    "test_docs.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {TESTS / name: place for place, name in enumerate(LONGEST)}
    if missing := [path for path in order if not path.is_file()]:
        raise pytest.UsageError(f"{missing[0]} of LONGEST in {__file__} is not there: name another")
    items.sort(key=lambda item: order.get(item.path, len(order)))
