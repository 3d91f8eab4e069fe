"""Where no compiled library fits the platform: the same answers from NumPy, and one warning."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import infonet
import infonet_kernels
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.pairs import networks
from infonet_kernels import _choice


@pytest.fixture
def in_numpy(monkeypatch):
    monkeypatch.setenv("INFONET_KERNELS", "numpy")
    # ONNX Runtime runs the network here, so it does on the other side, too: bytes are compared.
    monkeypatch.setattr(networks, "COMPILED", frozenset())
    _choice.forget()
    assert infonet_kernels.why_numpy()
    yield
    monkeypatch.undo()
    _choice.forget()


def _columns(n=600):
    rng = np.random.default_rng(3)
    a, b, c = rng.standard_normal((3, n))
    d = rng.integers(0, 5, n)
    return {"a": a, "b": np.round(0.6 * a + b, 1), "c": np.cos(2 * a) + 0.3 * c + d, "d": d}


def one_pair():
    data = _columns()
    found = infonet.estimate(data["a"], data["c"], permutations=19, seed=1)
    return [found.mi, *found.interval, found.p_value, *found.table.ravel().tolist()]


def ties_and_levels():
    data = _columns()
    pairs = [infonet.estimate(data["a"], data[name]) for name in ("b", "d")]
    return [value for pair in pairs for value in (pair.mi, *pair.interval, pair.p_value)]


def matrix():
    found = infonet.pairwise(_columns())
    return [*found.values.ravel().tolist(), *found.p_values.tolist()]


def several_columns_and_a_condition():
    data = _columns()
    joint = np.stack([data["a"], data["b"]], axis=1)
    found = infonet.estimate(joint, data["c"], given=data["d"])
    return [found.mi, found.p_value]


def sliced():
    data = _columns()
    x, y = np.stack([data["a"], data["b"]], 1), np.stack([data["c"], data["a"] ** 3], 1)
    found = infonet.Estimator(threads=1).sliced(x, y, projections=20, seed=2)
    return [found.mean, *found.values.tolist()]


def stream():
    data = _columns()
    watch = infonet.Monitor(200, ("a", "c"), stride=200)
    found = watch.extend(np.stack([data["a"], data["c"]], axis=1))
    return [event.estimates[0].mi for event in found]


def series():
    data = _columns()
    found = infonet.lagged(data["a"], np.roll(data["c"], 2), range(4))
    return [float(value) for value in found.mi]


ROUTES = (
    one_pair,
    ties_and_levels,
    matrix,
    several_columns_and_a_condition,
    sliced,
    stream,
    series,
)


@pytest.fixture(scope="module")
def compiled(operators):
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("ignore")
        patched.setattr(networks, "COMPILED", frozenset())
        return {route: route() for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
@pytest.mark.usefixtures("in_numpy")
@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_numpy_gives_the_same_answers(compiled, route):
    found = route()
    assert len(found) > 1
    assert found == compiled[route]


def _run(code, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INFONET_KERNELS")}
    hidden = "from infonet_kernels._library import CPU; CPU.file = 'libnowhere.so'\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + code],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )


TWICE = "import infonet; x = [i * 0.37 % 1 for i in range(50)]\n" + (
    "for _ in range(2): print(infonet.mutual_information(x, x[::-1]))"
)


def test_one_warning_says_so():
    found = _run(TWICE)
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("InfoNetWarning") == 1
    assert "in NumPy (there is no libnowhere.so in this installation)" in found.stderr
    assert "install a C++17 compiler" in found.stderr
    asked_for = _run(TWICE, INFONET_KERNELS="numpy")
    assert (asked_for.stdout, asked_for.stderr) == (found.stdout, "")


def test_an_error_where_it_is_insisted_on():
    found = _run(TWICE, INFONET_KERNELS="compiled")
    assert found.returncode == 1
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("infonet.errors.InfoNetError: the compiled kernels of infonet cannot be")


@pytest.mark.usefixtures("in_numpy")
def test_doctor_says_which_kernels_serve():
    found = CliRunner().invoke(main, ["doctor"])
    assert found.exit_code == 0
    assert "in NumPy (INFONET_KERNELS is numpy; to have them compiled, install" in found.stdout


@pytest.mark.usefixtures("in_numpy")
def test_a_model_that_needs_the_operators(tmp_path):
    pytest.importorskip("onnx")
    import fake_perceiver as fake

    model = fake.write(tmp_path / "paper.onnx", eps=0.1, normalize="minmax")
    with pytest.raises(infonet.InfoNetError, match="paper.onnx needs the operators of the compil"):
        infonet.Estimator(model, threads=1)
