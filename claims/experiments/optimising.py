"""Claims on optimisers: their first steps under a constant gradient, weight decay alone, averages of weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Given, Number, Row, each, taking
from varlaw.theory.domain import Domain, one_of

# The numerical constants of an optimiser are its user's to choose; steps enough to tell a correction from none.
_STEPS = one_of(1, 2, 4)
_RATE = one_of(0.1, 0.02)
_MOMENTUM = Cases(
    Domain(rate=_RATE, momentum=one_of(0.5, 0.9), steps=_STEPS),
    corners("rate momentum steps", (0.1, 0.9, 1), (0.1, 0.9, 5)),
)
_ADAM = Cases(
    Domain(rate=_RATE, eps=one_of(1e-8, 1e-5), steps=_STEPS),
    corners("rate eps steps", (0.1, 1e-8, 1), (0.1, 1e-8, 5)),
)
_FIRST = Cases(Domain(rate=_RATE, eps=one_of(1e-8)), corners("rate eps", (0.1, 1e-8)))
_RMS = Cases(
    Domain(rate=_RATE, eps=one_of(1e-8, 1e-5), decay=one_of(0.9, 0.99)),
    corners("rate eps decay", (0.1, 1e-8, 0.99), (0.1, 1e-5, 0.9)),
)

CASES: Mapping[str, Cases] = {
    "optimiser_adam": _ADAM,
    "optimiser_adam_hat": _ADAM,
    "optimiser_nadam": _ADAM,
    "optimiser_nadam_plain": _ADAM,
    "optimiser_adabelief": _FIRST,
    "optimiser_adam_plain": _FIRST,
    "optimiser_adamax_plain": _FIRST,
    "optimiser_rmsprop": _RMS,
    "optimiser_rmsprop_inside": _RMS,
    "optimiser_rmsprop_started": _RMS,
    "optimiser_rmsprop_centred": Cases(
        Domain(rate=_RATE, eps=one_of(1e-8), decay=one_of(0.9, 0.99)), corners("rate eps decay", (0.1, 1e-8, 0.9))
    ),
    "optimiser_adadelta": Cases(
        Domain(rate=one_of(1.0, 0.5), eps=one_of(1e-6, 1e-5), decay=one_of(0.9, 0.95)),
        corners("rate eps decay", (1.0, 1e-6, 0.9)),
    ),
    "optimiser_adagrad": Cases(
        Domain(rate=_RATE, eps=one_of(1e-8, 1e-5), start=one_of(0.0, 0.1), steps=_STEPS),
        corners("rate eps start steps", (0.1, 1e-8, 0.0, 1), (0.1, 1e-8, 0.1, 5)),
    ),
    "optimiser_plain": Cases(Domain(rate=_RATE, steps=_STEPS), corners("rate steps", (0.1, 1), (0.1, 5))),
    "optimiser_rprop": Cases(
        Domain(rate=_RATE, growth=one_of(1.2, 1.5), steps=_STEPS),
        corners("rate growth steps", (0.1, 1.2, 1), (0.1, 1.2, 5)),
    ),
    "optimiser_dampened": Cases(
        Domain(rate=_RATE, momentum=one_of(0.5, 0.9), dampening=one_of(0.25, 0.5), steps=_STEPS),
        corners("rate momentum dampening steps", (0.1, 0.9, 0.5, 1), (0.1, 0.9, 0.5, 5)),
    ),
    "optimiser_momentum": _MOMENTUM,
    "optimiser_nesterov": _MOMENTUM,
    "optimiser_sign": Cases(Domain(rate=_RATE, steps=_STEPS), corners("rate steps", (0.1, 1), (0.1, 5))),
    "optimiser_decay": Cases(
        Domain(rate=_RATE, decay=one_of(0.1, 0.01), steps=_STEPS),
        corners("rate decay steps", (0.1, 0.1, 1), (0.1, 0.1, 5)),
    ),
    "optimiser_trust": Cases(Domain(rate=_RATE, norm=one_of(0.5, 3.0)), corners("rate norm", (0.1, 3.0))),
    "average_exponential": Cases(
        Domain(start=one_of(2.0, -1.0), w=one_of(1.0, 0.25), decay=one_of(0.9, 0.99), updates=one_of(1, 3)),
        corners("start w decay updates", (2.0, -1.0, 0.9, 1), (2.0, -1.0, 0.9, 5), (1.0, 2.0, 0.999, 1000)),
    ),
    "average_equal": Cases(
        Domain(w=one_of(1.0, -2.0), step=one_of(0.5, 0.25), updates=one_of(2, 3)),
        corners("w step updates", (1.0, 0.5, 1), (1.0, 0.5, 5)),
    ),
}  # fmt: skip

_NARROW = ("bfloat16", "float16")
_SIXTEEN = 2.0**-14  # below it float16 has fewer digits


def _bounded(known: Mapping[str, Any]) -> float:
    """What roundings are relative to where a step has the length of the rate at most, whatever the gradient."""
    return float(known["rate"] * known.get("steps", 1) / (1 - known.get("decay", 0.0)) ** 0.5)


def _along(known: Mapping[str, Any]) -> Any:
    """The same of steps as long as the gradient, and with momentum up to steps^2 of it."""
    return known["rate"] * known["steps"] ** 2 * np.abs(known["g"]) + _SIXTEEN


def _longest(known: Mapping[str, Any]) -> float:
    """Without corrections the first step of Adam is up to (1 - 0.9)/sqrt(1 - 0.999) rates long."""
    return float(known["rate"] * 0.1 / 0.001**0.5)


# A first step that is scaled by the weight's norm: each weight is rounded once, and each of the two norms, of 64
# squares, may lose half as many roundings of the step; a few more for what is divided.
def _written(known: Mapping[str, Any]) -> Any:
    return known["size"] * (1 + 80 * known["rate"])


def _larger(known: Mapping[str, Any]) -> float:
    return max(abs(float(known["start"])), abs(float(known["w"])))


def _remembered(known: Mapping[str, Any]) -> float:
    """The same for each update whose rounding the average still holds."""
    return _larger(known) * min(float(known["updates"]), 1 / (1 - float(known["decay"])))


# bfloat16 does not tell a weight from that which one step of decay leaves of it.
def _kept(known: Mapping[str, Any]) -> Any:
    return np.abs(known["w"]) * known["steps"] + _SIXTEEN


def _narrow(law: str, of: str, given: Given, scale: Number, *dtypes: str) -> Row:
    """The same of weights that are kept in 16 bits: a step is off by some roundings, not by its own size."""
    return each(law, of, given, scale=scale, roundings=12, dtypes=dtypes or _NARROW, name=f"law.{law}(16 bits)")


# Corrections such as 1 - 0.999^t may be computed in the dtype, where they lose three of seven digits.
_LOOSE: dict[str, Any] = {"roundings": 1024}


def _hat(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**taking("g", "rate", "eps", "steps")(known), "beta2": 0.999}


def _ahead(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**taking("g", "rate", "eps", "steps")(known), "beta1": 0.9, "psi": 1.0}


def _constant(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**taking("g", "rate", "eps", "steps")(known), "beta1": 0.9}


def _infinite(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Adamax without its correction: the first step is a tenth of Adam's."""
    return {**taking("g", "eps")(known), "rate": known["rate"] * (1 - 0.9), "steps": 1}


def _from(start: float) -> Given:
    return lambda known: {**taking("g", "rate", "eps", "decay")(known), "start": start}


def _believed(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**taking("g", "rate", "eps")(known), "beta1": 0.9}


def _grown(known: Mapping[str, Any]) -> Any:
    """The longest step of those whose rate grows, and all before it."""
    return known["rate"] * known["steps"] * known["growth"] ** (known["steps"] - 1)


def _short(known: Mapping[str, Any]) -> Any:
    """A first step of Adadelta is short of the gradient and of sqrt(eps), over the root of 1 - decay."""
    return known["rate"] * np.minimum(np.abs(known["g"]), (known["eps"] / (1 - known["decay"])) ** 0.5) + _SIXTEEN


def _plain(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**taking("g", "rate", "eps")(known), "beta1": 0.9, "beta2": 0.999}


def _stepped(law: str, given: Given, size: Number, **options: Any) -> tuple[Row, ...]:
    """The displacement of weights of 32 bits and more, and that of weights of 16."""
    return each(law, "moved", given, **options), _narrow(law, "moved", given, size)


_DECAY = taking("w", "rate", "decay", "steps")
_TRUST, _AVERAGE = taking("rate", norm="size"), taking("start", "w", "decay", "updates")

ROWS: Mapping[str, tuple[Row, ...]] = {
    "optimiser_adam": _stepped("adam.constant_gradient", taking("g", "rate", "eps", "steps"), _bounded, **_LOOSE),
    "optimiser_adam_hat": _stepped("adam.constant_gradient_eps_hat", _hat, _bounded, **_LOOSE),
    "optimiser_nadam": _stepped("nadam.constant_gradient", _ahead, _bounded, **_LOOSE),
    "optimiser_adam_plain": _stepped("adam.uncorrected_first_step", _plain, _longest, **_LOOSE),
    "optimiser_rmsprop": _stepped("rmsprop.first_step", taking("g", "rate", "eps", "decay"), _bounded, **_LOOSE),
    "optimiser_adagrad": _stepped(
        "adagrad.constant_gradient", taking("g", "rate", "eps", "start", "steps"), _bounded, **_LOOSE
    ),
    "optimiser_adamax_plain": _stepped("adam.constant_gradient", _infinite, _bounded, **_LOOSE),
    "optimiser_rmsprop_inside": _stepped("rmsprop.first_step_inside", _from(0.0), _bounded, **_LOOSE),
    "optimiser_rmsprop_started": _stepped("rmsprop.first_step_inside", _from(1.0), _bounded, **_LOOSE),
    "optimiser_rmsprop_centred": _stepped(
        "rmsprop.centred_first_step", taking("g", "rate", "eps", "decay"), _bounded, **_LOOSE
    ),
    "optimiser_adadelta": _stepped("adadelta.first_step", taking("g", "rate", "eps", "decay"), _short, **_LOOSE),
    "optimiser_nadam_plain": _stepped("nadam.constant_momentum", _constant, _bounded, **_LOOSE),
    "optimiser_adabelief": _stepped("adabelief.first_step", _believed, _bounded, **_LOOSE),
    "optimiser_plain": _stepped("sgd.constant_gradient", taking("g", "rate", "steps"), _along),
    "optimiser_rprop": _stepped("rprop.constant_gradient", taking("g", "rate", "growth", "steps"), _grown),
    "optimiser_dampened": _stepped("sgd.dampened", taking("g", "rate", "momentum", "dampening", "steps"), _along),
    "optimiser_momentum": _stepped("sgd.momentum", taking("g", "rate", "momentum", "steps"), _along),
    "optimiser_nesterov": _stepped("sgd.nesterov", taking("g", "rate", "momentum", "steps"), _along),
    "optimiser_sign": _stepped("sign.constant_gradient", taking("g", "rate", "steps"), _bounded),
    "optimiser_decay": (
        each("decay.decoupled", "weights", _DECAY), _narrow("decay.decoupled", "weights", _DECAY, _kept, "float16")
    ),
    "optimiser_trust": (
        each("trust.step_norm", "length", _TRUST, roundings=4096),
        each("trust.step_norm", "length", _TRUST, scale=_written, roundings=1, dtypes=_NARROW,
             name="law.trust.step_norm(16 bits)"),
    ),
    # Of each update; in 16 bits of five updates, as of one that adds in 32 bits what 16 would round away.
    "average_exponential": (
        each("average.exponential", "average", _AVERAGE, scale=_remembered, roundings=4),
        each("average.exponential", "average", _AVERAGE, scale=_larger, roundings=16, dtypes=_NARROW,
             name="law.average.exponential(16 bits)"),
    ),
    "average_equal": (each("average.equal", "average", taking("w", "step", "updates")),),
}  # fmt: skip
