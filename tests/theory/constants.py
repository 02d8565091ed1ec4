"""Certify the constants that the theory room writes down: `python tests/theory/constants.py`.

Each is computed from its defining equation at 50 and at 80 digits; both must round to the same float64, which must be
the one in the source.
"""

from collections.abc import Callable
from typing import Any

import mpmath as mp

from varlaw.theory.activations.rows.rectifiers import SELU_ALPHA, SELU_LAMBDA


def tail(x: Any) -> Any:
    """P(z > x)."""
    return mp.erfc(mp.mpf(x) / mp.sqrt(2)) / 2


def selu_alpha() -> Any:
    """The alpha with E[elu(z)] = 0: 1/sqrt(2 pi) + alpha (sqrt(e) P(z > 1) - 1/2) = 0."""
    return 1 / (mp.sqrt(2 * mp.pi) * (mp.mpf(1) / 2 - mp.sqrt(mp.e) * tail(1)))


def selu_lambda() -> Any:
    """The lambda with lambda^2 E[elu(z)^2] = 1."""
    half = mp.mpf(1) / 2
    second = half + selu_alpha() ** 2 * (mp.e**2 * tail(2) - 2 * mp.sqrt(mp.e) * tail(1) + half)
    return 1 / mp.sqrt(second)


CONSTANTS: dict[str, tuple[Callable[[], Any], float]] = {
    "SELU_ALPHA": (selu_alpha, SELU_ALPHA),
    "SELU_LAMBDA": (selu_lambda, SELU_LAMBDA),
}


def certify(equation: Callable[[], Any], written: float) -> bool:
    """Whether two precisions agree on one float64 and it is the one written."""
    with mp.workdps(50):
        first = float(equation())
    with mp.workdps(80):
        second = float(equation())
    return first == second == written


if __name__ == "__main__":
    for name, (equation, written) in CONSTANTS.items():
        with mp.workdps(40):
            print(f"{name} = {mp.nstr(equation(), 30)}  written {written!r}  certified {certify(equation, written)}")
