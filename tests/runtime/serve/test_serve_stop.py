"""`infonet serve` under load: it stops without losing what it accepted, and keeps its limits."""

from __future__ import annotations

import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

# Imported here, KServe's messages would clash with those of tritonclient: both are the protocol's.
if find_spec("kserve") is None:
    pytest.skip("the KServe SDK is not installed: run  make test-serve", allow_module_level=True)

from serving import Server
from tritonclient.utils import InferenceServerException

SAMPLES = np.random.default_rng(0).standard_normal((4, 2000, 2)).astype(np.float32)
# What a client hears of a server that has stopped listening, or closed a connection between two
# requests; never an answer that says no.
GONE = re.compile(
    "refused|reset|closed|broken pipe|UNAVAILABLE|CANCELLED|ended while|Socket", re.IGNORECASE
)


def load(server, protocol, expected, started, counts, failures):
    """Ask until the server is gone; every answer must be right."""
    client, count = server.client(protocol), 0
    while True:
        try:
            found = client.ask("infonet", {"samples": SAMPLES}, ["mi"])["mi"]
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
            break
        assert found.tobytes() == expected
        count += 1
        if count == 3:
            started.release()
    counts.append(count)


def test_sigterm_under_load_finishes_what_was_accepted(estimator):
    """The server says how many requests it accepted: as many answers have arrived at clients."""
    with Server("--threads", 2) as server:
        expected = estimator.mi(SAMPLES).tobytes()
        started, counts, failures = threading.Semaphore(0), [], []
        with ThreadPoolExecutor(12) as pool:
            work = [
                pool.submit(load, server, protocol, expected, started, counts, failures)
                for protocol in ("http", "grpc") * 6
            ]
            for _ in work:
                assert started.acquire(timeout=120)
            said, code = server.stop()
            for one in work:
                one.result(timeout=120)
        assert code == 0, said
        accepted, answered = map(int, re.search(r"(\d+) requests accepted, (\d+) ", said).groups())
        assert accepted == answered == sum(counts) >= 36
        assert all(GONE.search(failure) for failure in failures), failures


def test_long_work_is_finished_after_sigterm(estimator):
    """A request of seconds, during which the server is told to stop."""
    with Server("--threads", 1) as server:
        x = np.random.default_rng(1).standard_normal((2000, 2)).astype(np.float32)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                lambda: server.client("grpc").ask(
                    "infonet_sliced", {"x": x, "y": x}, ["mean"], {"projections": 1500}
                )
            )
            server.wait_for_a_request()
            said, code = server.stop()
            found = asked.result(timeout=120)
        assert (code, "1 requests accepted, 1 answered" in said) == (0, True)
        assert found["mean"][0] == estimator.sliced(x, x, 1500).mean


def test_a_second_signal_ends_it_at_once():
    with Server("--threads", 1) as server:
        x = np.random.default_rng(1).standard_normal((20_000, 2)).astype(np.float32)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                lambda: server.client("grpc").ask(
                    "infonet_sliced", {"x": x, "y": x}, ["mean"], {"projections": 16_384}
                )
            )
            server.wait_for_a_request()
            server.process.terminate()
            assert server.process.stderr.readline().startswith("stopping: what was accepted")
            said, code = server.stop()
            assert (said, code) == ("", -signal.SIGTERM)
            assert GONE.search(str(asked.exception(timeout=120)))


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_request_that_takes_too_long_is_given_up(estimator, protocol):
    """Its thread is free again: the server answers others, and stops at once when told to."""
    with Server("--threads", 1, "--time-limit", 0.4) as server:
        client = server.client(protocol)
        x = np.random.default_rng(1).standard_normal((20_000, 2)).astype(np.float32)
        with pytest.raises(InferenceServerException, match=r"more than 0\.4 seconds") as error:
            client.ask("infonet_sliced", {"x": x, "y": x}, ["mean"], {"projections": 16_384})
        assert error.value.status() in ("504", "StatusCode.DEADLINE_EXCEEDED")
        found = client.ask("infonet", {"samples": SAMPLES[:1]}, ["mi"])["mi"]
        assert found.tobytes() == estimator.mi(SAMPLES[:1]).tobytes()
        assert server.stop()[1] == 0


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_more_requests_than_may_wait_are_told_to_come_again(protocol):
    with Server("--threads", 1, "--max-waiting", 2) as server:
        x = np.random.default_rng(1).standard_normal((5000, 2)).astype(np.float32)

        def ask(_):
            try:
                return server.client(protocol).ask(
                    "infonet_sliced", {"x": x, "y": x}, ["mean"], {"projections": 300}
                )["mean"][0]
            except InferenceServerException as error:
                return f"{error.status()} {error.message()}"

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8)))
        refused = [answer for answer in answers if isinstance(answer, str)]
        assert 1 <= len(refused) <= 6
        said = r"(503|StatusCode.UNAVAILABLE) 2 requests are waiting already: try again later"
        assert all(re.match(said, answer) for answer in refused)
        assert len({answer for answer in answers if not isinstance(answer, str)}) == 1
        assert server.stop()[1] == 0


def test_a_port_that_is_taken_is_named():
    with Server() as first:
        port = first.http.rsplit(":", 1)[1]
        with pytest.raises(AssertionError, match=f"Error: cannot listen at 127.0.0.1:{port}: give"):
            Server("--http-port", port)
        port = first.grpc.rsplit(":", 1)[1]
        with pytest.raises(AssertionError, match=f"127.0.0.1:{port}.* that is free as --grpc-port"):
            Server("--grpc-port", port)
        assert first.stop()[1] == 0
