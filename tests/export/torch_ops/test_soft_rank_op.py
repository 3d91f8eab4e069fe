"""The operators soft_rank and joint_histogram: gradients, tracing, refusals."""

from __future__ import annotations

import subprocess
import sys

import infonet_export
import infonet_kernels
import numpy as np
import pytest
import torch
from infonet_export import joint_histogram, soft_rank
from infonet_export.torch_ops import registered
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

NORMALIZATIONS = infonet_kernels.NORMALIZATIONS


def normal(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("eps", [0.004, 0.05, 0.11, 0.5, 20.0])
@pytest.mark.parametrize("shape", [(1, 2, 1), (2, 7, 3), (1, 21, 2)])
def test_soft_rank_gradcheck(shape, eps, normalize):
    samples = normal(*shape).requires_grad_()
    assert gradcheck(lambda s: soft_rank(s, eps, normalize), (samples,), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("grid", [2, 5, 16])
@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 9, 2)])
def test_joint_histogram_gradcheck(shape, grid):
    inner = normal(*shape).sigmoid().requires_grad_()
    assert gradcheck(lambda r: joint_histogram(r, grid), (inner,))
    assert gradgradcheck(lambda r: joint_histogram(r, grid) ** 2, (inner,))


def test_histogram_gradient_is_the_slope_of_the_surface():
    """Cell centres of a 4 x 4 grid lie at 1/8, 3/8, 5/8 and 7/8; beyond them nothing moves."""
    ranks = torch.tensor([[[0.25, 0.375], [0.05, 0.5], [1.0, 0.0]]], requires_grad=True)
    surface = torch.arange(16.0).reshape(1, 4, 4) ** 2
    joint_histogram(ranks, 4).backward(surface)
    slopes = [[4 * (25 - 1), 4 * 0.5 * ((4 - 1) + (36 - 25))], [0, 4 * (4 - 1)], [0, 0]]
    np.testing.assert_allclose(ranks.grad[0], slopes, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("eps", [0.0, 1e-3, 0.1])
def test_ranks_and_histograms_are_those_of_the_kernels(eps, dtype):
    samples = normal(3, 77, 2, dtype=dtype)
    ranks = soft_rank(samples, eps)
    assert ranks.dtype == dtype
    assert ranks.is_contiguous()
    histogram = joint_histogram(ranks, 16)
    assert histogram.dtype == dtype
    for b in range(3):
        columns = samples[b].numpy().T
        expected = infonet_kernels.soft_rank(columns, eps, dtype=columns.dtype.type)
        np.testing.assert_array_equal(ranks[b].numpy().T, expected)
        x, y = expected[:1], expected[1:]
        counts = infonet_kernels.joint_histogram(x, y, 16, dtype=columns.dtype.type)
        np.testing.assert_array_equal(histogram[b], counts[0])


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("eps", [1.0, 0.1, 0.01, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_equals_torchsort(dtype, eps, normalize):
    torchsort = pytest.importorskip("torchsort", reason="torchsort is not installed")
    n = 129
    ours = normal(2, n, 3, dtype=dtype).requires_grad_()
    weights = normal(2, n, 3, seed=1)
    (soft_rank(ours, eps, normalize) * weights.to(dtype)).sum().backward()
    theirs = ours.detach().double().requires_grad_()
    rows = theirs.transpose(1, 2).reshape(6, n)
    low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
    ranks = torchsort.soft_rank((rows - low) / (high - low), regularization_strength=eps)
    if normalize == "minmax":
        low, high = ranks.amin(1, keepdim=True), ranks.amax(1, keepdim=True)
        ranks = (ranks - low) / (high - low)
    else:
        ranks = (ranks - 0.5 * (normalize == "midrank")) / n
    (ranks.reshape(2, 3, n).transpose(1, 2) * weights).sum().backward()
    scale = max(1.0, float(theirs.grad.abs().max()))
    np.testing.assert_allclose(ours.grad, theirs.grad, rtol=0, atol=1e-5 * scale)


def test_average_ranks_have_no_gradient():
    samples = normal(2, 50, 2).requires_grad_()
    soft_rank(samples, 0.0).square().sum().backward()
    assert not samples.grad.any()


def test_layout_of_samples_and_gradients():
    base = normal(4, 2, 30)
    strided = base.transpose(1, 2)[::2].requires_grad_()
    plain = strided.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    results = [soft_rank(s, 0.05) for s in (strided, plain)]
    torch.testing.assert_close(*results, rtol=0, atol=0)
    weights = normal(2, 2, 30, seed=1).transpose(1, 2)
    grads = [
        torch.autograd.grad(r, s, w)[0]
        for r, s, w in zip(results, (strided, plain), (weights, weights.contiguous()), strict=True)
    ]
    torch.testing.assert_close(*grads, rtol=0, atol=0)
    (expanded,) = torch.autograd.grad(soft_rank(plain, 0.05).sum(), plain)  # a gradient of stride 0
    np.testing.assert_allclose(expanded, 0, atol=1e-12)  # ranks keep their sum


@pytest.mark.parametrize("shape", [(0, 5, 2), (2, 0, 2), (2, 5, 0)])
def test_empty_batches(shape):
    samples = torch.empty(shape, requires_grad=True)
    for eps in (0.0, 0.1):
        ranks = soft_rank(samples, eps)
        assert ranks.shape == shape
        ranks.sum().backward()
        assert samples.grad.shape == shape
    if shape[2] == 2:
        assert joint_histogram(samples, 4).shape == (shape[0], 4, 4)


@pytest.mark.parametrize("eps", [0.0, 0.02, 1.0])
def test_opcheck(eps):
    operators = torch.ops.infonet
    samples = normal(2, 20, 2, dtype=torch.float32).requires_grad_()
    torch.library.opcheck(operators.soft_rank.default, (samples, eps, "midrank"))
    arguments = (samples.detach(), samples.detach(), eps, "minmax")
    torch.library.opcheck(operators.soft_rank_backward.default, arguments)
    ranks = torch.rand(2, 20, 2, requires_grad=True)
    torch.library.opcheck(operators.joint_histogram.default, (ranks, 8))


class Pipeline(nn.Module):
    def forward(self, samples):
        return joint_histogram(soft_rank(samples, 0.02, "minmax"), 8).square().sum((1, 2))


def test_compiled_gradients_are_the_same():
    """One graph, forward and backward, for more than one batch size."""
    compiled = torch.compile(Pipeline(), fullgraph=True, dynamic=True, backend="aot_eager")
    for batch in (2, 3):
        samples = normal(batch, 40, 2, seed=batch).requires_grad_()
        expected = torch.autograd.grad(Pipeline()(samples).sum(), samples)[0]
        got = torch.autograd.grad(compiled(samples).sum(), samples)[0]
        torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_exported_programs_hold_the_operators():
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("n", min=3)}
    program = torch.export.export(Pipeline(), (normal(2, 40, 2),), dynamic_shapes=(sizes,))
    called = {node.target for node in program.graph.nodes if node.op == "call_function"}
    operators = torch.ops.infonet
    assert {operators.soft_rank.default, operators.joint_histogram.default} <= called
    samples = normal(3, 17, 2)
    torch.testing.assert_close(program.module()(samples), Pipeline()(samples))


def test_second_derivatives_are_refused():
    samples = normal(1, 20, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(
        soft_rank(samples, 0.05).square().sum(), samples, create_graph=True
    )
    with pytest.raises(RuntimeError, match="soft_rank_backward"):
        gradient.sum().backward()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: soft_rank(torch.zeros(3, 4)), r"samples: got shape \[3, 4\]; \[B, n, d\] is"),
        (lambda: soft_rank(torch.zeros(1, 4, 2).half()), r"float16; float32 or float64 .* \.float"),
        (lambda: soft_rank(torch.zeros(1, 4, 2, dtype=torch.int64)), "dtype torch.int64"),
        (lambda: soft_rank(np.zeros((1, 4, 2))), "got ndarray; a torch.Tensor"),
        (lambda: soft_rank(torch.zeros(1, 4, 2), -1.0), "eps: got -1.0"),
        (lambda: soft_rank(torch.zeros(1, 4, 2), float("nan")), "eps: got nan"),
        (lambda: soft_rank(torch.zeros(1, 4, 2), 0.0, "rank"), "normalize: got 'rank'; allowed"),
        (lambda: joint_histogram(torch.zeros(1, 4, 3), 4), r"\[1, 4, 3\]; \[B, n, 2\] is needed"),
        (lambda: joint_histogram(torch.zeros(1, 4, 2), 1), "grid: got 1; allowed are 2 to 4096"),
        (lambda: joint_histogram(torch.full((1, 4, 2), 1.5), 4), r"1\.5\d* at x row 0, index 0"),
    ],
)
def test_bad_arguments_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        bad()


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_bad_values_are_placed(eps):
    samples = torch.zeros(4, 50, 2)
    samples[2, 31, 1] = samples[3, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="samples: nan at batch 2, sample 31, column 1; "):
        soft_rank(samples, eps)


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("soft_rank", (0.1, "midrank")),
        ("soft_rank_backward", (torch.zeros(1, 4, 2), 0.1, "midrank")),
        ("joint_histogram", (8,)),
    ],
)
def test_operators_have_a_kernel_for_cuda(name, others):
    """What it does is tested in tests/kernels/test_torch_cuda.py, and on a GPU in tests/gpu."""
    assert torch._C._dispatch_has_kernel_for_dispatch_key(f"infonet::{name}", "CUDA")
    kernel = getattr(registered, name)._backend_fns["cuda"]
    with pytest.raises(ValueError, match="got dtype torch.float64 .*; on a GPU float32 is needed"):
        kernel(torch.zeros(1, 4, 2, dtype=torch.float64), *others)


def test_importing_the_package_leaves_torch_alone():
    """The commands of infonet import it only to find out what they can do."""
    code = "import sys, infonet_export; dir(infonet_export); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="has no attribute 'soft_ranks'"):
        infonet_export.soft_ranks  # noqa: B018
