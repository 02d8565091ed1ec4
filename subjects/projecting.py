"""Projections on the simplex, which sparsemax is, of any framework as experiments."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Experiment, Floats


def simplex(of: Boundary, name: str, project: Callable[[Any, float], Any]) -> Experiment:
    """The row of a function (x, scale) of one vector."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        drawn = case["spread"] * np.random.default_rng(seed).standard_normal(case["entries"])
        with of.place(dtype, device):
            given = of.array(drawn, dtype, device)
            x, entry = of.floats(given), of.floats(project(given, case["scale"]))
        threshold = _threshold(x, case["scale"])
        return {
            "sum": np.array([entry.sum()]), "entry": entry, "x": x, "threshold": np.array(threshold),
            "support": np.array((x > threshold).sum()), "largest": np.array(np.abs(x).max()),
        }  # fmt: skip

    return Experiment(name=f"{of.name}.{name}", framework=of, op="simplex", run=run)


def _threshold(x: Floats, scale: float) -> float:
    """By which all of the largest entries must be less to add up to `scale`: the greatest of what each count asks for.

    >>> _threshold(np.array([0.25, 0.25, -1.0]), 1.0)
    -0.25
    """
    return float(np.max((np.cumsum(np.sort(x)[::-1]) - scale) / np.arange(1, x.size + 1)))
