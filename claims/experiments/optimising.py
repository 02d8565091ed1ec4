"""Claims on optimisers: their first steps under a constant gradient, weight decay alone, averages of weights."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, taking
from varlaw.theory.law import Domain, one_of

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

CASES: Mapping[str, Cases] = {
    "optimiser_adam": _ADAM,
    "optimiser_adam_hat": _ADAM,
    "optimiser_adam_plain": Cases(Domain(rate=_RATE, eps=one_of(1e-8)), corners("rate eps", (0.1, 1e-8))),
    "optimiser_rmsprop": Cases(
        Domain(rate=_RATE, eps=one_of(1e-8, 1e-5), decay=one_of(0.9, 0.99)),
        corners("rate eps decay", (0.1, 1e-8, 0.99)),
    ),
    "optimiser_adagrad": Cases(
        Domain(rate=_RATE, eps=one_of(1e-8, 1e-5), start=one_of(0.0, 0.1), steps=_STEPS),
        corners("rate eps start steps", (0.1, 1e-8, 0.0, 1), (0.1, 1e-8, 0.1, 5)),
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
        corners("start w decay updates", (2.0, -1.0, 0.9, 1), (2.0, -1.0, 0.9, 5)),
    ),
    "average_equal": Cases(
        Domain(w=one_of(1.0, -2.0), step=one_of(0.5, 0.25), updates=one_of(2, 3)),
        corners("w step updates", (1.0, 0.5, 1), (1.0, 0.5, 5)),
    ),
}  # fmt: skip

# Corrections such as 1 - 0.999^t may be computed in the dtype, where they lose three of seven digits.
_LOOSE: dict[str, Any] = {"roundings": 1024}

ROWS: Mapping[str, tuple[Row, ...]] = {
    "optimiser_adam": (each("adam.constant_gradient", "moved", taking("g", "rate", "eps", "steps"), **_LOOSE),),
    "optimiser_adam_hat": (
        each(
            "adam.constant_gradient_eps_hat", "moved",
            lambda known: {**taking("g", "rate", "eps", "steps")(known), "beta2": 0.999}, **_LOOSE,
        ),
    ),
    "optimiser_adam_plain": (
        each(
            "adam.uncorrected_first_step", "moved",
            lambda known: {**taking("g", "rate", "eps")(known), "beta1": 0.9, "beta2": 0.999}, **_LOOSE,
        ),
    ),
    "optimiser_rmsprop": (each("rmsprop.first_step", "moved", taking("g", "rate", "eps", "decay"), **_LOOSE),),
    "optimiser_adagrad": (
        each("adagrad.constant_gradient", "moved", taking("g", "rate", "eps", "start", "steps"), **_LOOSE),
    ),
    "optimiser_momentum": (each("sgd.momentum", "moved", taking("g", "rate", "momentum", "steps")),),
    "optimiser_nesterov": (each("sgd.nesterov", "moved", taking("g", "rate", "momentum", "steps")),),
    "optimiser_sign": (each("sign.constant_gradient", "moved", taking("g", "rate", "steps")),),
    "optimiser_decay": (each("decay.decoupled", "weights", taking("w", "rate", "decay", "steps")),),
    "optimiser_trust": (each("trust.step_norm", "length", taking("rate", norm="size"), roundings=4096),),
    "average_exponential": (each("average.exponential", "average", taking("start", "w", "decay", "updates")),),
    "average_equal": (each("average.equal", "average", taking("w", "step", "updates")),),
}  # fmt: skip
