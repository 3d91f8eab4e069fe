"""MutualInformationLoss: the model's estimate, a gradient that points uphill, clear refusals."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import infonet
import numpy as np
import pytest
import torch
from infonet_export import MutualInformationLoss, soft_rank
from infonet_export.differentiable import FrozenEstimator, open_model
from infonet_export.differentiable.networks import TorchPerceiver
from infonet_export.perceiver import mutual_information

ROOT = Path(__file__).parents[3]
CHECKPOINT = ROOT / "export" / "checkpoints" / "copula.pt"
FIXTURES = ROOT.parent / "shared" / "fixtures"
PERCEIVERS = ["upstream_softrank_branch.ckpt", "upstream_main_branch.pt"]


def gaussian(*shape, correlation=0.7, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, *shape, generator=generator, dtype=dtype)
    return x, correlation * x + math.sqrt(1 - correlation**2) * noise


def perceiver_file(name):
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"needs {name} of the shared fixtures")
    return path


@pytest.fixture(scope="module")
def default():
    return MutualInformationLoss()


@pytest.fixture(scope="module", params=["onnx", "checkpoint"])
def loss(request, default):
    return default if request.param == "onnx" else MutualInformationLoss(CHECKPOINT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [20, 333, 2000])
def test_default_value_is_minus_that_of_infonet(default, n, dtype):
    x, y = gaussian(n, dtype=dtype)
    value = default(x, y)
    assert value.dtype == dtype
    assert value.shape == ()
    assert -float(value) == pytest.approx(infonet.mutual_information(x, y), abs=1e-5)


def test_checkpoint_and_package_agree(default):
    x, y = gaussian(3, 1000)
    one, other = default(x, y), MutualInformationLoss(str(CHECKPOINT))(x, y)
    assert float(one) == pytest.approx(float(other), abs=2e-3)  # weights in 16 bits, and in 32


def test_a_path_of_an_onnx_file(default):
    x, y = gaussian(200)
    path = infonet.load_model().path
    assert torch.equal(MutualInformationLoss(path)(x, y), default(x, y))


def test_value_is_near_the_truth(loss):
    x, y = gaussian(5000)
    assert -float(loss(x, y)) == pytest.approx(-0.5 * math.log(1 - 0.7**2), abs=0.03)


def test_batches_and_reductions(loss):
    x, y = gaussian(3, 500)
    y = y.roll(1, 0) * torch.tensor([[1.0], [0.0], [1.0]]) + y  # three different dependences
    x.requires_grad_()
    each = MutualInformationLoss(loss.estimator, reduction="none")(x, y)
    assert each.shape == (3,)
    torch.testing.assert_close(loss(x, y), each.mean())
    (together,) = torch.autograd.grad(each.sum(), x, retain_graph=True)
    for b in range(3):
        alone = loss(x[b], y[b])
        torch.testing.assert_close(alone, each[b], rtol=0, atol=1e-6)
        (gradient,) = torch.autograd.grad(alone, x)
        torch.testing.assert_close(gradient[b], together[b], rtol=1e-3, atol=1e-7)


def gaussian_mi(x, y):
    """Mutual information of Gaussian samples [B, n] by their correlations."""
    x, y = x - x.mean(-1, keepdim=True), y - y.mean(-1, keepdim=True)
    r = (x * y).sum(-1) / (x.norm(dim=-1) * y.norm(dim=-1))
    return -0.5 * torch.log(1 - r**2)


@pytest.mark.parametrize("cosine", [0.3, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_a_gaussian_projection(loss, cosine, seed):
    """Of MI(w'x, y) by w, beside that of the formula which knows that the data are Gaussian."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5000, 5, generator=generator)
    y = 0.8 * x[:, 0] + 0.6 * torch.randn(5000, generator=generator)
    w = torch.tensor([cosine, math.sqrt(1 - cosine**2), 0, 0, 0], requires_grad=True)
    (got,) = torch.autograd.grad(-loss(x @ w, y), w)
    (expected,) = torch.autograd.grad(gaussian_mi(x @ w, y), w)
    assert abs(float(got @ w.detach())) < 0.02 * float(got.norm())  # scale changes nothing
    angle = torch.acos(got @ expected / (got.norm() * expected.norm()))
    assert math.degrees(float(angle)) < 5
    assert float(got.norm() / expected.norm()) == pytest.approx(1, abs=0.1)


def test_gradient_by_y(loss):
    """Adding to y what x explains raises the dependence, by a known slope."""
    x, noise = gaussian(5000, correlation=0.0)
    share = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(-loss(x, share * x + noise), share)
    assert float(slope) == pytest.approx(0.5 / (1 + 0.5**2), rel=0.15)


def test_independent_samples_have_a_small_gradient(loss):
    x, y = gaussian(5000, correlation=0.0)
    x.requires_grad_()
    dependent = gaussian(5000)[1]
    sizes = [float(torch.autograd.grad(loss(x, v), x)[0].norm()) for v in (y, dependent)]
    assert sizes[0] < 0.2 * sizes[1]


def test_the_model_is_frozen():
    loss = MutualInformationLoss(CHECKPOINT)
    before = [p.clone() for p in loss.parameters()]
    assert before
    assert not any(p.requires_grad for p in loss.parameters())
    x, y = gaussian(500)
    loss.train()(x.requires_grad_(), y).backward()
    assert x.grad.any()
    assert all(p.grad is None for p in loss.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, loss.parameters(), strict=True))


def test_same_input_gives_the_same_bytes(loss):
    x, y = gaussian(700)
    x.requires_grad_()
    one, other = (torch.autograd.grad(loss(x, y), x)[0] for _ in range(2))
    assert torch.equal(one, other)


def test_compiled_code_may_use_it(loss):
    x, y = gaussian(2, 200)
    x.requires_grad_()

    def objective(x):
        return loss(x.tanh(), y) * 2

    compiled = torch.compile(objective, backend="aot_eager")
    expected, got = (torch.autograd.grad(f(x), x)[0] for f in (objective, compiled))
    torch.testing.assert_close(got, expected)


@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_a_constant_variable_has_no_gradient(loss):
    x, y = gaussian(300)
    y = torch.full_like(y, 3.0)
    x.requires_grad_()
    y.requires_grad_()
    value = loss(x, y)
    by_x, by_y = torch.autograd.grad(value, (x, y))
    assert -float(value.detach()) == pytest.approx(0, abs=0.02)
    assert not by_y.any()
    assert torch.isfinite(by_x).all()


def test_any_differentiable_callable_is_a_model():
    x, y = gaussian(2, 400)
    x.requires_grad_()
    value = MutualInformationLoss(lambda samples: gaussian_mi(*samples.unbind(2)))(x, y)
    assert torch.equal(value, -gaussian_mi(x, y).mean())
    value.backward()
    assert x.grad.any()


@pytest.mark.parametrize("name", PERCEIVERS)
def test_the_network_of_the_paper(name):
    model = open_model(perceiver_file(name))
    assert isinstance(model, TorchPerceiver)
    config = model.net.config
    estimator = FrozenEstimator(model)
    samples = torch.stack(gaussian(2, 60, dtype=torch.float64), 2).requires_grad_()
    mi = estimator(samples)
    with torch.no_grad():
        ranks = soft_rank(samples.float(), config.eps, config.normalize)
        table = model.net(ranks).table
    torch.testing.assert_close(
        mi.detach().float(), mutual_information(table, ranks), rtol=1e-5, atol=1e-6
    )
    (gradient,) = torch.autograd.grad(mi.sum(), samples)
    assert torch.isfinite(gradient).all()
    assert gradient.any()
    if config.eps == 0:
        return
    direction = torch.randn(samples.shape, dtype=torch.float64)  # soft ranks: the very derivative

    def at_fixed_table(step):
        moved = soft_rank(samples.detach() + step * direction, config.eps, config.normalize)
        return float(mutual_information(table.double(), moved).sum())

    difference = (at_fixed_table(1e-6) - at_fixed_table(-1e-6)) / 2e-6
    assert float((gradient * direction).sum()) == pytest.approx(difference, rel=1e-3, abs=1e-6)


@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_an_onnx_file_of_the_paper(tmp_path):
    """A file whose table is T = s x y + x, s the mean of x y; at fixed s its bound is a formula."""
    pytest.importorskip("onnx")
    spec = importlib.util.spec_from_file_location(
        "fake", ROOT / "tests" / "runtime" / "fake_perceiver.py"
    )
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    fake.write(tmp_path / "fake.onnx")
    estimator = FrozenEstimator(open_model(tmp_path / "fake.onnx"))
    samples = torch.stack(gaussian(2, 80), 2).requires_grad_()
    mi = estimator(samples)
    own = infonet.Estimator(tmp_path / "fake.onnx").mi(samples.detach().numpy())
    np.testing.assert_allclose(mi.detach(), own, rtol=0, atol=1e-6)
    (got,) = torch.autograd.grad(mi.sum(), samples)

    x, y = soft_rank(samples, 0.1, "minmax").unbind(2)
    slope = (x * y).mean(1).detach()[:, None]
    pairs = slope[..., None] * x[:, :, None] * y[:, None] + x[:, :, None]
    bound = (slope * x * y + x).mean(1) - torch.log(pairs.exp().mean((1, 2)))
    (expected,) = torch.autograd.grad(bound.sum(), samples)
    size = float(expected.abs().max())
    np.testing.assert_allclose(got, expected, rtol=0, atol=0.02 * size)


def bad_files(folder):
    other = folder / "weights.pt"
    torch.save({"weight": torch.zeros(3)}, other)
    damaged = folder / "damaged.onnx"
    damaged.write_bytes(b"no model")
    return {
        "weights.pt is not a checkpoint": other,
        "nothing.pt cannot be read": folder / "nothing.pt",
        "damaged.onnx": damaged,
        "nothing.onnx": folder / "nothing.onnx",
    }


def test_files_that_are_no_models_are_refused(tmp_path):
    for message, path in bad_files(tmp_path).items():
        with pytest.raises((ValueError, infonet.ModelError), match=message):
            MutualInformationLoss(path)
    with pytest.raises(ValueError, match="reduction: got 'sum'; allowed are 'mean' and 'none'"):
        MutualInformationLoss(reduction="sum")


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((50,), (49,)), r"x has shape \[50\] and y \[49\]; both must be \[n\], or both \[B, n\]"),
        (((2, 50), (50,)), r"x has shape \[2, 50\]"),
        (((1, 50, 1), (1, 50, 1)), r"x has shape \[1, 50, 1\]"),
        (((19,), (19,)), "samples: got n = 19; the model needs at least 20"),
    ],
)
def test_shapes_are_checked(loss, shapes, message):
    with pytest.raises(ValueError, match=message):
        loss(*(torch.zeros(shape) for shape in shapes))


def test_values_are_checked(loss):
    x, y = gaussian(2, 50)
    y[1, 7] = torch.nan
    with pytest.raises(ValueError, match="samples: got nan at batch 1, sample 7, y; all values"):
        loss(x, y)
    x[0, 3] = torch.inf
    with pytest.raises(ValueError, match="samples: got inf at batch 0, sample 3, x; all values"):
        loss(x, y)
    with pytest.raises(ValueError, match=r"dtype torch\.float16; float32 or float64 is needed"):
        loss(x.half(), y.half())
