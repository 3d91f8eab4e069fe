"""What docs/how-to/maximise.md shows is what happens, and the example finds what it claims to."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import quad

ROOT = Path(__file__).parents[3]


def load_example():
    spec = importlib.util.spec_from_file_location("example", ROOT / "examples" / "maximise_mi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = load_example()


def test_the_page_shows_what_is_printed():
    text = (ROOT / "docs" / "how-to" / "maximise.md").read_text()
    code = re.search(r"```python\n(import torch.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code[1], "maximise.md", "exec"), {})
    shown, got = (
        [float(number) for number in re.findall(r"-?\d+\.\d*", part)]
        for part in (code[2], printed.getvalue())
    )
    assert len(got) == 6
    assert got[0] == pytest.approx(shown[0], abs=0.02)
    direction = np.array(got[1:]) * np.sign(got[1] * shown[1])  # w and -w say the same
    np.testing.assert_allclose(direction, shown[1:], atol=0.05)


@pytest.mark.parametrize(("target", "starts"), [("linear", 1), ("square", 4)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_random_start_leads_to_the_best_projection(target, starts, seed):
    """At least 95 % of the best possible, judged by the truth and not by the estimate."""
    generator = torch.Generator().manual_seed(seed)
    problem = example.draw(target, 1000, generator)
    first = torch.randn(starts, example.DIMENSIONS, generator=generator)
    w, estimate = example.maximise(problem.x, problem.y, first, steps=100)
    best = example.true_mi(target, 1.0)
    assert example.true_mi(target, example.correlation(w, problem)) >= 0.95 * best
    assert estimate == pytest.approx(best, abs=0.15)


def test_the_truth_of_the_square_target():
    """At correlation 1 it is h(y) - h(noise), y's density a convolution; at 0 nothing is shared."""
    noise = math.sqrt(1 - example.SIGNAL**2)

    def normal(v):
        return math.exp(-(v**2) / 2) / math.sqrt(2 * math.pi)

    def density(v):
        def term(z):
            centre = example.SIGNAL * (z * z - 1) / math.sqrt(2)
            return normal(z) * normal((v - centre) / noise) / noise

        return 2 * quad(term, 0, 7, limit=200)[0]

    points = np.linspace(-2.5, 12, 400)
    values = np.array([density(v) for v in points])
    terms = -values * np.log(values)
    entropy = np.sum((terms[1:] + terms[:-1]) / 2) * (points[1] - points[0])
    expected = entropy - 0.5 * math.log(2 * math.pi * math.e * noise**2)
    assert example.true_mi("square", 1.0) == pytest.approx(expected, abs=1e-3)
    assert example.true_mi("square", -1.0) == example.true_mi("square", 1.0)
    assert example.true_mi("square", 0.0) == pytest.approx(0, abs=1e-4)
    assert example.true_mi("linear", 0.0) == 0
