"""The ONNX Runtime ops for CUDA, where there is no GPU.

What they do around a launch runs on the CPU with a twin of the kernels (cuda_twin.cpp); the library
with the real kernels serves CPU sessions as the other one does.
"""

import ctypes
from pathlib import Path

import cuda_twin
import infonet_kernels
import numpy as np
import onnxruntime
import pytest
from infonet_kernels import _cuda
from test_custom_ops import histogram_node, kernels, session, soft_rank_node


def samples_of(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("normalize", infonet_kernels.NORMALIZATIONS)
@pytest.mark.parametrize("eps", [0.0, 2.0**-10])
def test_the_ops_for_cuda_on_a_twin_of_the_kernels(eps, normalize):
    nodes = (soft_rank_node(eps=eps, normalize=normalize), histogram_node(grid=24))
    both = session(*nodes, library=cuda_twin.path())
    for shape in [(1, 1, 2), (5, 20, 2), (7, 1151, 2), (0, 10, 2), (3, 0, 2)]:
        samples = samples_of(*shape)
        ranks, histogram = both.run(None, {"samples": samples})
        expected = kernels(samples, 24, eps, normalize)
        np.testing.assert_array_equal(ranks, expected[0])
        np.testing.assert_array_equal(histogram, expected[1])


def test_rows_and_columns():
    alone = session(soft_rank_node(), shape=("rows", "n"), library=cuda_twin.path())
    rows = samples_of(4, 77)
    np.testing.assert_array_equal(
        alone.run(None, {"samples": rows})[0], infonet_kernels.soft_rank(rows)
    )
    alone = session(soft_rank_node(), shape=("b", "n", "d"), library=cuda_twin.path())
    samples = samples_of(2, 40, 3)
    (ranks,) = alone.run(None, {"samples": samples})
    for row in range(2):
        np.testing.assert_array_equal(ranks[row].T, infonet_kernels.soft_rank(samples[row].T))


def test_shapes_are_inferred():
    both = session(soft_rank_node(), histogram_node(grid=24), library=cuda_twin.path())
    assert [output.shape for output in both.get_outputs()] == [["batch", "n", 2], ["batch", 24, 24]]


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (soft_rank_node(eps=-1.0), "SoftRank: eps: got -1"),
        (soft_rank_node(normalize="rank"), "SoftRank: normalize: got 'rank'; allowed are"),
        (histogram_node("samples", grid=1), "JointHistogram: grid: got 1; allowed are 2 to 4096"),
    ],
)
def test_bad_attributes_fail_the_session(node, message):
    with pytest.raises(Exception, match=message):
        session(node, library=cuda_twin.path())


def test_failures_of_a_launch_are_those_of_the_run():
    """As a device that is out of order would: here the twin refuses a value."""
    alone = session(histogram_node("samples", grid=8), library=cuda_twin.path())
    with pytest.raises(Exception, match=r"JointHistogram: ranks: 1\.5"):
        alone.run(None, {"samples": np.full((1, 4, 2), 1.5, np.float32)})
    good = np.full((1, 4, 2), 0.5, np.float32)
    assert alone.run(None, {"samples": good})[0].sum() == 4  # and the session lives on


def test_the_slot_of_scratch_memory():
    """Slot 277 of OrtApi, which no test without a GPU reaches through an op, asked for 0 bytes."""
    library = ctypes.CDLL(next(str(p) for p in _runtime_libraries()))
    base = ctypes.cast(library.OrtGetApiBase, ctypes.CFUNCTYPE(ctypes.c_void_p))()
    get_api = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)(
        ctypes.cast(base, ctypes.POINTER(ctypes.c_void_p))[0]
    )
    slots = ctypes.cast(get_api(18), ctypes.POINTER(ctypes.c_void_p))
    arguments = [*[ctypes.c_void_p] * 2, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]
    scratch = ctypes.CFUNCTYPE(ctypes.c_void_p, *arguments)(slots[277])
    out = ctypes.c_void_p(123)
    assert scratch(None, None, 0, ctypes.byref(out)) is None
    assert out.value is None


def _runtime_libraries():
    found = list(Path(onnxruntime.__path__[0]).glob("capi/libonnxruntime.so*"))
    if not found:
        pytest.skip("this build of ONNX Runtime has no shared library of its own")
    return found


def test_the_cuda_library_in_a_session_on_the_cpu():
    """Two ops of a name, one for each execution provider: the CPU's is taken."""
    try:
        library = _cuda.cuda_library_path()
    except ImportError as error:
        pytest.skip(str(error))
    nodes = (soft_rank_node(eps=2.0**-10), histogram_node(grid=24))
    samples = samples_of(3, 1151, 2)
    both, usual = session(*nodes, library=library), session(*nodes)
    assert [output.shape for output in both.get_outputs()] == [["batch", "n", 2], ["batch", 24, 24]]
    for got, expected in zip(
        both.run(None, {"samples": samples}), usual.run(None, {"samples": samples}), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
    samples[1, 7, 1] = np.nan
    with pytest.raises(Exception, match="SoftRank: values: NaN at row 1, column 1, index 7;"):
        both.run(None, {"samples": samples})
