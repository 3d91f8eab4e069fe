"""The parts of benchmarks/gpu.py that need no GPU: counting, timing, tables, messages."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from core_graphs import copula_core
from infonet_export.copula.network import CopulaNet
from infonet_export.perceiver import mutual_information
from random_perceivers import SMALL
from random_perceivers import random_net as random_perceiver
from tiny_models import tiny_config
from torch.utils.flop_counter import FlopCounterMode

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_work_of_the_copula_core_is_what_pytorch_counts():
    import gpu_limits

    net = CopulaNet(tiny_config().model).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.rand(3, 32, 32))
    path = copula_core("fp32")
    work = gpu_limits.graph(path, (3,))
    extra = work.flop - counter.get_total_flops()
    # the exported core also chooses an orientation and stretches the interval
    orientation = 3 * 2 * 8 * 16 * 16
    assert orientation <= extra <= 1.1 * orientation
    assert gpu_limits.graph(path, (6,)).flop == 2 * work.flop
    assert gpu_limits.graph(copula_core("fp16"), (3,)).bytes < 0.8 * work.bytes
    assert gpu_limits.input_side(path) == 32


def test_work_of_the_paper_network():
    import gpu_limits

    one, more = (gpu_limits.perceiver("perceiver_softrank", 1, n).flop for n in (500, 5000))
    assert 7e10 < more < 1.3e11
    assert one < more
    assert gpu_limits.perceiver("perceiver_softrank", 8, 500).flop == 8 * one


def test_the_paper_network_is_estimated_as_published():
    import gpu_networks

    torch.manual_seed(0)
    net = random_perceiver(SMALL)
    samples = torch.randn(2, 4000, 2)
    with torch.no_grad():
        got = gpu_networks.paper_mi(net, samples)
        low, high = samples.amin(1, keepdim=True), samples.amax(1, keepdim=True)
        ranks = (samples - low) / (high - low)
        expected = mutual_information(net(ranks).table, ranks)
    # five random shuffles stand for the mean over all pairs
    torch.testing.assert_close(got, expected, rtol=0, atol=0.02)


def test_turns_and_medians():
    from gpu_timing import interleaved, milliseconds, table

    seconds = {"fast": 0.004, "slow": 2.0}
    log = []

    def timed(function, calls):
        log.append((function(), calls))
        return calls * seconds[function()]

    found = interleaved({name: lambda name=name: name for name in seconds}, timed, rounds=25)
    assert found["fast"].median == pytest.approx(0.004)
    assert found["fast"].call == pytest.approx(0.004)
    assert (found["fast"].calls, found["slow"].calls) == (125, 3)
    assert found["fast"].p99 == pytest.approx(0.004)
    assert found["slow"].p99 is None
    turns = [name for name, _ in log[4:]]  # after what finds out how long a call takes
    assert turns[:14] == (["fast"] * 6 + ["slow"]) * 2
    text = table(["a", "b"], [["x", "1"], ["yy", milliseconds(found["fast"].p99)]])
    assert text.splitlines() == ["| a  |  b |", "| -- | -: |", "| x  |  1 |", "| yy |  4 |"]


def test_without_a_gpu_one_line_says_so(capsys):
    import gpu

    if gpu.missing_gpu() is None:
        pytest.skip("there is a GPU")
    with pytest.raises(SystemExit) as caught:
        gpu.main([])
    assert str(caught.value).startswith("gpu.py measures on an NVIDIA GPU and cannot: ")
    assert "\n" not in str(caught.value)
    for arguments, words in (
        (["--sizes", "0"], "--sizes must be positive"),
        (["--engine", "none.engine"], "no file none.engine"),
        (["--skip", "all"], "invalid choice"),
    ):
        with pytest.raises(SystemExit):
            gpu.main(arguments)
        assert words in capsys.readouterr().err
