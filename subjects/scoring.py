"""Losses of real numbers of any framework as experiments: each number they give, with what it was given for.

A row says how one function is called: `binary` on logits, labels and the weight of positives; `divergence` on the
logarithms of two probabilities and two targets a row; `distance` on a difference from 0 and its width; `cosine` on two
equal vectors. Functions that average over the last axis are given one number, or one row, along it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Experiment, Floats

Vjp = Callable[[Callable[[Any], Any], Any, Any], Any]

_LOGITS = tuple(s * z for z in (0.0, 1e-3, 0.5, 3.0, 20.0, 80.0, 1e4) for s in (1, -1))
_LABELS = (0.0, 0.25, 1.0)
_TARGETS = (0.25, 0.5, 0.75, 1 / 64)
_OFF = tuple(s * d for d in (0.0, 0.125, 0.5, 1.0, 1.5, 2.0, 8.0, 100.0) for s in (1, -1))
_LOG_RATES, _COUNTS = (-4.0, 0.0, 0.5, 3.0), (0.5, 1.0, 2.0, 7.0, 100.0)
_LENGTHS = {"cosine": (1e-2, 1.0, 1e2), "cosine of long": (1e20, 1e30), "cosine of short": (1e-20, 1e-25)}


def binary(
    of: Boundary, name: str, call: Callable[[Any, Any, Any], Any], vjp: Vjp | None = None, **rest: Any
) -> Experiment:
    """`call(z, y, weight)` gives one loss for each row of (n, 1); weight is an array of one number, 1 by default."""
    slope = vjp or of.vjp

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.place(dtype, device):
            z, y, weight = (
                of.array(np.array(x).reshape(-1, 1), dtype, device)
                for x in (np.repeat(_LOGITS, len(_LABELS)), _LABELS * len(_LOGITS), [case["weight"]])
            )
            infinite = of.array(np.array([[math.inf], [-math.inf]]), dtype, device)
            sure = of.array(np.array([[1.0], [0.0]]), dtype, device)
            found = {
                "loss": _flat(of, call(z, y, weight)),
                "infinite": _flat(of, call(infinite, sure, weight)),
                "z": _flat(of, z),
                "y": _flat(of, y),
            }
            if slope:
                found["slope"] = _flat(of, slope(lambda z: call(z, y, weight).reshape(-1, 1), z, z * 0 + 1))
            return found

    return Experiment(name=f"{of.name}.{name}", framework=of, op="loss_binary", run=run, **rest)


def divergence(of: Boundary, name: str, call: Callable[[Any, Any], Any], **rest: Any) -> Experiment:
    """`call(log_q, p)` gives the divergence of each row of two."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.place(dtype, device):
            q = np.log([case["first"], 1 - case["first"]])
            some = np.array([[t, 1 - t] for t in _TARGETS])
            logs, none = (of.array(np.tile(q, (n, 1)), dtype, device) for n in (len(some), 1))
            found = (
                call(logs, of.array(some, dtype, device)),
                call(none, of.array(np.array([[0.0, 1.0]]), dtype, device)),
            )
            first, second = of.floats(logs).T
            return {
                "cost": _flat(of, found[0]), "t": some[:, 0], "log first": first, "log second": second,
                "cost of none": _flat(of, found[1]), "log of none": first[:1], "log of all": second[:1],
            }  # fmt: skip

    return Experiment(name=f"{of.name}.{name}", framework=of, op="loss_divergence", run=run, **rest)


def distance(of: Boundary, name: str, op: str, call: Callable[[Any, Any, float], Any], **rest: Any) -> Experiment:
    """`call(x, target, width)` gives one loss for each row of (n, 1)."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.place(dtype, device):
            d = of.array(np.array(_OFF).reshape(-1, 1), dtype, device)
            width = case["delta" if op == "loss_huber" else "beta"]
            return {"loss": _flat(of, call(d, 0 * d, width)), "d": _flat(of, d)}

    return Experiment(name=f"{of.name}.{name}", framework=of, op=op, run=run, **rest)


def gaussian(of: Boundary, name: str, call: Callable[[Any, Any, Any, bool], Any], **rest: Any) -> Experiment:
    """`call(x, target, variance, whole)` gives one loss for each row of (n, 1)."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.place(dtype, device):
            d = of.array(np.array(_OFF).reshape(-1, 1), dtype, device)
            variance = of.array(np.full((len(_OFF), 1), case["variance"]), dtype, device)
            return {"loss": _flat(of, call(d, 0 * d, variance, case["whole"] > 0)), "d": _flat(of, d)}

    return Experiment(name=f"{of.name}.{name}", framework=of, op="loss_gaussian", run=run, **rest)


def poisson(of: Boundary, name: str, call: Callable[[Any, Any, bool], Any], **rest: Any) -> Experiment:
    """`call(log_rate, count, whole)` gives one loss for each row of (n, 1)."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.place(dtype, device):
            z, k = (
                of.array(np.array(x).reshape(-1, 1), dtype, device)
                for x in (np.repeat(_LOG_RATES, len(_COUNTS)), _COUNTS * len(_LOG_RATES))
            )
            return {"loss": _flat(of, call(z, k, case["whole"] > 0)), "z": _flat(of, z), "count": _flat(of, k)}

    return Experiment(name=f"{of.name}.{name}", framework=of, op="loss_poisson", run=run, **rest)


def cosine(of: Boundary, name: str, call: Callable[[Any, Any], Any], **rest: Any) -> Experiment:
    """`call(x, x)` gives the cosine of each row with itself."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        x = np.random.default_rng(seed).standard_normal((1, 16))
        with of.place(dtype, device):
            found = {}
            for length, sizes in _LENGTHS.items():
                rows = of.array(np.concatenate([s * x for s in sizes]), dtype, device)
                found[length] = _flat(of, call(rows, rows))
            return found

    return Experiment(name=f"{of.name}.{name}", framework=of, op="self_cosine", run=run, **rest)


def _flat(of: Boundary, x: Any) -> Floats:
    return of.floats(x).ravel()
