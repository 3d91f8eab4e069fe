"""engine="ray": a cluster of two nodes, a worker that dies, and a Ray of our own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

import infonet
import numpy as np
import psutil
import pytest
from unfinished import finished_tiles, interrupted, tiles_are_done

ray = pytest.importorskip("ray", reason="ray is not installed (pip install 'infonet[ray]')")
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((500, 1)) + rng.standard_normal((500, 30)) * np.linspace(0.5, 3, 30)
    return {f"c{i}": column for i, column in enumerate(data.T)}


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU each on this machine."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    cluster.add_node(**node)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def connected(cluster):
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()


def workers(parents, title="ray::"):
    """Worker processes of these raylets."""
    found = []
    for parent in parents:
        for child in psutil.Process(parent).children(recursive=True):
            try:
                if child.cmdline() and child.cmdline()[0].startswith(title):
                    found.append(child)
            except psutil.Error:
                continue
    return found


def raylets(cluster):
    kinds = [node.all_processes["raylet"][0].process.pid for node in cluster.list_all_nodes()]
    assert len(kinds) == 2
    return kinds


def test_two_nodes_give_the_same_bytes(estimator, table, connected, tmp_path):
    holed = {**table, "c3": np.where(np.arange(500) % 7 == 0, np.nan, table["c3"])}
    expected = estimator.pairwise(holed, nan="omit", output=tmp_path / "threads.csv")
    found = estimator.pairwise(
        holed, nan="omit", engine="ray", tile=4, output=tmp_path / "ray.csv", progress=False
    )
    assert found.values.tobytes() == expected.values.tobytes()
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "threads.csv").read_bytes()
    assert ray.is_initialized()  # it was connected before
    used = [
        any(
            "infonet_kernels" in part.path or "onnxruntime" in part.path  # with kernels in NumPy
            for worker in workers([node])
            for part in worker.memory_maps()
        )
        for node in raylets(connected)
    ]
    assert used == [True, True]


def test_a_worker_that_dies_loses_nothing(estimator, table, connected):
    expected = estimator.pairwise(table)
    nodes, killed, done = raylets(connected), [], threading.Event()

    def kill():
        while not done.is_set() and len(killed) < 2:
            for worker in workers(nodes, "ray::compute_tile"):
                if worker.pid not in killed:
                    worker.kill()
                    killed.append(worker.pid)
                    time.sleep(1)
                    break
            time.sleep(0.005)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for _ in range(5):
            found = estimator.pairwise(table, engine="ray", tile=10)
            assert found.values.tobytes() == expected.values.tobytes()
            if killed:
                break
    finally:
        done.set()
        killer.join()
    assert killed


def test_unfinished_work_goes_on_with_another_engine(estimator, table, connected, tmp_path):
    folder = tmp_path / "o.npy.partial"
    with interrupted(folder, tiles_are_done(8)):
        estimator.pairwise(table, output=tmp_path / "o.npy", tile=4)
    assert len(finished_tiles(folder)) == 8
    found = estimator.pairwise(table, output=tmp_path / "o.npy", engine="ray")
    assert found.values.tobytes() == estimator.pairwise(table).values.tobytes()


def test_errors_of_workers_are_those_of_infonet(estimator, table, connected):
    from infonet.matrix.tile import ray_engine

    other = infonet.Estimator(threads=1)
    other.engine.__dict__["sha256"] = "0" * 64  # as if this node had another model
    assert ray_engine(other.engine)
    with pytest.raises(infonet.ModelError, match="is not the model of the program that asks"):
        other.pairwise(table, engine="ray")


ALONE = """
import numpy as np, infonet, psutil, sys
rng = np.random.default_rng(0)
data = rng.standard_normal((200, 6)) + rng.standard_normal((200, 1))
estimator = infonet.Estimator(threads=2)
found = estimator.pairwise(data, engine="ray", tile=2)
import ray
assert not ray.is_initialized()
assert not psutil.Process().children(recursive=True)
assert found.values.tobytes() == estimator.pairwise(data).values.tobytes()
print("same", file=sys.stderr)
"""


def test_a_ray_of_our_own_leaves_nothing_behind():
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    run = subprocess.run(
        [sys.executable, "-c", ALONE],
        env={**environment, "RAY_ADDRESS": "local"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "same" in run.stderr
    assert run.stdout == ""


def test_a_cluster_that_does_not_answer(estimator, table, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(infonet.InfoNetError, match=f"no Ray cluster answers at .*{address}"):
        estimator.pairwise(table, engine="ray")


def test_without_ray(estimator, table, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(infonet.MissingExtraError, match=r"pip install 'infonet\[ray\]'"):
        estimator.pairwise(table, engine="ray")


def test_given_columns(estimator, table, connected):
    some = {name: table[name] for name in list(table)[:6]}
    local = estimator.pairwise(some, given=["c0", "c5"], tile=2)
    remote = estimator.pairwise(some, given=["c0", "c5"], tile=2, engine="ray")
    assert remote.values.tobytes() == local.values.tobytes()
    assert remote.given == ("c0", "c5")
