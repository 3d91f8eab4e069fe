"""`infonet serve` answers NVIDIA's client as the API answers, and refuses what it must."""

from __future__ import annotations

import http.client
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

# Imported here, KServe's messages would clash with those of tritonclient: both are the protocol's.
if find_spec("kserve") is None:
    pytest.skip("the KServe SDK is not installed: run  make test-serve", allow_module_level=True)

import tritonclient.grpc
from serving import Server
from tritonclient.utils import InferenceServerException

RNG = np.random.default_rng(0)
PROTOCOLS = ["http", "grpc"]
pytestmark = pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")


def dependent(*shape):
    samples = RNG.standard_normal((*shape, 2))
    samples[..., 1] += samples[..., 0]
    return samples


GOOD = dependent(1, 200).astype(np.float32)


@pytest.fixture(scope="module")
def server():
    with Server("--max-megabytes", 1, "--threads", 2) as started:
        yield started
        said, code = started.stop()
    assert code == 0, said


@pytest.fixture(params=PROTOCOLS)
def client(server, request):
    return server.client(request.param)


def pairs():
    """Continuous, rounded, counted, labelled and constant variables: all that pairs can be."""
    batch = dependent(5, 300)
    batch[1] = batch[1].round(1)
    batch[2] = np.abs(batch[2] * 2).round()
    batch[3, :, 1] = batch[3, :, 0] > 0.3
    batch[4, :, 0] = 7.0
    return batch


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_pairs_have_the_numbers_of_the_api(client, estimator, dtype):
    batch = (pairs() * (1 if dtype != np.int16 else 20)).astype(dtype)
    found = client.ask("infonet", {"samples": batch}, ["mi", "quantiles", "p_value", "notes"])
    assert found["mi"].tobytes() == estimator.mi(batch).tobytes()
    assert found["quantiles"].tobytes() == estimator.quantiles(batch).tobytes()
    single = [estimator.estimate(*pair.T) for pair in batch]
    expected = [np.nan if one.p_value is None else one.p_value for one in single]
    np.testing.assert_array_equal(found["p_value"], expected)
    assert b"constant" in found["notes"][4]
    for one, notes in zip(single[:4], found["notes"], strict=False):
        assert notes.decode() == "; ".join(one.notes)


def test_json_gives_the_numbers_of_binary_tensors(server, estimator):
    batch = pairs().astype(np.float32)
    found = server.client("http").ask("infonet", {"samples": batch}, ["mi", "notes"], binary=False)
    assert found["mi"].tobytes() == estimator.mi(batch).tobytes()
    status, answer = post(server, request("samples", batch, "FP32"))
    assert status == 200
    assert [one["name"] for one in answer["outputs"]] == ["mi", "quantiles", "p_value", "notes"]
    assert answer["outputs"][0]["data"] == estimator.mi(batch).tolist()
    assert answer["outputs"][2]["data"][4] is None  # JSON has no NaN: a constant has no p-value


def test_sliced_mutual_information(client, estimator):
    x = RNG.standard_normal((400, 3)).astype(np.float32)
    y = (x[:, :2] + RNG.standard_normal((400, 2))).astype(np.float32)
    parameters = {"projections": 70, "seed": 3, "scale": "minmax", "permutations": 19}
    names = ["mean", "standard_error", "max", "values", "p_value", "notes"]
    found = client.ask("infonet_sliced", {"x": x, "y": y}, names, parameters)
    expected = estimator.sliced(x, y, 70, 3, "minmax", permutations=19)
    assert found["values"].tobytes() == expected.values.tobytes()
    assert found["mean"][0] == expected.mean
    assert found["standard_error"][0] == expected.standard_error
    assert found["max"][0] == expected.max
    assert found["p_value"][0] == expected.p_value == 0.05
    assert np.isnan(client.ask("infonet_sliced", {"x": x, "y": y}, ["p_value"])["p_value"][0])


def test_rows_that_are_not_finite_are_left_out_where_asked(client, estimator):
    x = RNG.standard_normal((400, 2)).astype(np.float32)
    y = (x[:, :1] + RNG.standard_normal((400, 1))).astype(np.float32)
    x[[3, 7], 1], y[9] = [np.nan, np.inf], np.nan
    found = client.ask("infonet_vectors", {"x": x, "y": y}, ["mi"], {"nan": "omit"})
    assert found["mi"][0] == estimator.estimate(x, y, nan="omit").mi
    parameters = {"projections": 70, "nan": "omit"}
    found = client.ask("infonet_sliced", {"x": x, "y": y}, ["mean"], parameters)
    assert found["mean"][0] == estimator.sliced(x, y, 70, nan="omit").mean
    for model in ("infonet_vectors", "infonet_sliced"):
        with pytest.raises(Exception, match=r"2 NaN values .*pass nan=.omit"):
            client.ask(model, {"x": x[:, 1:] * 0, "y": y}, ["notes"])
    with pytest.raises(Exception, match=r"only finite numbers are allowed: remove them$"):
        client.ask("infonet", {"samples": np.stack([x[:, 1], y[:, 0]], 1)[None]}, ["mi"])


@pytest.mark.parametrize("known", [False, True])
def test_several_columns_given_others(client, estimator, known):
    x = RNG.standard_normal((400, 2))
    z = RNG.standard_normal((400, 1))
    y = x[:, :1] + z + RNG.standard_normal((400, 1))
    inputs = {"x": x, "y": y, **({"given": z} if known else {})}
    found = client.ask("infonet_vectors", inputs, ["mi", "interval", "p_value"])
    expected = estimator.estimate(x, y, given=z if known else None)
    assert found["mi"][0] == expected.mi
    assert tuple(found["interval"]) == expected.interval
    assert found["p_value"][0] == expected.p_value


def test_health_and_metadata(client):
    connection = client.connection
    assert connection.is_server_live()
    assert connection.is_server_ready()
    assert connection.is_model_ready("infonet")
    as_json = {"as_json": True} if client.library is tritonclient.grpc else {}
    assert connection.get_server_metadata(**as_json)["name"] == "infonet"
    model = connection.get_model_metadata("infonet", **as_json)
    assert [one["name"] for one in model["inputs"]] == ["samples"]
    assert [int(size) for size in model["inputs"][0]["shape"]] == [-1, -1, 2]
    assert [one["name"] for one in model["outputs"]] == ["mi", "quantiles", "p_value", "notes"]
    with pytest.raises(InferenceServerException, match="nobody does not exist"):
        connection.get_model_metadata("nobody")


def request(name, array, datatype, **more):
    """The JSON of a request with one input."""
    data = np.asarray(array).reshape(-1).tolist()
    tensor = {"name": name, "shape": list(np.shape(array)), "datatype": datatype, "data": data}
    return {"inputs": [{**tensor, **more}]}


def post(server, body, headers=None, model="infonet"):
    """Status and JSON of the answer to a body, of JSON or of bytes."""
    connection = http.client.HTTPConnection(server.http, timeout=60)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", f"/v2/models/{model}/infer", content, headers or {})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def changed(where, value):
    array = GOOD.astype(object)
    array[where] = value
    return array


BINARY = json.dumps(
    {
        "inputs": [
            {
                "name": "samples",
                "shape": [1, 200, 2],
                "datatype": "FP32",
                "parameters": {"binary_data_size": GOOD.nbytes},
            }
        ]
    }
).encode()
LENGTH = {"Inference-Header-Content-Length": str(len(BINARY))}
# A body, its headers, and what the refusal says.
MALFORMED = {
    "NaN": (
        request("samples", changed((0, 3, 1), float("nan")), "FP32"),
        {},
        r"samples\[0, :, 1\] has 1 NaN value.*first at index 3",
    ),
    "infinite": (request("samples", changed((0, 0, 0), 1e300), "FP32"), {}, "1 infinite value"),
    "text": (request("samples", changed((0, 0, 0), "many"), "FP32"), {}, "holds text"),
    "null": (request("samples", changed((0, 0, 0), None), "FP32"), {}, "null"),
    "text type": (request("samples", changed(0, "many"), "BYTES"), {}, "datatype BYTES, allowed"),
    "no type": (request("samples", GOOD, "FLOAT"), {}, "datatype FLOAT, allowed are BOOL"),
    "no whole number": (request("samples", GOOD, "INT32"), {}, "no INT32: send them as FP64"),
    "three columns": (request("samples", np.ones((1, 50, 3)), "FP32"), {}, r"\[batch, n, 2\]"),
    "one pair": (request("samples", GOOD[0], "FP32"), {}, r"shape \[200, 2\], allowed"),
    "other size": (request("samples", GOOD, "FP32", shape=[1, 100, 2]), {}, "400 values and shape"),
    "negative": (request("samples", GOOD, "FP32", shape=[-1, 200, 2]), {}, "sizes from 0"),
    "huge shape": (request("samples", GOOD, "FP32", shape=[2**62, 200, 2]), {}, "400 values"),
    "ragged": (request("samples", GOOD, "FP32", data=[[1, 2], [3]]), {}, "ragged list"),
    "few": (request("samples", GOOD[:, :19], "FP32"), {}, "19 samples, the model needs at least"),
    "empty batch": (request("samples", GOOD[:0], "FP32"), {}, "empty batch"),
    "no samples": (request("samples", GOOD[:, :0], "FP32"), {}, "0 samples, the model needs"),
    "other name": (request("x", GOOD, "FP32"), {}, "an input 'x', allowed are samples"),
    "twice": ({"inputs": request("samples", GOOD, "FP32")["inputs"] * 2}, {}, "there twice"),
    "no input": ({"inputs": []}, {}, "no input samples"),
    "no inputs": ({}, {}, "inputs of the request: a JSON list was expected"),
    "no object": ([1, 2], {}, "the request: a JSON object was expected"),
    "no shape": ({"inputs": [{"name": "samples", "datatype": "FP32"}]}, {}, 'needs a "shape"'),
    "no data": (request("samples", GOOD, "FP32", data=None), {}, "data of samples: a JSON list"),
    "no JSON": (b'{"inputs": [', {}, "the request is no JSON"),
    "deep JSON": (b"[" * 100_000, {}, "the request is no JSON"),
    "no UTF-8": (b"\xff\xfe{}", {}, "the request is no JSON"),
    "nothing": (b"", {}, "the request is no JSON"),
    "parameter": ({**request("samples", GOOD, "FP32"), "parameters": {"bins": 3}}, {}, "'bins'"),
    "output": ({**request("samples", GOOD, "FP32"), "outputs": [{"name": "r"}]}, {}, "'r' is ask"),
    "cut": (BINARY + GOOD.tobytes()[:-8], LENGTH, "says 1600 bytes of binary data, there are 1592"),
    "more": (BINARY + GOOD.tobytes() + b"12", LENGTH, "2 bytes more than the inputs say"),
    "no length": (BINARY + GOOD.tobytes(), {}, "the request is no JSON"),
    "bad length": (BINARY, {"Inference-Header-Content-Length": "-3"}, "is '-3', allowed are 0 to"),
    "compressed": (BINARY, {"Content-Encoding": "gzip"}, "compressed"),
    "oversized": (b" " * (2**20 + 1), {}, "more than 1 MiB, which is the limit"),
    "far oversized": (b" " * 2**23, {}, "more than 1 MiB, which is the limit"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_bad_requests_get_400_with_the_reason(server, name):
    body, headers, reason = MALFORMED[name]
    status, answer = post(server, body, headers)
    assert (status, list(answer)) == (400, ["error"])
    assert re.search(reason, answer["error"]), answer["error"]
    assert "\n" not in answer["error"]


@pytest.mark.parametrize(
    ("model", "inputs", "parameters", "reason"),
    [
        ("infonet", {"samples": GOOD * np.float32("nan")}, None, "400 NaN|200 NaN"),
        ("infonet", {"samples": np.full((1, 20, 2), "many", object)}, None, "datatype BYTES"),
        ("infonet", {"samples": GOOD[0]}, None, r"\[batch, n, 2\]"),
        ("infonet", {"samples": GOOD[:, :19]}, None, "19 samples, the model needs at least 20"),
        ("infonet", {"samples": GOOD[:0]}, None, "empty batch"),
        ("infonet_sliced", {"x": GOOD[0]}, None, "no input y, needed are x, y"),
        ("infonet_sliced", {"x": GOOD[0], "y": GOOD[0, :50]}, None, "200 and 50"),
        ("infonet_sliced", {"x": GOOD[0], "y": GOOD[0]}, {"projections": 0}, "projections is 0"),
        ("infonet_sliced", {"x": GOOD[0], "y": GOOD[0]}, {"projections": 10**9}, "1 to 16384"),
        ("infonet_sliced", {"x": GOOD[0], "y": GOOD[0]}, {"scale": "log"}, "scale is 'log'"),
        ("infonet_sliced", {"x": GOOD[0], "y": GOOD[0]}, {"projections": 64.0}, "whole numbers"),
        ("infonet_sliced", {"x": GOOD[0], "y": GOOD[0]}, {"seed": "one"}, "seed is 'one'"),
        ("infonet_vectors", {"x": GOOD[0], "y": GOOD[0, :, 0]}, {"permutations": 9}, "needs none"),
        ("infonet_vectors", {"x": GOOD[0], "y": GOOD[0], "z": GOOD[0]}, None, "allowed are x, y, "),
    ],
)
def test_bad_requests_over_both_protocols(client, model, inputs, parameters, reason):
    output = {"infonet": "mi", "infonet_sliced": "mean", "infonet_vectors": "mi"}[model]
    with pytest.raises(InferenceServerException, match=reason) as error:
        client.ask(model, inputs, [output], parameters)
    status = {"http": "400", "grpc": "StatusCode.INVALID_ARGUMENT"}
    name = "grpc" if client.library is tritonclient.grpc else "http"
    assert error.value.status() == status[name]


def test_bad_messages_over_grpc(server):
    message = tritonclient.grpc.service_pb2.ModelInferRequest(model_name="infonet")
    message.inputs.add(name="samples", datatype="FP32", shape=[1, 200, 2])
    client = server.client("grpc")
    stub = client.connection._client_stub
    for raw, reason in [
        ([GOOD.tobytes()[:-4]], "cannot be read"),
        ([GOOD.tobytes()[:-3]], "cannot be read"),
        ([GOOD.tobytes()] * 2, "number of inputs"),
        ([], "cannot be read"),
    ]:
        del message.raw_input_contents[:]
        message.raw_input_contents.extend(raw)
        with pytest.raises(Exception, match=f"INVALID_ARGUMENT[^¶]*{reason}"):
            stub.ModelInfer(message)
    large = np.zeros((1, 2**18, 2), np.float32)
    with pytest.raises(InferenceServerException, match="larger than max") as error:
        client.ask("infonet", {"samples": large}, ["mi"])
    assert error.value.status() == "StatusCode.RESOURCE_EXHAUSTED"


def test_an_unknown_model_is_not_found_and_models_stay(client):
    with pytest.raises(InferenceServerException, match="nobody does not exist") as error:
        client.ask("nobody", {"samples": GOOD}, ["mi"])
    assert error.value.status() in ("404", "StatusCode.NOT_FOUND")
    with pytest.raises(InferenceServerException):
        client.connection.unload_model("infonet")
    assert client.connection.is_model_ready("infonet")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_good_requests_are_unharmed_by_bad_ones_beside_them(server, estimator, protocol):
    """Of different lengths, all at once: whatever is joined, each gets its own answer."""
    batches = [dependent(1 + i % 3, 100 + 40 * (i % 4)).astype(np.float32) for i in range(60)]
    for i in range(0, 60, 5):
        batches[i][0, i % 7, 0] = [np.nan, np.inf][i % 2]

    def ask(batch):
        client = server.client(protocol)
        try:
            return client.ask("infonet", {"samples": batch}, ["mi"])["mi"]
        except InferenceServerException as error:
            return str(error)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, batches))
    for i, (batch, answer) in enumerate(zip(batches, answers, strict=True)):
        if i % 5:
            assert answer.tobytes() == estimator.mi(batch).tobytes()
        else:
            assert f"samples[0, :, 0] has 1 {['NaN', 'infinite'][i % 2]} value" in answer


def test_a_connection_that_is_idle_for_a_while_is_kept(server):
    """A server that closes it loses the request that comes at that moment."""
    connection = http.client.HTTPConnection(server.http, timeout=60)
    answers = []
    for pause in (0, 7):  # uvicorn's own default is 5
        time.sleep(pause)
        connection.request("GET", "/v2/health/ready")
        answers.append(json.loads(connection.getresponse().read()))
        connection.auto_open = 0  # a closed connection is an error, not opened again
    assert answers == [{"ready": True}] * 2


def test_metrics_for_prometheus(server):
    before = server.metrics()
    assert post(server, request("samples", GOOD, "FP32"))[0] == 200
    assert post(server, b"[")[0] == 400
    found = server.metrics()
    for status in ("200", "400"):
        name = f'infonet_requests_total{{model="infonet",protocol="http",status="{status}"}}'
        assert found[name] == before.get(name, 0) + 1
    assert found["infonet_requests_waiting"] == 0
    assert found["infonet_pairs_together_count"] >= 1
    assert found['infonet_request_seconds_count{model="infonet"}'] >= 2
