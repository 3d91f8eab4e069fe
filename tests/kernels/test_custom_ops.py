"""The ONNX Runtime custom ops are the same kernels."""

from concurrent.futures import ThreadPoolExecutor

import infonet_kernels
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper


def soft_rank_node(**attributes):
    attributes = {"eps": 0.0, "normalize": "midrank", **attributes}
    attributes = {name: value for name, value in attributes.items() if value is not None}
    return helper.make_node("SoftRank", ["samples"], ["ranks"], domain="infonet", **attributes)


def histogram_node(source="ranks", **attributes):
    return helper.make_node(
        "JointHistogram", [source], ["histogram"], domain="infonet", **attributes
    )


def session(*nodes, shape=("batch", "n", 2), threads=1, config=(), library=None):
    outputs = [helper.make_tensor_value_info(n.output[0], TensorProto.FLOAT, None) for n in nodes]
    graph = helper.make_graph(
        nodes, "test", [helper.make_tensor_value_info("samples", TensorProto.FLOAT, shape)], outputs
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("infonet", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # the errors below are wanted
    for name, value in config:
        options.add_session_config_entry(name, value)
    options.register_custom_ops_library(str(library or infonet_kernels.library_path()))
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def kernels(samples, grid, eps=0.0, normalize="midrank"):
    batch, n, _ = samples.shape
    ranks = infonet_kernels.soft_rank(
        samples.transpose(0, 2, 1).reshape(2 * batch, n), eps, normalize
    ).reshape(batch, 2, n)
    histogram = infonet_kernels.joint_histogram(ranks[:, 0], ranks[:, 1], grid)
    return ranks.transpose(0, 2, 1), histogram


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("eps", [0.0, 0.125, 2.0**-14])
@pytest.mark.parametrize("normalize", infonet_kernels.NORMALIZATIONS)
def test_ops_equal_the_kernels(normalize, eps, threads):
    both = session(
        soft_rank_node(eps=eps, normalize=normalize), histogram_node(grid=24), threads=threads
    )
    random = np.random.default_rng(0)
    for shape in [(1, 1), (1, 2), (5, 20), (2, 129), (7, 1151), (0, 10), (3, 0), (0, 0)]:
        samples = random.standard_normal((*shape, 2)).astype(np.float32)
        ranks, histogram = both.run(None, {"samples": samples})
        expected = kernels(samples, 24, eps, normalize)
        np.testing.assert_array_equal(ranks, expected[0])
        np.testing.assert_array_equal(histogram, expected[1])


def test_rows_of_a_matrix():
    values = np.random.default_rng(0).standard_normal((4, 77)).astype(np.float32)
    (ranks,) = session(soft_rank_node(), shape=("rows", "n")).run(None, {"samples": values})
    np.testing.assert_array_equal(ranks, infonet_kernels.soft_rank(values))


@pytest.mark.parametrize("columns", [1, 3])
def test_any_number_of_columns(columns):
    values = np.random.default_rng(0).standard_normal((2, 40, columns)).astype(np.float32)
    (ranks,) = session(soft_rank_node(), shape=("b", "n", "d")).run(None, {"samples": values})
    for row in range(2):
        np.testing.assert_array_equal(ranks[row].T, infonet_kernels.soft_rank(values[row].T))


def test_shapes_are_inferred():
    outputs = session(soft_rank_node(), histogram_node(grid=24)).get_outputs()
    assert [output.shape for output in outputs] == [["batch", "n", 2], ["batch", 24, 24]]
    fixed = session(soft_rank_node(), histogram_node(grid=24), shape=(4, 100, 2)).get_outputs()
    assert [output.shape for output in fixed] == [[4, 100, 2], [4, 24, 24]]


@pytest.mark.parametrize("shape", [None, (None, None, 2), (None, None, None)])
def test_unknown_shapes_stay_open(shape):
    both = session(soft_rank_node(), histogram_node(grid=24), shape=shape)
    samples = np.random.default_rng(0).standard_normal((2, 30, 2)).astype(np.float32)
    np.testing.assert_array_equal(both.run(None, {"samples": samples})[1], kernels(samples, 24)[1])


def test_denormals_survive_a_session_that_flushes_them():
    """ONNX Runtime sets the processor's flush-to-zero mode here; ranks go by the bits."""
    ranker = session(soft_rank_node(), config=[("session.set_denormal_as_zero", "1")])
    samples = np.float32(1e-45) * np.arange(-500, 500, dtype=np.float32).reshape(1, 500, 2)
    (ranks,) = ranker.run(None, {"samples": samples})
    np.testing.assert_array_equal(ranks, kernels(samples, 2)[0])


@pytest.mark.parametrize("threads", [1, 3])
def test_bad_values_are_named(threads):
    both = session(soft_rank_node(), histogram_node(grid=8), threads=threads)
    samples = np.zeros((4, 50, 2), np.float32)
    samples[2:, 31, 1] = np.nan
    with pytest.raises(Exception, match="SoftRank: values: NaN at row 2, column 1, index 31;"):
        both.run(None, {"samples": samples})
    alone = session(histogram_node("samples", grid=8), threads=threads)
    samples[2:, 31, 1] = 1.5
    with pytest.raises(
        Exception, match=r"JointHistogram: ranks: 1\.5\d* at row 2, column 1, index"
    ):
        alone.run(None, {"samples": samples})
    samples[2:, 31, 1] = 1.0
    assert alone.run(None, {"samples": samples})[0].sum() == 200  # and the session lives on


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (soft_rank_node(eps=-1.0), "SoftRank: eps: got -1"),
        (soft_rank_node(normalize="rank"), "SoftRank: normalize: got 'rank'; allowed are"),
        (soft_rank_node(eps=None), "eps"),
        (soft_rank_node(normalize=None), "normalize"),
        (histogram_node("samples", grid=1), "JointHistogram: grid: got 1; allowed are 2 to 4096"),
        (histogram_node("samples"), "grid"),
    ],
)
def test_bad_attributes_fail_the_session(node, message):
    with pytest.raises(Exception, match=message):
        session(node)


def test_bad_shapes_are_refused():
    with pytest.raises(Exception, match=r"got shape \[2, 5, 3\]; \[batch, n, 2\] is needed"):
        session(histogram_node("samples", grid=4), shape=("b", "n", "d")).run(
            None, {"samples": np.zeros((2, 5, 3), np.float32)}
        )
    with pytest.raises(Exception, match="got rank 1"):
        session(soft_rank_node(), shape=None).run(None, {"samples": np.zeros(5, np.float32)})


def test_eight_threads_share_a_session():
    both = session(soft_rank_node(), histogram_node(grid=32))
    batches = [
        np.random.default_rng(seed).standard_normal((2, 100 + 97 * seed, 2)).astype(np.float32)
        for seed in range(16)
    ]
    expected = [kernels(samples, 32)[1] for samples in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            got = pool.map(lambda samples: both.run(None, {"samples": samples})[1], batches)
            for a, b in zip(got, expected, strict=True):
                np.testing.assert_array_equal(a, b)


def test_many_sessions():
    for _ in range(20):
        session(soft_rank_node(), histogram_node(grid=8))
