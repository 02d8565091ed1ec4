"""Signals standardised by what a layer was fed: exact normals at every depth, in both directions."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from varlaw.evidence import layer_signals
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal

Floats = NDArray[np.float64]
STD, BIAS, WIDTHS = 0.3, 0.7, (12, 20, 8, 16)


def run(rng: np.random.Generator, std: float = STD, bias_std: float = BIAS) -> list[tuple[Floats, ...]]:
    """A tanh network of float64 with normal weights: inputs, outputs and both gradients of every map."""
    h, trace = rng.standard_normal(WIDTHS[0]), []
    for m, n in itertools.pairwise(WIDTHS):
        w = rng.normal(0, std, (n, m))
        y = w @ h + rng.normal(0, bias_std, n)
        trace.append((w, h, y))
        h = np.tanh(y)
    at_end, found = rng.standard_normal(WIDTHS[-1]), []
    for w, h, y in reversed(trace):
        v = at_end * (1 - np.tanh(y) ** 2)
        at_end = w.T @ v
        found.append((h, y, v, at_end))
    return found[::-1]


def standardised(direction: str, layers: list[tuple[Floats, ...]]) -> list[Floats]:
    """Each map's signal over what the law of STD and BIAS says."""
    if direction == "forward":
        return [layer_signals.forward(h, y, STD, BIAS) for h, y, _, _ in layers]
    return [layer_signals.backward(h, v, g, STD) for h, _, v, g in layers]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("std", "outcome"), [(STD, "CONFORMS"), (1.03 * STD, "VIOLATES"), (STD / 1.03, "VIOLATES")])
def test_all_maps_together_are_one_normal_law(direction: str, std: float, outcome: str) -> None:
    def draws(seed: int, count: int) -> Iterator[Floats]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield np.concatenate(standardised(direction, run(rng, std, BIAS * std / STD)))

    assert decide(Normal(1.0), draws, POLICIES["nightly"], Key("passage", direction)).outcome == outcome


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_signal_is_as_long_as_its_degrees_of_freedom(direction: str) -> None:
    lengths = [len(part) for part in standardised(direction, run(np.random.default_rng(20)))]
    assert lengths == (list(WIDTHS[1:]) if direction == "forward" else [n - 1 for n in WIDTHS[:-1]])


def test_the_component_along_the_input_is_what_the_usual_assumption_gets_wrong() -> None:
    """Of tanh networks the gradient along h is (v . y) / |h|: saturation makes it smaller than a fresh normal's."""
    rng = np.random.default_rng(21)
    along = []
    for _ in range(4000):
        h, _, v, g = run(rng)[0]
        along.append(float(h @ g) / float(np.linalg.norm(h)) / (STD * float(np.linalg.norm(v))))
    # 4,000 squares of mean 1 would come to 4,000 +- 89; six such below is no chance.
    assert sum(x * x for x in along) < 4000 - 6 * 89


def test_the_reflection_keeps_lengths() -> None:
    rng = np.random.default_rng(22)
    for n in (1, 2, 3, 50):
        h, g, v = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(4)
        found = layer_signals.backward(h, v, g, 1.0)
        across = g - h * (h @ g) / (h @ h)
        assert found.shape == (n - 1,)
        # Two projections of n numbers: some n units of float64 each, against lengths of about 1.
        assert abs(np.linalg.norm(found) * np.linalg.norm(v) - np.linalg.norm(across)) <= 64 * n * 2.0**-53


def test_where_nothing_passes_nothing_is_said() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert layer_signals.forward(zero, zero, 1.0).size == 0
    assert layer_signals.forward(zero, one, 1.0, bias_std=1.0).size == 3
    assert layer_signals.backward(zero, one, one, 1.0).size == 0
    assert layer_signals.backward(one, zero, zero, 1.0).size == 0
