"""Numbers that people write into initialisers, each with a price in nats: 1 is cheap, 2/3 dearer, 0.0137 dearest.

The prices are those of a code, so that the shares exp(-price) add up to at most 1 and a fit is not fooled by having
many constants to choose from. A constant that is not in the table costs what it takes to write it down to the precision
that the draws give.
"""

import functools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LARGEST = 48  # of a numerator or denominator
_GAINS = ((5, 3), (3, 4))  # tanh and SELU, squared in a variance
_SLOPES = ("0.01", "0.1", "0.2", "0.3")  # of leaky ReLU


@dataclass(frozen=True)
class Constant:
    """A constant, how it is written, and its price; `root` is how its square root is written, where that is shorter."""

    value: float
    text: str
    price: float
    root: str = ""


@functools.cache
def table() -> tuple[Constant, ...]:
    """Every constant for a squared scale, ascending, the cheapest spelling of each value only."""
    found: dict[float, Constant] = {}
    for constant in (*_fractions(), *_squares(), *_decimals(), *_leaky()):
        known = found.get(constant.value)
        if known is None or constant.price < known.price:
            found[constant.value] = constant
    return tuple(found[value] for value in sorted(found))


@functools.cache
def logarithms() -> Floats:
    """ln of every value of the table."""
    return np.log([c.value for c in table()])


@functools.cache
def prices() -> Floats:
    """The price of every value of the table."""
    return np.array([c.price for c in table()])


def _fractions() -> list[Constant]:
    """p/q in lowest terms: the shares add up to about a half."""
    pairs = [(p, q) for p in range(1, _LARGEST + 1) for q in range(1, _LARGEST + 1) if math.gcd(p, q) == 1]
    return [Constant(p / q, str(Fraction(p, q)), 2.25 + 1.5 * math.log(p * q), _root(p, q)) for p, q in pairs]


def _root(p: int, q: int) -> str:
    a, b = math.isqrt(p), math.isqrt(q)
    return str(Fraction(a, b)) if a * a == p and b * b == q else ""


def _squares() -> list[Constant]:
    """Squares of 1.7, 0.02, 0.125: one to three significant digits; and the squared gains of tanh and SELU."""
    found = []
    for digits, price in ((1, 6.0), (2, 8.5), (3, 11.0)):
        for mantissa in range(10 ** (digits - 1), 10**digits):
            for exponent in range(-7, 2):
                root = float(f"{mantissa}e{exponent - digits + 1}")
                found.append(Constant(root * root, f"{root:g}**2", price + (0.0 if exponent < 1 else 1.0), f"{root:g}"))
    return found + [Constant((p / q) ** 2, f"({p}/{q})**2", 5.0, f"{p}/{q}") for p, q in _GAINS]


def _decimals() -> list[Constant]:
    """0.02 or 0.1 as a variance."""
    values = [float(f"{m}e{e}") for m in range(1, 10) for e in range(-6, 0)]
    return [Constant(v, f"{v:g}", 6.5) for v in values]


def _leaky() -> list[Constant]:
    return [Constant(2 / (1 + float(a) ** 2), f"2/(1 + {a}**2)", 8.5) for a in _SLOPES]
