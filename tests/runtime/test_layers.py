"""Rooms of the runtime stand in layers, and a CPU estimate passes few of their modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import infonet
import numpy as np

PACKAGE = Path(infonet.__file__).parent
# From the bottom: a room imports rooms of lines before its own, and none of its line. Shown in
# docs/explanation/architecture.md.
LAYERS = (
    ("errors", "notebook"),
    ("units",),
    ("inputs", "result"),
    ("model",),
    ("pairs",),
    ("gpu",),
    ("opening", "vines"),
    ("matrix",),
    ("series", "sliced"),
    ("vectors",),
    ("estimator",),
    ("api",),
    ("causal", "monitor", "plotting", "sklearn"),
    ("__init__",),
    ("serve",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def imports_of(path, nodes):
    """Modules of infonet, as paths below the package, that some nodes of a file import."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "infonet":
            for alias in node.names:
                parts = [*node.module.split("."), alias.name][1:]
                while parts and not any(
                    (PACKAGE.joinpath(*parts[:-1], parts[-1] + end)).exists()
                    for end in (".py", "/__init__.py")
                ):
                    parts.pop()
                yield tuple(parts) or ("__init__",)


FILES = {path.relative_to(PACKAGE).with_suffix("").parts: path for path in PACKAGE.rglob("*.py")}
TREES = {parts: ast.parse(path.read_text()) for parts, path in FILES.items()}


def test_no_arrow_runs_back_between_rooms():
    """Imports inside functions, and for types alone, count like all others."""
    wrong = set()
    for parts, tree in TREES.items():
        for found in imports_of(FILES[parts], ast.walk(tree)):
            inside = found[0] == parts[0]
            if not inside and not LEVEL[found[0]] < LEVEL[parts[0]]:
                wrong.add(f"{'.'.join(parts)} imports {'.'.join(found)}")
    assert wrong == set()


def test_modules_import_each_other_in_one_order():
    """What is imported when a module is, without circles."""
    graph = {}
    for parts, tree in TREES.items():
        found = set(imports_of(FILES[parts], tree.body))
        graph[parts] = found | {(*p, "__init__") for p in found if (*p, "__init__") in FILES}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_every_file_is_short_and_files_are_few():
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES.values())
    assert lengths[-1] <= 400
    assert 100 <= lengths[len(lengths) // 2] <= 250


CHILD = """
import sys
import numpy as np
import infonet
samples = np.random.default_rng(0).standard_normal((3, 100, 2))
estimator = infonet.Estimator()
estimator.mi(samples), estimator.estimate(*samples[0].T), estimator.pairwise(samples[0])
rooms = {tuple(name.split(".")[1:2]) for name in sys.modules if name.startswith("infonet.")}
print(*sorted(room for found in rooms for room in found))
"""


def test_estimates_of_pairs_import_neither_gpus_nor_vines():
    """Nor the functions for series: of that room the class of an answer is there, for its name."""
    found = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, check=True
    )
    rooms = set(found.stdout.split())
    assert {"estimator", "pairs", "matrix"} <= rooms
    assert not rooms & {"gpu", "vines", "causal", "cli", "plotting", "sklearn"}


# In docs/explanation/architecture.md, with what each does.
PASSED = """
    estimator inputs.arrays inputs.checks pairs.engine pairs.parallel pairs.ranking pairs.backend
    pairs.networks pairs.estimates
"""


def test_the_way_from_call_to_answer_is_short():
    """Beside `errors`, whose wrapper gives a lack of memory its words."""
    estimator = infonet.Estimator(threads=1)
    samples = np.random.default_rng(0).standard_normal((3, 100, 2))
    estimator.mi(samples)
    passed = set()

    def note(frame, event, argument):
        name = frame.f_globals.get("__name__", "")
        if event == "call" and name.startswith("infonet."):
            passed.add(name.removeprefix("infonet."))

    sys.setprofile(note)
    try:
        estimator.mi(samples)
    finally:
        sys.setprofile(None)
    assert passed - {"errors"} == set(PASSED.split())
