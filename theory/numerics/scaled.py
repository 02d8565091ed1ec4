"""Products whose value fits float64 although a part of them does not.

>>> float(product(2.0**1000, 2.0**1000, 2.0**-1000)) == 2.0**1000
True
"""

from typing import Any

import numpy as np

from varlaw.theory.numerics.quadrature import Floats


def product(*factors: Any, over: Any = 1.0) -> Floats:
    """The product of `factors`, divided by `over != 0`: float64 arrays; exponents are summed apart from significands.

    >>> product([2.0, 3.0], 5.0).tolist()
    [10.0, 15.0]
    """
    divisor, below = np.frexp(np.asarray(over, dtype=np.float64))
    significand: Any = 1.0
    exponent: Any = 0
    for factor in factors:
        part, power = np.frexp(np.asarray(factor, dtype=np.float64))
        significand, exponent = significand * part, exponent + power
    return np.asarray(np.ldexp(significand / divisor, exponent - below))
