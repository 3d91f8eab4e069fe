"""PyTorch's operators on a GPU, against the CPU. Skipped where there is none."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
if not torch.cuda.is_available():
    pytest.skip("needs an NVIDIA GPU", allow_module_level=True)

from infonet_export import joint_histogram, soft_rank, straight_through_rank  # noqa: E402
from infonet_kernels import _cuda  # noqa: E402

try:
    _cuda.check_cuda()
except (ImportError, _cuda.NoDeviceError) as error:
    pytest.skip(str(error), allow_module_level=True)

NORMALIZATIONS = ("midrank", "over_n", "minmax")


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def value_and_gradient(function, samples, by):
    samples = samples.detach().requires_grad_()
    value = function(samples)
    value.backward(by.to(value.device))
    return value.detach().cpu(), samples.grad.cpu()


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("eps", [0.0, 1e-4, 3e-3, 0.1])
@pytest.mark.parametrize("shape", [(1, 1, 2), (4, 500, 2), (2, 5185, 3), (0, 5, 2)])
def test_soft_rank(shape, eps, normalize):
    samples, by = normal(*shape), normal(*shape, seed=1)
    function = lambda s: soft_rank(s, eps, normalize)  # noqa: E731
    value, gradient = value_and_gradient(function, samples.cuda(), by)
    expected, expected_gradient = value_and_gradient(function, samples, by)
    torch.testing.assert_close(value, expected, rtol=0, atol=1e-7)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-6)


def test_against_torchsort():
    torchsort = pytest.importorskip("torchsort", reason="needs torchsort")
    samples = normal(8, 300, 1)
    low, high = samples.amin(1, keepdim=True), samples.amax(1, keepdim=True)
    scaled = ((samples - low) / (high - low))[..., 0].requires_grad_()
    ranks = torchsort.soft_rank(scaled, regularization_strength=2e-3)
    ours = soft_rank(samples.cuda(), 2e-3, "over_n").cpu()[..., 0] * 300
    torch.testing.assert_close(ours, ranks.detach(), rtol=1e-4, atol=2e-2)


@pytest.mark.parametrize("n", [1, 500, 20_001])
def test_joint_histogram_and_straight_through(n):
    function = lambda s: joint_histogram(straight_through_rank(s), 32)  # noqa: E731
    samples, by = normal(3, n, 2), normal(3, 32, 32, seed=1)
    value, gradient = value_and_gradient(function, samples.cuda(), by)
    expected, expected_gradient = value_and_gradient(function, samples, by)
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)


def test_tensors_that_do_not_lie_together_and_other_streams():
    samples = normal(3, 2, 700).cuda().transpose(1, 2)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        ranks = soft_rank(samples, 1e-3)
    torch.cuda.current_stream().wait_stream(stream)
    torch.testing.assert_close(ranks.cpu(), soft_rank(samples.cpu(), 1e-3), rtol=0, atol=0)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_tensors_on_a_gpu_that_is_not_the_current_one():
    samples = normal(3, 6000, 2)
    ranks = soft_rank(samples.to("cuda:1"), 1e-4)
    assert ranks.device.index == 1
    torch.testing.assert_close(ranks.cpu(), soft_rank(samples, 1e-4), rtol=0, atol=0)


def test_nothing_waits_for_the_gpu():
    samples = normal(4, 6000, 2).cuda().requires_grad_()
    soft_rank(samples, 0.1).sum().backward()  # loads the kernels
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for eps in (0.0, 0.1):
            soft_rank(samples, eps).sum().backward()
        joint_histogram(soft_rank(samples.detach()), 32)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("eps", [1e-4, 0.1])
def test_a_captured_step(eps):
    samples = normal(4, 6000, 2).cuda().requires_grad_()
    by = normal(4, 6000, 2, seed=1).cuda()

    def step():
        (gradient,) = torch.autograd.grad(soft_rank(samples, eps), samples, by)
        return gradient

    with torch.cuda.stream(torch.cuda.Stream()):
        step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        gradient = step()
    with torch.no_grad():
        samples.copy_(normal(4, 6000, 2, seed=7))
    graph.replay()
    cpu = samples.detach().cpu().requires_grad_()
    (expected,) = torch.autograd.grad(soft_rank(cpu, eps), cpu, by.cpu())
    torch.testing.assert_close(gradient.cpu(), expected, rtol=1e-5, atol=1e-6)


def test_bad_values_become_nan():
    samples = normal(2, 300, 2)
    samples[1, 7, 0] = torch.nan
    ranks = soft_rank(samples.cuda(), 1e-3)
    assert ranks[1, :, 0].isnan().all()
    assert ranks.isnan().sum() == 300
    counts = joint_histogram(ranks, 16)
    assert counts[1].isnan().all()
    assert counts[0].sum().item() == pytest.approx(300, rel=1e-6)


def test_float64_is_refused():
    with pytest.raises(ValueError, match=r"float64 on cuda:0; on a GPU float32 is needed"):
        soft_rank(normal(1, 4, 2).double().cuda())


def test_compiles():
    samples = normal(2, 300, 2).cuda()
    compiled = torch.compile(lambda s: soft_rank(s, 1e-3) * 2, fullgraph=True)
    torch.testing.assert_close(compiled(samples), soft_rank(samples, 1e-3) * 2)
