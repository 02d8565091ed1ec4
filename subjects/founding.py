"""The four laws that this project began with, as any framework computes them: one experiment for each framework.

A linear map of independent weights, ReLU, the framework's own uniform, and a stream of residual branches divided by the
root of their number. Weights and inputs of the maps are drawn by NumPy; products, sums and ReLU are the framework's.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Experiment, Floats

_WIDTH = 8  # of the residual stream: its law holds at any

# (count, bound, dtype, device, what `Boundary.chance` gives) -> numbers
Uniform = Callable[[int, float, str, str, Any], Any]


def founding(of: Boundary, relu: Callable[[Any], Any], uniform: Uniform) -> Experiment:
    """The row of one framework."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        rng = np.random.default_rng(seed)

        def normal(*shape: int, variance: float = 1.0) -> Any:
            return of.array(variance**0.5 * rng.standard_normal(shape), dtype, device)

        with of.chance(seed, dtype, device) as key:
            u = of.floats(uniform(count, case["bound"], dtype, device, key))
        with of.place(dtype, device):
            ones = of.array(np.ones((case["fan_in"], 1)), dtype, device)
            y = of.floats(normal(count, case["fan_in"], variance=case["variance"]) @ ones)[:, 0]
            positive = of.floats(relu(normal(count, variance=case["q"])))
            branches = 2 * case["layers"]
            h = of.array(np.ones((count, _WIDTH, 1)), dtype, device)
            for _ in range(branches):
                h = h + normal(count, _WIDTH, _WIDTH, variance=1 / (_WIDTH * branches)) @ h
            stream = of.floats(h)
        return {
            "linear": y**2,
            "relu": positive**2,
            "uniform": u**2,
            "residual": np.mean(stream**2, axis=(1, 2)),
        }

    return Experiment(name=f"{of.name}.founding", framework=of, op="founding", run=run)
