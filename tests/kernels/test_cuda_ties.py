"""The arithmetic of the CUDA kernel for ties, compiled for the CPU, against `rank_columns`."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import infonet_kernels
import numpy as np
import pytest

KERNELS = Path(__file__).parents[2] / "kernels"
SOURCE = r"""
#include <vector>
#include "ties.hpp"
using namespace infonet;
extern "C" double entropy_of(const float* ranks, std::uint32_t n) {
  std::vector<std::uint32_t> counts(2 * n);
  for (std::uint32_t i = 0; i < n; ++i) ++counts[tie_bin(ranks[i], n)];
  TieSums sums{0.0, 0};
  for (std::uint32_t i = 1; i < 2 * n; ++i) sums = joined(sums, tie_sums(counts[i]));
  return counts[0] > 0 ? std::nan("") : tie_entropy(sums, n);
}
"""


@pytest.fixture(scope="module")
def entropy_of(tmp_path_factory):
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler: neither c++ nor g++ is on PATH and CXX is not set")
    folder = tmp_path_factory.mktemp("ties")
    (folder / "ties.cpp").write_text(SOURCE)
    command = [*compiler.split(), "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC"]
    command += ["-shared", f"-I{KERNELS / 'shared'}", str(folder / "ties.cpp")]
    subprocess.run([*command, "-o", str(folder / "ties.so")], check=True)
    function = ctypes.CDLL(str(folder / "ties.so")).entropy_of
    function.restype = ctypes.c_double
    return lambda ranks: function(ctypes.c_void_p(ranks.ctypes.data), ctypes.c_uint32(ranks.size))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 500, 4999, 20_000, 2**21])
def test_entropy_is_that_of_the_cpu(entropy_of, n):
    random = np.random.default_rng(n)
    rows = [
        random.permutation(n),
        random.integers(0, 2, n),
        random.integers(0, max(1, n // 2), n),
        np.minimum(np.arange(n), n - 2),
        np.zeros(n),
    ]
    for row in rows:
        ranks, ties, entropy = infonet_kernels.rank_columns([row], "midrank", 1)
        assert entropy_of(ranks[0]) == pytest.approx(entropy[0], rel=1e-12)
        assert (entropy_of(ranks[0]) == 0) == (ties[0] == 2)


def test_nan_gives_nan(entropy_of):
    assert np.isnan(entropy_of(np.array([0.5, np.nan], np.float32)))
