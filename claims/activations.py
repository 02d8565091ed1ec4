"""Claims on activations: moments of normal input, gains, and values and derivatives over the whole range of a dtype.

The input is drawn by NumPy and rounded to the dtype; the derivative is the framework's own automatic one. An activation
that returns another shape or dtype, or NaN for a finite number, is refused by name.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.claims import activation_points as points
from varlaw.claims.activation_points import Apply, Floats, Run, seen
from varlaw.claims.cases import Cases, corners
from varlaw.claims.claim import Claim
from varlaw.claims.experiments import judging
from varlaw.claims.experiments.rows import Given, Row, mean, variance
from varlaw.evidence.decide import SamplerError
from varlaw.subjects.subject import Activation, Case
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "activation": Cases(Domain(q=one_of(0.25, 0.5, 2.0, 4.0)), corners("q", (1.0,))),
    **points.CASES,
}

_INNER = 16  # inputs behind one number


def claims(subject: Activation) -> tuple[Claim, ...]:
    """Every claim on one activation; those of ReLU, leaky ReLUs and SELU have laws of their own beside."""
    own = _OWN.get(subject.function.partition(":")[0])
    rows = _moments(subject.function) + (own(subject.function) if own else ())
    run = _run(subject.name, subject.apply)
    return (*(judging.claim(subject, run, row) for row in rows), *points.claims(subject))


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
    """The gain of a leaky ReLU keeps second moments forwards, of any symmetric input, and backwards."""
    slope = float(name.partition(":")[2] or 0.01)
    return (
        mean(
            "gain.leaky_relu", "even square", lambda c: {"slope": slope}, expected=lambda g, c: c["q"] / g**2,
            name="law.gain.leaky_relu(uniform)",
        ),
        mean("gain.leaky_relu", "square", lambda c: {"slope": slope}, expected=lambda g, c: c["q"] / g**2),
        mean(
            "gain.leaky_relu", "slope square", lambda c: {"slope": slope}, expected=lambda g, c: 1 / g**2,
            name="law.gain.leaky_relu(backward)",
        ),
    )  # fmt: skip


_OWN: Mapping[str, Callable[[str], tuple[Row, ...]]] = {"relu": _relu, "leaky_relu": _leaky}
