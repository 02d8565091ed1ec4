"""The table of activations: a row states all that the laws need to know of one.

A row holds the function and its derivative twice, as executable ASCII over `x` and the parameter and as NumPy
functions; its closed forms over `q` where there are any; and the `Moments` that compute them stably.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from varlaw.theory.activations import closed, numeric, pointwise
from varlaw.theory.activations.moments import Moments, rescaled
from varlaw.theory.activations.pointwise import Functions
from varlaw.theory.law import Interval

SELU_ALPHA = 1.6732632423543772  # certified with SELU_LAMBDA by tests/theory/constants.py
SELU_LAMBDA = 1.0507009873554805


@dataclass(frozen=True)
class Parameter:
    """The one parameter an activation may have: its name in the formulas, default and range."""

    name: str
    default: float
    range: Interval


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One activation: executable formulas of `x` (and `q` in the closed forms), and its moments."""

    phi: str
    slope: str  # the derivative where there is one
    functions: Callable[..., Functions] = field(repr=False)  # phi and its derivative, of NumPy arrays
    moments: Callable[..., Moments] = field(repr=False)
    parameter: Parameter | None = None
    closed: Mapping[str, str] = field(default_factory=dict)  # quantity -> formula in q and the parameter
    aliases: tuple[str, ...] = ()
    source: str = ""

    @property
    def method(self) -> str:
        """How its moments are computed, for people."""
        return "closed form" if "second_moment" in self.closed else "Gauss-Legendre panels"


_SLOPE = Interval(low=-1e75, high=1e75, typical=(-1.0, 2.0))
_SHAPE = Interval(low=1e-20, high=1e20, typical=(0.1, 10.0))
_ANY_SIGN = Interval(low=-1e75, high=1e75, typical=(0.1, 2.0))

_LEAKY = {
    "mean": "(1 - slope) * sqrt(q / (2 * pi))",
    "second_moment": "q * (1 + slope**2) / 2",
    "fourth_moment": "3 * q**2 * (1 + slope**4) / 2",
    "variance": "q * ((1 + slope**2) / 2 - (1 - slope)**2 / (2 * pi))",
    "derivative_mean": "(1 + slope) / 2",
    "derivative_second_moment": "(1 + slope**2) / 2",
}
_P = "(gammainc({0}, 0, {1}) / gamma({0}))"  # regularised lower incomplete gamma function
_ATAN = "(sqrt(pi / (2 * q)) * exp(1 / (2 * q)) * erfc(1 / sqrt(2 * q)))"
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
_GELU = {
    "mean": "q / sqrt(2 * pi * (1 + q))",
    "second_moment": "q / 4 + q * asin(q / (1 + q)) / (2 * pi) + q**2 / (pi * (1 + q) * sqrt(1 + 2 * q))",
    "derivative_mean": "1 / mpf(2)",
    "derivative_second_moment": (
        "1 / mpf(4) + (asin(q / (1 + q)) + 2 * q / ((1 + q) * sqrt(1 + 2 * q)) + q / (1 + 2 * q)**1.5) / (2 * pi)"
    ),
}

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
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
            parameter=Parameter("alpha", 1.0, _SHAPE),
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
        "gelu": Activation(
            phi="x * Phi(x)",
            slope="Phi(x) + x * pdf(x)",
            functions=pointwise.gelu,
            moments=closed.gelu,
            closed=_GELU,
            source="Hendrycks & Gimpel 2016, arXiv:1606.08415; moments derived by Stein's identity",
        ),
        "gelu_tanh": Activation(
            phi="x / (1 + exp(-2 * sqrt(2 / pi) * (x + mpf('0.044715') * x**3)))",
            slope=(
                "(1 + tanh(sqrt(2 / pi) * (x + mpf('0.044715') * x**3))) / 2 + x / 2 * sqrt(2 / pi)"
                " * (1 + 3 * mpf('0.044715') * x**2) / cosh(sqrt(2 / pi) * (x + mpf('0.044715') * x**3))**2"
            ),
            functions=pointwise.gelu_tanh,
            moments=numeric.gelu_tanh,
            aliases=("tanh_gelu",),
            source="Hendrycks & Gimpel 2016, arXiv:1606.08415",
        ),
        "quick_gelu": Activation(
            phi="x / (1 + exp(-mpf('1.702') * x))",
            slope=(
                "1 / (1 + exp(-mpf('1.702') * x))"
                " + mpf('1.702') * x * exp(-mpf('1.702') * x) / (1 + exp(-mpf('1.702') * x))**2"
            ),
            functions=lambda: pointwise.swish(1.702),
            moments=lambda: rescaled(numeric.silu(), 1 / 1.702, 1.702),
            source="Hendrycks & Gimpel 2016, arXiv:1606.08415",
        ),
        "silu": Activation(
            phi="x / (1 + exp(-beta * x))",
            slope="1 / (1 + exp(-beta * x)) + beta * x * exp(-beta * x) / (1 + exp(-beta * x))**2",
            functions=pointwise.swish,
            moments=lambda beta: rescaled(numeric.silu(), 1 / beta, beta),
            parameter=Parameter("beta", 1.0, _SHAPE),
            aliases=("swish",),
            source="Elfwing et al. 2018, arXiv:1702.03118; Ramachandran et al. 2017, arXiv:1710.05941",
        ),
        "mish": Activation(
            phi="x * tanh(log1p(exp(x)))",
            slope="tanh(log1p(exp(x))) + x / (1 + exp(-x)) / cosh(log1p(exp(x)))**2",
            functions=pointwise.mish,
            moments=numeric.mish,
            source="Misra 2019, arXiv:1908.08681",
        ),
        "tanh": Activation(
            phi="tanh(x)",
            slope="1 / cosh(x)**2",
            functions=lambda: Functions(np.tanh, pointwise.sech2),
            moments=numeric.tanh,
        ),
        "lecun_tanh": Activation(
            phi="mpf('1.7159') * tanh(2 * x / 3)",
            slope="mpf('1.7159') * 2 / 3 / cosh(2 * x / 3)**2",
            functions=lambda: Functions(
                lambda x: 1.7159 * np.tanh(2 / 3 * x), lambda x: 1.7159 * 2 / 3 * pointwise.sech2(2 / 3 * x)
            ),
            moments=lambda: rescaled(numeric.tanh(), 1.7159, 2 / 3),
            source="LeCun, Bottou, Orr & Muller 1998, Efficient BackProp",
        ),
        "sigmoid": Activation(
            phi="1 / (1 + exp(-x))",
            slope="exp(-x) / (1 + exp(-x))**2",
            functions=lambda: Functions(pointwise.sigmoid, lambda x: 0.25 * pointwise.sech2(0.5 * x)),
            moments=numeric.sigmoid,
            aliases=("logistic",),
        ),
        "logsigmoid": Activation(
            phi="-log1p(exp(-x))",
            slope="1 / (1 + exp(x))",
            functions=lambda: pointwise.softplus(1.0, -1.0),
            moments=lambda: numeric.softplus(-1.0),
            aliases=("log_sigmoid",),
        ),
        "softplus": Activation(
            phi="log1p(exp(beta * x)) / beta",
            slope="1 / (1 + exp(-beta * x))",
            functions=pointwise.softplus,
            moments=lambda beta: rescaled(numeric.softplus(), 1 / beta, beta),
            parameter=Parameter("beta", 1.0, _SHAPE),
        ),
        "softsign": Activation(
            phi="x / (1 + abs(x))",
            slope="1 / (1 + abs(x))**2",
            functions=lambda: Functions(lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2, (0.0,)),
            moments=numeric.softsign,
        ),
        "arctan": Activation(
            phi="atan(x)",
            slope="1 / (1 + x**2)",
            functions=lambda: Functions(np.arctan, lambda x: 1 / (1 + x * x)),
            moments=numeric.arctan,
            closed={
                "derivative_mean": _ATAN,
                "derivative_second_moment": f"((1 - 1 / q) * {_ATAN} + 1 / q) / 2",
            },
            aliases=("atan",),
        ),
        "tanhshrink": Activation(
            phi="x - tanh(x)",
            slope="tanh(x)**2",
            functions=lambda: Functions(pointwise.tanhshrink, lambda x: np.tanh(x) ** 2),
            moments=numeric.tanhshrink,
        ),
        "erf": Activation(
            phi="erf(x)",
            slope="2 * exp(-x**2) / sqrt(pi)",
            functions=pointwise.erf,
            moments=closed.erf,
            closed={
                "mean": "0",
                "second_moment": "2 / pi * asin(2 * q / (1 + 2 * q))",
                "derivative_mean": "2 / sqrt(pi * (1 + 2 * q))",
                "derivative_second_moment": "4 / (pi * sqrt(1 + 4 * q))",
            },
            source="Williams 1997, Computing with infinite networks",
        ),
        "sin": Activation(
            phi="sin(frequency * x)",
            slope="frequency * cos(frequency * x)",
            functions=lambda w: Functions(lambda x: np.sin(w * x), lambda x: w * np.cos(w * x)),
            moments=lambda frequency: rescaled(closed.sine(), 1.0, frequency),
            parameter=Parameter("frequency", 1.0, _SHAPE),
            closed={
                "mean": "0",
                "second_moment": "(1 - exp(-2 * frequency**2 * q)) / 2",
                "fourth_moment": "(3 - 4 * exp(-2 * frequency**2 * q) + exp(-8 * frequency**2 * q)) / 8",
                "derivative_mean": "frequency * exp(-frequency**2 * q / 2)",
                "derivative_second_moment": "frequency**2 * (1 + exp(-2 * frequency**2 * q)) / 2",
            },
            aliases=("siren", "sine"),
            source="Sitzmann et al. 2020, arXiv:2006.09661",
        ),
        "cos": Activation(
            phi="cos(frequency * x)",
            slope="-frequency * sin(frequency * x)",
            functions=lambda w: Functions(lambda x: np.cos(w * x), lambda x: -w * np.sin(w * x)),
            moments=lambda frequency: rescaled(closed.cosine(), 1.0, frequency),
            parameter=Parameter("frequency", 1.0, _SHAPE),
            closed={
                "mean": "exp(-frequency**2 * q / 2)",
                "second_moment": "(1 + exp(-2 * frequency**2 * q)) / 2",
                "variance": "(1 - exp(-frequency**2 * q))**2 / 2",
                "derivative_second_moment": "frequency**2 * (1 - exp(-2 * frequency**2 * q)) / 2",
            },
            aliases=("cosine",),
        ),
        "gaussian": Activation(
            phi="exp(-x**2)",
            slope="-2 * x * exp(-x**2)",
            functions=lambda: Functions(lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x)),
            moments=closed.gaussian,
            closed={
                "mean": "1 / sqrt(1 + 2 * q)",
                "second_moment": "1 / sqrt(1 + 4 * q)",
                "fourth_moment": "1 / sqrt(1 + 8 * q)",
                "derivative_second_moment": "4 * q / (1 + 4 * q)**1.5",
            },
        ),
        "square": Activation(
            phi="x**2",
            slope="2 * x",
            functions=lambda: Functions(lambda x: x * x, lambda x: 2 * x),
            moments=closed.square,
            closed={
                "mean": "q",
                "second_moment": "3 * q**2",
                "fourth_moment": "105 * q**4",
                "derivative_second_moment": "4 * q",
            },
        ),
        "relu_squared": Activation(
            phi="max(x, 0)**2",
            slope="2 * max(x, 0)",
            functions=lambda: Functions(lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0), (0.0,)),
            moments=closed.relu_squared,
            closed={
                "mean": "q / 2",
                "second_moment": "3 * q**2 / 2",
                "fourth_moment": "105 * q**4 / 2",
                "derivative_second_moment": "2 * q",
            },
            aliases=("relu2", "squared_relu"),
            source="So et al. 2021, arXiv:2109.08668",
        ),
        "hardtanh": Activation(
            phi="min(max(x, -limit), limit)",
            slope="1 if abs(x) < limit else 0",
            functions=lambda limit: pointwise.clip(-limit, limit),
            moments=lambda limit: rescaled(closed.hardtanh(), limit, 1 / limit),
            parameter=Parameter("limit", 1.0, _SHAPE),
            closed={
                "second_moment": (
                    "q * (erf(limit / sqrt(2 * q)) - 2 * limit / sqrt(q) * pdf(limit / sqrt(q)))"
                    " + limit**2 * erfc(limit / sqrt(2 * q))"
                ),
                "derivative_second_moment": "erf(limit / sqrt(2 * q))",
            },
        ),
        "relu6": Activation(
            phi="min(max(x, 0), 6)",
            slope="1 if 0 < x < 6 else 0",
            functions=lambda: pointwise.clip(0.0, 6.0),
            moments=closed.relu6,
            closed={
                "mean": "sqrt(q / (2 * pi)) * (1 - exp(-18 / q)) + 3 * erfc(6 / sqrt(2 * q))",
                "second_moment": f"q / 2 * {_P.format('1.5', '18 / q')} + 18 * erfc(6 / sqrt(2 * q))",
                "derivative_second_moment": "erf(6 / sqrt(2 * q)) / 2",
            },
        ),
        "hardsigmoid": Activation(
            phi="min(max(x / 6 + 1 / mpf(2), 0), 1)",
            slope="1 / mpf(6) if abs(x) < 3 else 0",
            functions=lambda: pointwise.clip(0.0, 1.0, 1 / 6, 0.5),
            moments=closed.hardsigmoid,
            closed={
                "mean": "1 / mpf(2)",
                "second_moment": f"1 / mpf(4) + q / 36 * {_P.format('1.5', '4.5 / q')} + erfc(3 / sqrt(2 * q)) / 4",
                "derivative_second_moment": "erf(3 / sqrt(2 * q)) / 36",
            },
            aliases=("hard_sigmoid",),
        ),
        "hardswish": Activation(
            phi="x * min(max(x / 6 + 1 / mpf(2), 0), 1)",
            slope="(2 * x + 3) / 6 if abs(x) < 3 else (1 if x > 0 else 0)",
            functions=pointwise.hardswish,
            moments=closed.hardswish,
            closed={
                "second_moment": (
                    f"q / 4 + q**2 / 12 * {_P.format('2.5', '4.5 / q')} + q / 4 * (1 - {_P.format('1.5', '4.5 / q')})"
                ),
                "derivative_mean": "1 / mpf(2)",
            },
            aliases=("hard_swish", "hardsilu", "hard_silu"),
            source="Howard et al. 2019, arXiv:1905.02244",
        ),
        "hardshrink": Activation(
            phi="x if abs(x) > threshold else 0",
            slope="1 if abs(x) > threshold else 0",
            functions=pointwise.hardshrink,
            moments=lambda threshold: rescaled(closed.hardshrink(), threshold, 1 / threshold),
            parameter=Parameter("threshold", 0.5, _SHAPE),
            closed={
                "second_moment": (
                    "q * erfc(threshold / sqrt(2 * q)) + 2 * sqrt(q) * threshold * pdf(threshold / sqrt(q))"
                ),
                "derivative_second_moment": "erfc(threshold / sqrt(2 * q))",
            },
            aliases=("hard_shrink",),
        ),
        "softshrink": Activation(
            phi="sign(x) * max(abs(x) - threshold, 0)",
            slope="1 if abs(x) > threshold else 0",
            functions=pointwise.softshrink,
            moments=lambda threshold: rescaled(closed.softshrink(), threshold, 1 / threshold),
            parameter=Parameter("threshold", 0.5, _SHAPE),
            closed={
                "second_moment": (
                    "(q + threshold**2) * erfc(threshold / sqrt(2 * q))"
                    " - 2 * threshold * sqrt(q) * pdf(threshold / sqrt(q))"
                ),
                "derivative_second_moment": "erfc(threshold / sqrt(2 * q))",
            },
            aliases=("soft_shrink",),
        ),
    }
)
