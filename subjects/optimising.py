"""Optimisers of any framework as experiments: weights after some steps under a constant gradient, or under none.

A row of an optimiser says how its framework walks: from weights, along one gradient, for so many steps. Weights start
at 0 where the gradient moves them, so that the displacement is what is stored, rounded once a step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Experiment, Floats

# (weights, gradient, case, dtype, device) -> the weights after case["steps"] steps
Walk = Callable[[Floats, Floats, Case, str, str], Floats]
Run = Callable[[Case, str, str, int, int], Mapping[str, Floats]]

# Of a library that keeps the learning rate as a number of float32.
RATE_IN_32_BITS = {"float64": "the learning rate is kept in float32"}
# Gradients about an eps of 1e-8, and far from it on both sides.
_SIZES = (1e-12, 1e-10, 1e-9, 1e-8, 3e-8, 1e-7, 1e-6, 1e-3, 0.1, 1.0, 30.0, 1e4)
_TIMES = 8  # each, so that kernels which take many numbers at once do


@dataclass(frozen=True)
class Optimisers:
    """The rows of one framework's optimisers, each made by what `walk` takes."""

    of: Boundary
    prefix: str  # of their names
    walk: Callable[[Any], Walk]
    unsupported: Mapping[str, str] = field(default_factory=dict)

    def moved(self, name: str, op: str, make: Any, unsupported: Mapping[str, str] | None = None) -> Experiment:
        """The displacement of weights that start at 0, under gradients of many sizes."""
        run = _moved(self.of, self.walk(make))
        return self._row(name, op, run, self.unsupported if unsupported is None else unsupported)

    def decayed(self, name: str, make: Any, title: str = "(decay)") -> Experiment:
        """What weight decay leaves of weights whose gradient is 0."""
        return self._row(f"{name}{title}", "decay", _decayed(self.of, self.walk(make)), self.unsupported)

    def trusted(self, name: str, make: Any) -> Experiment:
        """The length of the first step of one weight vector, along random gradients of any size."""
        return self._row(name, "trust", _trusted(self.of, self.walk(make)), self.unsupported)

    def _row(self, name: str, op: str, run: Run, unsupported: Mapping[str, str]) -> Experiment:
        title = f"{self.of.name}.{self.prefix}{name}"
        return Experiment(name=title, framework=self.of, op=f"optimiser_{op}", run=run, unsupported=unsupported)


def _moved(of: Boundary, walk: Walk) -> Run:

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        g = _rounded(of, np.array([s * size for size in _SIZES for s in (1, -1)] * _TIMES), dtype, device)
        return {"moved": walk(np.zeros(g.shape), g, case, dtype, device), "g": g}

    return run


def _decayed(of: Boundary, walk: Walk) -> Run:

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        w = _rounded(of, np.array([-30.0, -1.0, -1e-3, 1e-6, 0.5, 2.0, 1e4]), dtype, device)
        return {"weights": walk(w.copy(), np.zeros(w.shape), case, dtype, device), "w": w}

    return run


def _trusted(of: Boundary, walk: Walk) -> Run:

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        rng = np.random.default_rng(seed)
        w, g = _rounded(of, rng.standard_normal((2, 64)) * [[case["norm"] / 8], [10.0]], dtype, device)
        length = np.linalg.norm(walk(w.copy(), g, case, dtype, device) - w)
        return {"length": np.array([length]), "size": np.array([np.linalg.norm(w)])}

    return run


def _rounded(of: Boundary, x: Floats, dtype: str, device: str) -> Floats:
    with of.place(dtype, device):
        return of.floats(of.array(x, dtype, device))
