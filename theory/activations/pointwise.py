"""Activations and their derivatives as NumPy functions of x, for laws that need the function itself.

Both functions take and return float64 arrays.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from varlaw.theory.numerics.quadrature import Floats

Function = Callable[[Floats], Floats]


class Functions(NamedTuple):
    """An activation, its derivative where there is one, and where it has none."""

    phi: Function
    slope: Function
    kinks: tuple[float, ...] = ()


def sigmoid(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * x))


def sech2(x: Floats) -> Floats:
    y = np.exp(-2 * np.abs(x))
    return np.asarray(4 * y / (1 + y) ** 2)


def leaky(slope: float) -> Functions:
    return Functions(lambda x: np.where(x > 0, x, slope * x), lambda x: np.where(x > 0, 1.0, slope), (0.0,))


def elu(alpha: float, rate: float = 1.0, outer: float = 1.0) -> Functions:
    def phi(x: Floats) -> Floats:
        return outer * np.where(x > 0, x, alpha * np.expm1(rate * np.minimum(x, 0)))

    def slope(x: Floats) -> Floats:
        return outer * np.where(x > 0, 1.0, alpha * rate * np.exp(rate * np.minimum(x, 0)))

    return Functions(phi, slope, (0.0,))


def gelu() -> Functions:
    from scipy.special import ndtr

    def density(x: Floats) -> Floats:
        return np.asarray(np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))

    return Functions(lambda x: x * ndtr(x), lambda x: ndtr(x) + x * density(x))


def swish(beta: float) -> Functions:
    return Functions(
        lambda x: x * sigmoid(beta * x), lambda x: sigmoid(beta * x) + 0.25 * beta * x * sech2(0.5 * beta * x)
    )


def gelu_tanh() -> Functions:
    root = math.sqrt(2 / math.pi)

    def inner(x: Floats) -> Floats:
        return root * x * (1 + 0.044715 * x * x)

    def slope(x: Floats) -> Floats:
        x = np.clip(x, -40.0, 40.0)  # sech^2 is 0 from there on, also where x * x overflows
        rate = root * (1 + 3 * 0.044715 * x * x)
        return 0.5 * (1 + np.tanh(inner(x))) + 0.5 * x * rate * sech2(inner(x))

    return Functions(lambda x: 0.5 * x * (1 + np.tanh(inner(x))), slope)


def mish() -> Functions:
    def gate(x: Floats) -> Floats:
        return np.tanh(np.logaddexp(0.0, x))

    return Functions(lambda x: x * gate(x), lambda x: gate(x) + x * (1 - gate(x) ** 2) * sigmoid(x))


def tanhshrink(x: Floats) -> Floats:
    from varlaw.theory.activations.numeric import tanhshrink_at

    return np.copysign(tanhshrink_at(np.abs(x)), x)


def softplus(beta: float, sign: float = 1.0) -> Functions:
    return Functions(lambda x: sign * np.logaddexp(0.0, sign * beta * x) / beta, lambda x: sigmoid(sign * beta * x))


def erf() -> Functions:
    from scipy.special import erf

    return Functions(erf, lambda x: (2 / math.sqrt(math.pi)) * np.exp(-x * x))


def clip(low: float, high: float, inner: float = 1.0, shift: float = 0.0) -> Functions:
    ends = ((low - shift) / inner, (high - shift) / inner)
    return Functions(
        lambda x: np.clip(inner * x + shift, low, high),
        lambda x: np.where((x > ends[0]) & (x < ends[1]), inner, 0.0),
        ends,
    )


def hardswish() -> Functions:
    return Functions(
        lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0),
        lambda x: np.where(np.abs(x) < 3, (2 * x + 3) / 6, np.where(x > 0, 1.0, 0.0)),
        (-3.0, 3.0),
    )


def hardshrink(threshold: float) -> Functions:
    return Functions(
        lambda x: np.where(np.abs(x) > threshold, x, 0.0),
        lambda x: np.where(np.abs(x) > threshold, 1.0, 0.0),
        (-threshold, threshold),
    )


def softshrink(threshold: float) -> Functions:
    return Functions(
        lambda x: np.copysign(np.maximum(np.abs(x) - threshold, 0.0), x),
        lambda x: np.where(np.abs(x) > threshold, 1.0, 0.0),
        (-threshold, threshold),
    )
