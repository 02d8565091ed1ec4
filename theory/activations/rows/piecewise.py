"""Activations in pieces: the squared rectifier, and what clips or shrinks."""

from collections.abc import Mapping

import numpy as np

from varlaw.theory.activations import pointwise
from varlaw.theory.activations.activation import SHAPE, Activation, Parameter
from varlaw.theory.activations.closed import piecewise as closed
from varlaw.theory.activations.moments import rescaled
from varlaw.theory.activations.pointwise import Functions

_P = "(gammainc({0}, 0, {1}) / gamma({0}))"  # regularised lower incomplete gamma function

PIECEWISE: Mapping[str, Activation] = {
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
        parameter=Parameter("limit", 1.0, SHAPE),
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
        parameter=Parameter("threshold", 0.5, SHAPE),
        closed={
            "second_moment": ("q * erfc(threshold / sqrt(2 * q)) + 2 * sqrt(q) * threshold * pdf(threshold / sqrt(q))"),
            "derivative_second_moment": "erfc(threshold / sqrt(2 * q))",
        },
        aliases=("hard_shrink",),
    ),
    "softshrink": Activation(
        phi="sign(x) * max(abs(x) - threshold, 0)",
        slope="1 if abs(x) > threshold else 0",
        functions=pointwise.softshrink,
        moments=lambda threshold: rescaled(closed.softshrink(), threshold, 1 / threshold),
        parameter=Parameter("threshold", 0.5, SHAPE),
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
