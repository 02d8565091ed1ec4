"""Every activation of the table and its derivative as NumPy functions of x, for laws that need the function itself.

`functions(name)` gives phi, phi' and the kinks; both functions take and return float64 arrays.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from varlaw.theory.activations.table import SELU_ALPHA, SELU_LAMBDA, resolve
from varlaw.theory.numerics.quadrature import Floats

Function = Callable[[Floats], Floats]


class Functions(NamedTuple):
    """An activation, its derivative where there is one, and where it has none."""

    phi: Function
    slope: Function
    kinks: tuple[float, ...] = ()


def _sigmoid(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _sech2(x: Floats) -> Floats:
    y = np.exp(-2 * np.abs(x))
    return np.asarray(4 * y / (1 + y) ** 2)


def _leaky(slope: float) -> Functions:
    return Functions(lambda x: np.where(x > 0, x, slope * x), lambda x: np.where(x > 0, 1.0, slope), (0.0,))


def _elu(alpha: float, rate: float = 1.0, outer: float = 1.0) -> Functions:
    def phi(x: Floats) -> Floats:
        return outer * np.where(x > 0, x, alpha * np.expm1(rate * np.minimum(x, 0)))

    def slope(x: Floats) -> Floats:
        return outer * np.where(x > 0, 1.0, alpha * rate * np.exp(rate * np.minimum(x, 0)))

    return Functions(phi, slope, (0.0,))


def _gelu() -> Functions:
    from scipy.special import ndtr

    def density(x: Floats) -> Floats:
        return np.asarray(np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))

    return Functions(lambda x: x * ndtr(x), lambda x: ndtr(x) + x * density(x))


def _swish(beta: float) -> Functions:
    return Functions(
        lambda x: x * _sigmoid(beta * x), lambda x: _sigmoid(beta * x) + 0.25 * beta * x * _sech2(0.5 * beta * x)
    )


def _gelu_tanh() -> Functions:
    root = math.sqrt(2 / math.pi)

    def inner(x: Floats) -> Floats:
        return root * x * (1 + 0.044715 * x * x)

    def slope(x: Floats) -> Floats:
        rate = root * (1 + 3 * 0.044715 * x * x)
        return 0.5 * (1 + np.tanh(inner(x))) + 0.5 * x * rate * _sech2(inner(x))

    return Functions(lambda x: 0.5 * x * (1 + np.tanh(inner(x))), slope)


def _mish() -> Functions:
    def gate(x: Floats) -> Floats:
        return np.tanh(np.logaddexp(0.0, x))

    return Functions(lambda x: x * gate(x), lambda x: gate(x) + x * (1 - gate(x) ** 2) * _sigmoid(x))


def _tanhshrink(x: Floats) -> Floats:
    from varlaw.theory.activations.numeric import tanhshrink_at

    return np.copysign(tanhshrink_at(np.abs(x)), x)


def _softplus(beta: float, sign: float = 1.0) -> Functions:
    return Functions(lambda x: sign * np.logaddexp(0.0, sign * beta * x) / beta, lambda x: _sigmoid(sign * beta * x))


def _erf() -> Functions:
    from scipy.special import erf

    return Functions(erf, lambda x: (2 / math.sqrt(math.pi)) * np.exp(-x * x))


def _clip(low: float, high: float, inner: float = 1.0, shift: float = 0.0) -> Functions:
    ends = ((low - shift) / inner, (high - shift) / inner)
    return Functions(
        lambda x: np.clip(inner * x + shift, low, high),
        lambda x: np.where((x > ends[0]) & (x < ends[1]), inner, 0.0),
        ends,
    )


def _hardswish() -> Functions:
    return Functions(
        lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0),
        lambda x: np.where(np.abs(x) < 3, (2 * x + 3) / 6, np.where(x > 0, 1.0, 0.0)),
        (-3.0, 3.0),
    )


def _hardshrink(threshold: float) -> Functions:
    return Functions(
        lambda x: np.where(np.abs(x) > threshold, x, 0.0),
        lambda x: np.where(np.abs(x) > threshold, 1.0, 0.0),
        (-threshold, threshold),
    )


def _softshrink(threshold: float) -> Functions:
    return Functions(
        lambda x: np.copysign(np.maximum(np.abs(x) - threshold, 0.0), x),
        lambda x: np.where(np.abs(x) > threshold, 1.0, 0.0),
        (-threshold, threshold),
    )


_TABLE: Mapping[str, Callable[..., Functions]] = {
    "identity": lambda: Functions(lambda x: 1.0 * x, np.ones_like),
    "relu": lambda: _leaky(0.0),
    "leaky_relu": _leaky,
    "prelu": _leaky,
    "abs": lambda: _leaky(-1.0),
    "elu": _elu,
    "celu": lambda alpha: _elu(alpha, 1 / alpha),
    "selu": lambda: _elu(SELU_ALPHA, 1.0, SELU_LAMBDA),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "quick_gelu": lambda: _swish(1.702),
    "silu": _swish,
    "mish": _mish,
    "tanh": lambda: Functions(np.tanh, _sech2),
    "lecun_tanh": lambda: Functions(
        lambda x: 1.7159 * np.tanh(2 / 3 * x), lambda x: 1.7159 * 2 / 3 * _sech2(2 / 3 * x)
    ),
    "sigmoid": lambda: Functions(_sigmoid, lambda x: 0.25 * _sech2(0.5 * x)),
    "logsigmoid": lambda: _softplus(1.0, -1.0),
    "softplus": _softplus,
    "softsign": lambda: Functions(lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2, (0.0,)),
    "arctan": lambda: Functions(np.arctan, lambda x: 1 / (1 + x * x)),
    "tanhshrink": lambda: Functions(_tanhshrink, lambda x: np.tanh(x) ** 2),
    "erf": _erf,
    "sin": lambda w: Functions(lambda x: np.sin(w * x), lambda x: w * np.cos(w * x)),
    "cos": lambda w: Functions(lambda x: np.cos(w * x), lambda x: -w * np.sin(w * x)),
    "gaussian": lambda: Functions(lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x)),
    "square": lambda: Functions(lambda x: x * x, lambda x: 2 * x),
    "relu_squared": lambda: Functions(lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0), (0.0,)),
    "hardtanh": lambda limit: _clip(-limit, limit),
    "relu6": lambda: _clip(0.0, 6.0),
    "hardsigmoid": lambda: _clip(0.0, 1.0, 1 / 6, 0.5),
    "hardswish": _hardswish,
    "hardshrink": _hardshrink,
    "softshrink": _softshrink,
}


@functools.lru_cache(maxsize=256)
def functions(name: str) -> Functions:
    """The functions of an activation by name.

    >>> functions("leaky_relu:0.2").phi(np.array([-1.0, 2.0])).tolist()
    [-0.2, 2.0]
    """
    stem, parameter = resolve(name)
    return _TABLE[stem](*parameter.values())
