"""Gated units and maxout of any framework: functions of one array, whose last axis holds two halves, or all pieces."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.activations import Differentiate, Function
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Experiment, Floats

_INNER = 16  # units behind one number


def gated(
    of: Boundary, name: str, activation: str, call: Function, differentiate: Differentiate, *, gate_first: bool = False,
    unsupported: Mapping[str, str] | None = None,
) -> Experiment:  # fmt: skip
    """The row of a function that multiplies one half of its input by an activation of the other."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        x = case["q"] ** 0.5 * np.random.default_rng(seed).standard_normal((count, 2 * _INNER))
        with of.place(dtype, device):
            y, slope = (of.floats(found) for found in differentiate(call, of.array(x, dtype, device)))
        first, second = slope[:, :_INNER], slope[:, _INNER:]
        of_value, of_gate = (second, first) if gate_first else (first, second)
        numbers = {"square": y, "value": of_value, "gate": of_gate}
        return {of: np.mean(v**2, axis=1) for of, v in numbers.items()}

    return Experiment(
        name=f"{of.name}.{name}", framework=of, op=f"gated_{activation}", run=run, unsupported=unsupported or {}
    )


def maxout(of: Boundary, name: str, call: Callable[[Any, int], Any]) -> Experiment:
    """The row of a function (x, pieces) that takes the largest of each `pieces` neighbours along the last axis."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        x = np.random.default_rng(seed).standard_normal((count, _INNER * case["pieces"]))
        with of.place(dtype, device):
            y = of.floats(call(of.array(x, dtype, device), case["pieces"]))
        return {"mean": y.mean(1), "square": np.mean(y**2, axis=1)}

    return Experiment(name=f"{of.name}.{name}", framework=of, op="maxout", run=run)
