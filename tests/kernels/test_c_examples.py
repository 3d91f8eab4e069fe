"""The examples in C compile without warnings, and print what Python gets."""

import os
import shutil
import subprocess
from pathlib import Path

import infonet
import infonet_kernels
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "c"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
N = 1000

pytestmark = pytest.mark.skipif(
    COMPILER is None or bool(infonet_kernels.why_numpy()), reason="no C compiler, or no library"
)


def compiled(folder, name, *options):
    program = folder / name
    command = [COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"]
    command += [str(EXAMPLES / f"{name}.c"), *options, "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def linked(library):
    return [str(library), f"-Wl,-rpath,{library.parent}"]


def test_ranks_and_histogram(tmp_path):
    program = compiled(
        *(tmp_path, "ranks", f"-I{infonet_kernels.include_path()}"),
        *linked(infonet_kernels.library_path()),
    )
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert printed in (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    lines = printed.split("\n")
    x = (np.arange(N) * 383 % N) * 1e-3
    y = (6 * x * x).astype(np.int64)
    ranks, _, entropy = infonet_kernels.rank_columns([x, y])
    assert lines[0] == f"x has no ties, y has ties and an entropy of {entropy[1]:.4f} nats"
    histogram = infonet_kernels.joint_histogram(ranks[:1], ranks[1:], 4)[0]
    assert lines[1:5] == ["".join(f"{v:8.2f}" for v in row) for row in histogram]
    assert lines[5] == "values: NaN at row 0, index 7; NaN has no rank: remove or replace it first"


def onnx_runtime():
    """The folder with ONNX Runtime's headers, and its library; None: they are not there.

    PyPI has the library without headers. Debian's libonnxruntime-dev has them.
    """
    headers = Path(os.environ.get("ONNXRUNTIME_INCLUDE", "/usr/include/onnxruntime"))
    if not (headers / "onnxruntime_c_api.h").is_file():
        return None
    import onnxruntime

    libraries = list((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1*"))
    return (headers, libraries[0]) if libraries else None


@pytest.mark.skipif(onnx_runtime() is None, reason="no headers of ONNX Runtime")
def test_estimate(tmp_path):
    headers, library = onnx_runtime()
    linked_as = tmp_path / "libonnxruntime.so.1"  # the name that a program asks for
    linked_as.symlink_to(library)
    program = compiled(tmp_path, "estimate", f"-I{headers}", *linked(linked_as))
    model = infonet.load_model().path
    command = [program, model, infonet_kernels.library_path()]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    x = (np.arange(N) * 383 % N).astype(np.float32)
    y = x + np.float32(0.3717) * (np.arange(N) * 11 % N).astype(np.float32)
    assert np.unique(y).size == N  # the file alone does not bound tied variables
    mi = infonet.mutual_information(x, y)
    assert mi > 0.1
    assert float(found.split()[0]) == pytest.approx(mi, abs=2e-6)
