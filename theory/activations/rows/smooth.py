"""Smooth activations: gates, sigmoids, waves and the square."""

from collections.abc import Mapping

import numpy as np

from varlaw.theory.activations import numeric, pointwise
from varlaw.theory.activations.activation import SHAPE, Activation, Parameter
from varlaw.theory.activations.closed import smooth as closed
from varlaw.theory.activations.moments import rescaled
from varlaw.theory.activations.pointwise import Functions

_ATAN = "(sqrt(pi / (2 * q)) * exp(1 / (2 * q)) * erfc(1 / sqrt(2 * q)))"
_GELU = {
    "mean": "q / sqrt(2 * pi * (1 + q))",
    "second_moment": "q / 4 + q * asin(q / (1 + q)) / (2 * pi) + q**2 / (pi * (1 + q) * sqrt(1 + 2 * q))",
    "derivative_mean": "1 / mpf(2)",
    "derivative_second_moment": (
        "1 / mpf(4) + (asin(q / (1 + q)) + 2 * q / ((1 + q) * sqrt(1 + 2 * q)) + q / (1 + 2 * q)**1.5) / (2 * pi)"
    ),
}


SMOOTH: Mapping[str, Activation] = {
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
        parameter=Parameter("beta", 1.0, SHAPE),
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
        parameter=Parameter("beta", 1.0, SHAPE),
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
        parameter=Parameter("frequency", 1.0, SHAPE),
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
        parameter=Parameter("frequency", 1.0, SHAPE),
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
}
