"""The laws `activation.value` and `activation.slope`: what a named activation is, at one point.

They are conventions, the definitions of papers and frameworks, and they are here so that an implementation can be held
against them where moments do not look: at the ends of its range, and at a parameter that is slightly off.
"""

from typing import Any

import numpy as np

from varlaw.theory.activations.named import ActivationName, functions
from varlaw.theory.domain import Domain, Interval
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.quadrature import Floats

_X = Interval(open_low=True, open_high=True, typical=(-3.0, 3.0))  # any finite number
_DOMAIN = Domain(activation=ActivationName(), x=_X)


def _value(activation: str, x: Any) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(functions(activation).phi(np.asarray(x, dtype=np.float64)))


def _slope(activation: str, x: Any) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(functions(activation).slope(np.asarray(x, dtype=np.float64)))


ENTRIES = (
    Law(
        name="activation.value",
        title="Value of an activation",
        quantity="phi(x)",
        formula="phi(activation, x)",
        kind=Kind.CONVENTION,
        domain=_DOMAIN,
        rule=_value,
        hypotheses=("x: any number that the format holds",),
        derivation="By definition: each activation of the table states its own formula.",
        source="the paper or the framework that named the activation",
        statistic="output at points over the whole range of the format, against a rounding bound",
        precision="absolute rather than relative where phi is tiny beside x: 1e-16 times min(|x|, 1)",
        not_to_confuse="the tanh form of GELU, which differs from x Phi(x) by up to 4.7e-4",
    ),
    Law(
        name="activation.slope",
        title="Derivative of an activation",
        quantity="phi'(x)",
        formula="slope(activation, x)",
        kind=Kind.CONVENTION,
        domain=_DOMAIN,
        rule=_slope,
        hypotheses=("x is no kink of phi",),
        derivation="The derivative of the activation's own formula.",
        source="the paper or the framework that named the activation",
        statistic="gradient by automatic differentiation over the whole range of the format, against a rounding bound",
        precision="absolute: 1e-15",
    ),
)
