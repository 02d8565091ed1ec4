"""Rectifiers: linear above 0, linear or exponential below."""

from collections.abc import Mapping

import numpy as np

from varlaw.theory.activations import pointwise
from varlaw.theory.activations.activation import SHAPE, Activation, Parameter
from varlaw.theory.activations.closed import rectifiers as closed
from varlaw.theory.activations.moments import rescaled
from varlaw.theory.activations.pointwise import Functions
from varlaw.theory.domain import Interval

SELU_ALPHA = 1.6732632423543772  # certified with SELU_LAMBDA by tests/theory/constants.py
SELU_LAMBDA = 1.0507009873554805

_SLOPE = Interval(low=-1e75, high=1e75, typical=(-1.0, 2.0))
_ANY_SIGN = Interval(low=-1e75, high=1e75, typical=(0.1, 2.0))

_LEAKY = {
    "mean": "(1 - slope) * sqrt(q / (2 * pi))",
    "second_moment": "q * (1 + slope**2) / 2",
    "fourth_moment": "3 * q**2 * (1 + slope**4) / 2",
    "variance": "q * ((1 + slope**2) / 2 - (1 - slope)**2 / (2 * pi))",
    "derivative_mean": "(1 + slope) / 2",
    "derivative_second_moment": "(1 + slope**2) / 2",
}
_F = "(erfc({0} / sqrt(2)) * exp(({0})**2 / 2) / 2)"


def _elu_forms(outer: str, alpha: str) -> dict[str, str]:
    """Closed forms of outer * ELU(alpha)."""
    one, two = _F.format("sqrt(q)"), _F.format("2 * sqrt(q)")
    return {
        "mean": f"{outer} * (sqrt(q / (2 * pi)) + {alpha} * ({one} - 1 / mpf(2)))",
        "second_moment": f"{outer}**2 * (q / 2 + {alpha}**2 * ({two} - 2 * {one} + 1 / mpf(2)))",
        "derivative_mean": f"{outer} * (1 / mpf(2) + {alpha} * {one})",
        "derivative_second_moment": f"{outer}**2 * (1 / mpf(2) + {alpha}**2 * {two})",
    }


_CELU = {
    "mean": f"sqrt(q / (2 * pi)) + alpha * ({_F.format('sqrt(q) / alpha')} - 1 / mpf(2))",
    "second_moment": (
        f"q / 2 + alpha**2 * ({_F.format('2 * sqrt(q) / alpha')} - 2 * {_F.format('sqrt(q) / alpha')} + 1 / mpf(2))"
    ),
    "derivative_second_moment": f"1 / mpf(2) + {_F.format('2 * sqrt(q) / alpha')}",
}

RECTIFIERS: Mapping[str, Activation] = {
    "identity": Activation(
        phi="x",
        slope="1",
        functions=lambda: Functions(lambda x: 1.0 * x, np.ones_like),
        moments=lambda: closed.leaky_relu(1.0),
        closed={"second_moment": "q", "fourth_moment": "3 * q**2", "derivative_second_moment": "1"},
        aliases=("linear",),
    ),
    "relu": Activation(
        phi="max(x, 0)",
        slope="1 if x > 0 else 0",
        functions=lambda: pointwise.leaky(0.0),
        moments=lambda: closed.leaky_relu(0.0),
        closed={
            "mean": "sqrt(q / (2 * pi))",
            "second_moment": "q / 2",
            "fourth_moment": "3 * q**2 / 2",
            "variance": "q * (pi - 1) / (2 * pi)",
            "derivative_mean": "1 / mpf(2)",
            "derivative_second_moment": "1 / mpf(2)",
        },
        source="He et al. 2015, arXiv:1502.01852",
    ),
    "leaky_relu": Activation(
        phi="x if x > 0 else slope * x",
        slope="1 if x > 0 else slope",
        functions=pointwise.leaky,
        moments=closed.leaky_relu,
        parameter=Parameter("slope", 0.01, _SLOPE),
        closed=_LEAKY,
        source="Maas et al. 2013",
    ),
    "prelu": Activation(
        phi="x if x > 0 else slope * x",
        slope="1 if x > 0 else slope",
        functions=pointwise.leaky,
        moments=closed.leaky_relu,
        parameter=Parameter("slope", 0.25, _SLOPE),
        closed=_LEAKY,
        source="He et al. 2015, arXiv:1502.01852",
    ),
    "abs": Activation(
        phi="abs(x)",
        slope="sign(x)",
        functions=lambda: pointwise.leaky(-1.0),
        moments=lambda: closed.leaky_relu(-1.0),
        closed={"mean": "sqrt(2 * q / pi)", "second_moment": "q", "derivative_second_moment": "1"},
    ),
    "elu": Activation(
        phi="x if x > 0 else alpha * expm1(x)",
        slope="1 if x > 0 else alpha * exp(x)",
        functions=pointwise.elu,
        moments=closed.elu,
        parameter=Parameter("alpha", 1.0, _ANY_SIGN),
        closed=_elu_forms("1", "alpha"),
        source="Clevert et al. 2016, arXiv:1511.07289",
    ),
    "celu": Activation(
        phi="x if x > 0 else alpha * expm1(x / alpha)",
        slope="1 if x > 0 else exp(x / alpha)",
        functions=lambda alpha: pointwise.elu(alpha, 1 / alpha),
        moments=closed.celu,
        parameter=Parameter("alpha", 1.0, SHAPE),
        closed=_CELU,
        source="Barron 2017, arXiv:1704.07483",
    ),
    "selu": Activation(
        phi="selu_lambda * (x if x > 0 else selu_alpha * expm1(x))",
        slope="selu_lambda * (1 if x > 0 else selu_alpha * exp(x))",
        functions=lambda: pointwise.elu(SELU_ALPHA, 1.0, SELU_LAMBDA),
        moments=lambda: rescaled(closed.elu(SELU_ALPHA), SELU_LAMBDA),
        closed=_elu_forms("selu_lambda", "selu_alpha"),
        source="Klambauer et al. 2017, arXiv:1706.02515",
    ),
}
