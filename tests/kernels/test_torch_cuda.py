"""What PyTorch's operators do around a launch on a GPU, with a twin of the CUDA kernels in host
memory (cuda_twin.cpp) and tensors on the CPU. The signatures of infonet_kernels._cuda run, too."""

import contextlib
import ctypes

import cuda_twin
import infonet_kernels
import numpy as np
import pytest
import torch
from infonet_export.torch_ops import cuda
from infonet_kernels import _cuda


@pytest.fixture(autouse=True)
def twin(monkeypatch):
    """The twin's kernels, which ask for some working memory."""
    monkeypatch.setenv(_cuda.CUDA.variable, str(cuda_twin.path()))
    monkeypatch.setattr(cuda, "_on_device_of", lambda _: contextlib.nullcontext(0))
    _cuda.CUDA.forget()
    ask = _cuda.load_cuda().twin_ask_for_workspace
    ask.argtypes = [ctypes.c_size_t]
    ask(160)
    yield
    ask(0)
    _cuda.CUDA.forget()


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rows_of(samples):
    batch, n, d = samples.shape
    return samples.transpose(1, 2).reshape(batch * d, n).numpy()


@pytest.mark.parametrize("normalize", infonet_kernels.NORMALIZATIONS)
@pytest.mark.parametrize("eps", [0.0, 1e-3, 0.5])
@pytest.mark.parametrize("shape", [(3, 77, 2), (2, 5, 1), (1, 40, 3), (0, 4, 2), (2, 0, 2)])
def test_soft_rank(shape, eps, normalize):
    samples, by = normal(*shape), normal(*shape, seed=1)
    ranks = cuda.soft_rank(samples, eps, normalize)
    expected = infonet_kernels.soft_rank(rows_of(samples), eps, normalize)
    np.testing.assert_array_equal(rows_of(ranks), expected)
    if eps > 0:
        gradient = cuda.soft_rank_backward(samples, by, eps, normalize)
        expected = infonet_kernels.soft_rank_backward(rows_of(samples), rows_of(by), eps, normalize)
        np.testing.assert_array_equal(rows_of(gradient), expected)


def test_tensors_that_do_not_lie_together():
    samples, by = normal(3, 2, 50).transpose(1, 2), normal(3, 50, 4)[..., ::2]
    gradient = cuda.soft_rank_backward(samples, by, 1e-2, "midrank")
    expected = infonet_kernels.soft_rank_backward(rows_of(samples), rows_of(by), 1e-2)
    np.testing.assert_array_equal(rows_of(gradient), expected)


@pytest.mark.parametrize("n", [0, 1, 300])
def test_joint_histogram(n):
    ranks = torch.rand(4, n, 2, generator=torch.Generator().manual_seed(0))
    expected = infonet_kernels.joint_histogram(ranks[..., 0].numpy(), ranks[..., 1].numpy(), 24)
    np.testing.assert_array_equal(cuda.joint_histogram(ranks, 24), expected)


def test_tie_entropy():
    values = np.random.default_rng(0).integers(0, 9, (3, 40, 2)).astype(np.float32)
    rows = np.moveaxis(values, 1, 2).reshape(6, 40)
    ranks, entropy, work = np.empty_like(values), np.empty(6), np.empty(160, np.uint8)
    _cuda.launch_tie_entropy(
        values=values.ctypes.data,
        ranks=ranks.ctypes.data,
        rows=6,
        n=40,
        columns=2,
        entropy=entropy.ctypes.data,
        on=_cuda.Launch(work.ctypes.data, _cuda.tie_entropy_workspace(6, 40)),
    )
    np.testing.assert_array_equal(entropy, infonet_kernels.rank_columns(rows)[2])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"dtype torch.float64 on cpu; .* use \.float\(\), or"):
        cuda.soft_rank(normal(1, 4, 2).double(), 0.0, "midrank")
    with pytest.raises(ValueError, match="normalize: got 'rank'; allowed are 'midrank'"):
        cuda.soft_rank(normal(1, 4, 2), 0.0, "rank")
    with pytest.raises(ValueError, match=r"samples: got shape \[4, 2\]"):
        cuda.soft_rank(normal(4, 2), 0.0, "midrank")
    with pytest.raises(ValueError, match=r"ranks: got shape \[1, 4, 3\]"):
        cuda.joint_histogram(normal(1, 4, 3), 8)


def test_a_library_that_was_not_built(monkeypatch):
    monkeypatch.delenv(_cuda.CUDA.variable)
    monkeypatch.setattr(_cuda.CUDA, "file", "nowhere.so")
    _cuda.CUDA.forget()
    with pytest.raises(ImportError, match="INFONET_CUDA=ON pip install"):
        cuda.soft_rank(normal(1, 4, 2), 0.0, "midrank")
