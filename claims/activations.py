"""Claims on activations: moments of normal input, gains, and values and derivatives over the whole range of a dtype.

The input is drawn by NumPy and rounded to the dtype; the derivative is the framework's own automatic one. An activation
that returns another shape or dtype, or NaN for a finite number, is refused by name.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.cases import Cases, corners
from varlaw.claims.claim import Claim
from varlaw.claims.experiments import judging
from varlaw.claims.experiments.rows import Given, Row, each, mean, variance
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Activation, Case
from varlaw.theory.catalogue import LAWS
from varlaw.theory.law import Domain, one_of

Floats = NDArray[np.float64]
Apply = Callable[[Floats, str, str], Mapping[str, Any]]
Run = Callable[[Case, str, str, int, int], Mapping[str, Floats]]

CASES: Mapping[str, Cases] = {
    "activation": Cases(Domain(q=one_of(0.25, 0.5, 2.0, 4.0)), corners("q", (1.0,))),
    "activation_points": Cases(Domain(), ({},)),
}

_INNER = 16  # inputs behind one number
_ALL = ("float64", "float32", "float16", "bfloat16")
# Points of every size, none of them a kink of an activation of the table.
_SIZES = (0.0, 1e-30, 1e-7, 1e-3, 0.03, 0.1, 0.3, 0.7, 1.1, 1.7, 2.3, 2.9, 3.7, 4.7, 5.3, 6.1, 8.0, 10.0, 13.0, 17.0,
          19.0, 23.0, 30.0, 50.0, 87.0, 89.0, 104.0, 300.0, 709.0, 746.0, 3000.0, 60000.0)  # fmt: skip


def claims(subject: Activation) -> tuple[Claim, ...]:
    """Every claim on one activation; those of ReLU, leaky ReLUs and SELU have laws of their own beside."""
    own = _OWN.get(subject.function.partition(":")[0])
    rows = _moments(subject.function) + (own(subject.function) if own else ())
    run, run_points = (of(subject.name, subject.apply) for of in (_run, _run_points))
    drawn = tuple(judging.claim(subject, run, row) for row in rows)
    fixed = (judging.claim(subject, run_points, row, "activation_points") for row in _points(subject))
    return (*drawn, *fixed)


def seen(name: str, apply: Apply, x: Floats, dtype: str, device: str) -> Mapping[str, Any]:
    """What the activation makes of x; `SamplerError` names what is no activation's output."""
    found = apply(x, dtype, device)
    for of in ("output", "slope", "in place"):
        if of in found and found[of].shape != x.shape:
            msg = f"{name} gives {of} of shape {found[of].shape}, but should keep the shape {x.shape}"
            raise SamplerError(msg)
    if found["dtype"] != dtype:
        msg = f"{name} returns {found['dtype']}, but should keep the dtype {dtype}"
        raise SamplerError(msg)
    return found


def _refuse_nan(name: str, x: Floats, found: Mapping[str, Any], dtype: str) -> None:
    for of in ("output", "slope"):
        if of in found and (bad := np.isnan(found[of]) & np.isfinite(x)).any():
            msg = f"{name} gives {of} NaN at x = {x[bad][0]:g} in {dtype}, but should give a number"
            raise SamplerError(msg)


@functools.cache
def _run(name: str, apply: Apply) -> Run:
    """Normal input of variance q, and an input that is symmetric but not normal: uniform, of the same variance."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        rng = np.random.default_rng(seed)
        z = rng.standard_normal(count * _INNER)
        x, symmetric = case["q"] ** 0.5 * z, (3 * case["q"]) ** 0.5 * (2 * rng.random(count * _INNER) - 1)
        found = seen(name, apply, x, dtype, device)
        _refuse_nan(name, x, found, dtype)
        y, even = found["output"], seen(name, apply, symmetric, dtype, device)["output"]
        numbers = {"mean": y, "square": y**2, "fourth": y**4, "even square": even**2}
        if "slope" in found:
            slope = found["slope"]
            numbers |= {"slope": slope, "slope square": slope**2, "drift": z * y * slope}
        return {**{of: v.reshape(count, _INNER).mean(1) for of, v in numbers.items()}, "one": y[::_INNER]}

    return run


@functools.cache
def _run_points(name: str, apply: Apply) -> Run:
    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        fmt = FORMATS[dtype]
        sizes = np.array([s for s in _SIZES if s == 0 or 2.0**fmt.lowest <= s <= fmt.largest])
        x = fmt.round_all(np.concatenate([-sizes, sizes]))
        found = seen(name, apply, x, dtype, device)
        inside = x != 0  # where many have a kink
        at = {"slope": found["slope"][inside], "slope x": x[inside]} if "slope" in found else {}
        return {**found, "x": x, **at}

    return run


# -- rows --------------------------------------------------------------------------------------------------------------


def _of(name: str) -> Given:
    return lambda case: {"activation": name, "q": case["q"]}


def _second(case: Mapping[str, Any], name: str) -> float:
    return float(LAWS["activation.second_moment"].value(activation=name, q=case["q"]))


def _moments(name: str) -> tuple[Row, ...]:
    """The moments, and what follows from them: a gain is where a moment times its square is what it should be."""
    given = _of(name)

    def rms(case: Mapping[str, Any]) -> float:
        return math.sqrt(_second(case, name))

    return (
        mean("activation.mean", "mean", given, scale=rms, power=1),
        mean("activation.second_moment", "square", given),
        mean("activation.fourth_moment", "fourth", given, power=4, kurtosis=100.0),
        variance("activation.variance", "one", given),
        mean("activation.derivative_mean", "slope", given, scale=lambda c: 1.0, power=1),
        mean("activation.derivative_second_moment", "slope square", given),
        mean("activation.forward_gain", "square", given, expected=lambda g, c: c["q"] / g**2),
        mean("activation.backward_gain", "slope square", given, expected=lambda g, c: 1 / g**2),
        mean("activation.chi", "slope square", given, expected=lambda chi, c: chi * _second(c, name) / c["q"]),
        mean("gain.ratio", "slope square", given, expected=lambda r, c: _second(c, name) / (c["q"] * r**2)),
    )


def _relu(name: str) -> tuple[Row, ...]:
    """ReLU's halving, of normal input and of any symmetric one."""

    def only_q(case: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"q": case["q"]}

    return (
        mean("relu.second_moment", "square", only_q),
        mean("relu.second_moment", "even square", only_q, name="law.relu.second_moment(uniform)"),
        variance("relu.variance", "one", only_q),
    )


def _leaky(name: str) -> tuple[Row, ...]:
    """The gain of a leaky ReLU keeps second moments forwards and backwards."""
    slope = float(name.partition(":")[2] or 0.01)
    return (
        mean("gain.leaky_relu", "square", lambda c: {"slope": slope}, expected=lambda g, c: c["q"] / g**2),
        mean(
            "gain.leaky_relu", "slope square", lambda c: {"slope": slope}, expected=lambda g, c: 1 / g**2,
            name="law.gain.leaky_relu(backward)",
        ),
    )  # fmt: skip


_OWN: Mapping[str, Callable[[str], tuple[Row, ...]]] = {"relu": _relu, "leaky_relu": _leaky}


def _slope_size(known: Mapping[str, Any]) -> Floats:
    """Of the terms of a derivative: x times the slope of a gate, of which from |x| = 40 on there is none."""
    size: Floats = np.clip(np.abs(known["slope x"]), 4.0, 40.0)
    return size


def _points(subject: Activation) -> tuple[Row, ...]:
    name = subject.function

    def given(known: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"activation": name, "x": known["x"]}

    def at_slope(known: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"activation": name, "x": known["slope x"]}

    def size(known: Mapping[str, Any]) -> Floats:
        """Of the value, or of the terms that cancel in it: those of x Phi(x) far to the left are of the size of x."""
        value = np.abs(LAWS["activation.value"].value(**given(known)))  # never the output, which may be inf
        largest: Floats = np.maximum(value, np.minimum(np.abs(known["x"]), 1.0))
        return np.minimum(largest, FORMATS[known["dtype"]].largest)

    rows = (
        each("activation.value", "output", given, scale=size, roundings=8, dtypes=_ALL, place="x"),
        each("activation.slope", "slope", at_slope, scale=_slope_size, roundings=16, dtypes=_ALL, place="slope x"),
        each(
            "activation.value",
            "in place",
            given,
            scale=size,
            roundings=8,
            dtypes=_ALL,
            place="x",
            name="law.activation.value(in place)",
        ),
    )  # fmt: skip
    return rows if subject.in_place else rows[:2]  # fmt: skip
