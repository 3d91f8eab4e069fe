"""The compiled network by itself; tests/export compares other sizes of it with PyTorch."""

import threading
from pathlib import Path

import infonet
import infonet_kernels
import numpy as np
import onnxruntime
import pytest
from infonet.model.constants import read_constants
from infonet.model.load import core_path

CORE = core_path(infonet.load_model().path)

pytestmark = pytest.mark.skipif(
    infonet_kernels.network_vectors() == 0,
    reason="this processor, or this installation, has no compiled network",
)


@pytest.fixture(scope="module")
def parameters():
    return read_constants(Path(CORE))


@pytest.fixture(scope="module")
def network(parameters):
    return infonet_kernels.CopulaNetwork(parameters, 100_000)


def histograms():
    """Of pairs of every kind: few and many samples, ties, a line, an empty corner, one cell."""
    rng = np.random.default_rng(5)
    found = []
    for n in (1, 2, 20, 129, 1151, 65_537):
        x, noise = rng.standard_normal((2, n)).astype(np.float32)
        for y in (noise, x + noise, np.sin(4 * x) + 0.1 * noise, x, np.round(x), x * noise):
            ranks, *_ = infonet_kernels.rank_columns([x, y])
            found.append(infonet_kernels.pair_histograms(ranks, [[0, 1]], 128)[0])
    return np.stack(found)


def asymmetric(counts):
    """Indices of histograms that no symmetry of the square maps to themselves: only their tables
    have one direction."""

    def images(c):
        flipped = [c[::-1], c[:, ::-1], c[::-1, ::-1]]
        return [*flipped, c.T, *(image.T for image in flipped)]

    found = [
        i for i, c in enumerate(counts) if not any(np.allclose(c, image) for image in images(c))
    ]
    assert len(found) >= 15
    return found


def test_numbers_of_the_core_graph(network):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(CORE, options, providers=["CPUExecutionProvider"])
    names = ["mi", "quantiles", "score", "table"]
    counts = histograms()
    expected = dict(zip(names, session.run(names, {"histogram": counts}), strict=True))
    found = network(counts, table=True)._asdict()
    np.testing.assert_allclose(found["mi"], expected["mi"], rtol=0, atol=5e-5)
    np.testing.assert_allclose(found["quantiles"], expected["quantiles"], rtol=0, atol=5e-5)
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-4, atol=0.01)
    one_way = asymmetric(counts)
    tables = found["table"][one_way], expected["table"][one_way]
    np.testing.assert_allclose(*tables, rtol=0, atol=2e-4)


def test_an_answer_does_not_depend_on_its_place(network):
    counts = histograms()
    together = network(counts, table=True)
    for i in range(len(counts)):
        alone = network(counts[i : i + 1], table=True)
        for one, many in zip(alone, together, strict=True):
            assert one[0].tobytes() == many[i].tobytes()
    assert network(counts[::-1]).mi.tobytes() == together.mi[::-1].tobytes()
    assert network(counts, table=False).table is None
    assert network(counts, table=False).score.tobytes() == together.score.tobytes()


@pytest.mark.parametrize("symmetry", range(8))
def test_neither_the_order_nor_the_sign_of_a_variable_matters(network, symmetry):
    counts = histograms()
    expected = network(counts, table=True)

    def turned(images):
        images = images[:, ::-1] if symmetry & 1 else images
        images = images[:, :, ::-1] if symmetry & 2 else images
        return images.transpose(0, 2, 1) if symmetry & 4 else images

    found = network(turned(counts), table=True)
    assert found.mi.tobytes() == expected.mi.tobytes()
    assert found.quantiles.tobytes() == expected.quantiles.tobytes()
    assert found.score.tobytes() == expected.score.tobytes()
    one_way = asymmetric(counts)
    assert np.array_equal(found.table[one_way], turned(expected.table)[one_way])


def test_arrays_of_every_layout(network):
    counts = histograms()[:6]
    expected = network(counts).mi
    frozen = counts.copy()
    frozen.flags.writeable = False
    assert np.array_equal(network(frozen).mi, expected)
    apart = np.zeros((12, 128, 256), np.float32)[::2, :, ::2]
    apart[...] = counts
    assert not apart.flags.c_contiguous
    assert np.array_equal(network(apart).mi, expected)
    none = network(counts[:0], table=True)
    assert none.mi.shape == (0,)
    assert none.quantiles.shape == (0, 3)
    assert none.table.shape == (0, 64, 64)


def test_many_threads_at_once(network):
    counts = histograms()
    expected = network(counts).mi
    found = [None] * 8

    def work(i):
        found[i] = network(counts).mi

    threads = [threading.Thread(target=work, args=[i]) for i in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(mi, expected) for mi in found)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((1, 128, 128)), "got float64 (1, 128, 128); float32 [count, 128, 128]"),
        (np.zeros((128, 128), np.float32), "got float32 (128, 128)"),
        (np.zeros((1, 64, 64), np.float32), "got float32 (1, 64, 64)"),
    ],
)
def test_refused_histograms(network, value, words):
    with pytest.raises(ValueError, match="histograms") as error:
        network(value)
    assert words in str(error.value)


def test_refused_parameters(parameters):
    def refused(changes, n_max=100_000):
        changed = {k: v for k, v in (parameters | changes).items() if v is not None}
        with pytest.raises(ValueError) as error:  # noqa: PT011  the message is looked at below
            infonet_kernels.CopulaNetwork(changed, n_max)
        return str(error.value)

    assert "got no net.head.4.weight" in refused({"net.head.4.weight": None})
    assert "got no orientation.patterns" in refused({"orientation.patterns": None})
    assert "got no net.encoder.0.first.bias" in refused({"net.encoder.0.first.bias": None})
    wrong = np.zeros((16, 2, 4, 5), np.float32)
    assert "net.fine.weight: got float32 (16, 2, 4, 5)" in refused({"net.fine.weight": wrong})
    whole = np.zeros((16, 2, 4, 4), np.int64)
    assert "net.fine.weight: got int64" in refused({"net.fine.weight": whole})
    assert "n_max" in refused({}, n_max=0)
    assert "n_max" in refused({}, n_max=float("nan"))


def test_widths_that_it_is_not_compiled_for():
    """A network of 24 channels is no multiple of 16: the caller falls back to the graph."""
    narrow, side = 24, 16
    shapes = {
        "net.fine": (narrow, 2, 4, 4),
        "net.coarse": (narrow, 6, 3, 3),
        "net.encoder.0.first": (narrow, narrow, 3, 3),
        "net.encoder.0.second": (narrow, narrow, 3, 3),
        "net.table": (narrow, 1, 2, 2),
    }
    features = 6 + 3 * narrow + 1
    for head, outputs in (("head", 3), ("test", 1)):
        shapes |= {
            f"net.{head}.0": (16, features, 1, 1),
            f"net.{head}.2": (16, 16, 1, 1),
            f"net.{head}.4": (outputs, 16, 1, 1),
        }
    made = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    made |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    made["net.table.bias"] = np.zeros(1, np.float32)
    made |= {
        "net.position": np.zeros((1, 2, side, side), np.float32),
        "net.polynomials": np.zeros((1, 1, side, side), np.float32),
        "stretch.knots": np.zeros(1, np.float32),
        "stretch.bends": np.zeros((3, 1, 1, 1), np.float32),
        "stretch.start": np.ones(3, np.float32),
        "orientation.patterns": np.zeros((8, 1, 32, 32), np.float32),
    }
    with pytest.raises(ValueError, match="channels: got 24; a multiple of 16"):
        infonet_kernels.CopulaNetwork(made, 1000)


def test_what_is_no_histogram_has_no_answer(network):
    """Of no samples, or with a cell that is NaN: NaN, which the runtime refuses."""
    broken = histograms()[:3]
    broken[0] = 0
    broken[1, 5, 7] = np.nan
    found = network(broken)
    assert np.isnan(found.mi).tolist() == [True, True, False]
    assert np.isnan(found.score).tolist() == [True, True, False]
