"""The algorithms of the CUDA kernels with real threads under the compiler's sanitizers.

What one thread of a block writes and another one touches before the next barrier is reported by
ThreadSanitizer, whatever the outcome was; what lies outside of an array, by AddressSanitizer. On a
GPU compute-sanitizer does the same to the compiled kernels (`make sanitize`).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "kernels"
SOURCE = Path(__file__).with_name("race_check.cpp")


def compiled(sanitizers, source, output):
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler: neither c++ nor g++ is on PATH and CXX is not set")
    flags = ["-std=c++17", "-O0", "-g1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
    flags += [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-pthread"]
    flags += [f"-I{KERNELS / folder}" for folder in ("include", "shared")]
    command = [*compiler.split(), *flags, str(source), "-o", str(output)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("sanitizers", ["thread", "address,undefined"])
def test_no_races_and_nothing_out_of_bounds(sanitizers, tmp_path):
    empty = tmp_path / "empty.cpp"
    empty.write_text("int main() {}\n")
    program = tmp_path / "empty"
    if compiled(sanitizers, empty, program).returncode or subprocess.run([program]).returncode:
        pytest.skip(f"the C++ compiler has no working -fsanitize={sanitizers}")
    program = tmp_path / "race_check"
    build = compiled(sanitizers, SOURCE, program)
    assert build.returncode == 0, build.stderr
    run = subprocess.run([program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    assert run.stdout == "done\n"
