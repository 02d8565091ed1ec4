"""Average and maximum over positions that are equally correlated.

The maximum of k normal numbers of correlation r >= 0 is sqrt(r) z + sqrt(1 - r) M, M that of k independent ones; an
activation that never falls passes it on: max phi(x) = phi(max x). So its moments are one integral over z and M.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from varlaw.theory.activations.named import functions, under_normal
from varlaw.theory.domain import printable
from varlaw.theory.networks.reading import Block, number
from varlaw.theory.networks.signals import Backward, Signal
from varlaw.theory.numerics.quadrature import Floats

# Activations that never fall: the largest comes from the largest.
RISING = frozenset(
    (
        "identity", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "softplus", "tanh", "sigmoid", "softsign",
        "hardtanh", "hardsigmoid", "erf",
    )
)  # fmt: skip
_REACH, _NODES = 9.0, 401


def pool(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """`kind` "average" or "max" over windows of `size` positions, `stride` apart (the size unless given)."""
    size = max(1.0, number(block, "size", None))
    stride = number(block, "stride", size)
    kind = block.get("kind", "average")
    if kind == "average":
        return _average(h, size), Backward(1 / (size * stride))
    if kind == "max":
        return _maximum(h, size, stride)
    msg = f"kind={printable(kind)}, but should be 'average' or 'max' [propagation.pool]"
    raise ValueError(msg)


def _average(h: Signal, size: float) -> Signal:
    near, far = h.positions or 0.0, 0.0 if h.elsewhere is None else h.elsewhere
    after = replace(
        h,
        second_moment=(h.second_moment + (size - 1) * near) / size,
        covariance=(h.covariance + (size - 1) * far) / size,
        before=None,
        normal=None,
    )
    return after if size < 2 else replace(after, kurtosis=3 + (h.kurtosis - 3) / size)


class Largest(NamedTuple):
    """Of M = max over k of phi(x): E M, E M^2, E M^4, E[M M'] of two windows, E phi'(x)^2 where it is taken."""

    mean: float
    second: float
    fourth: float
    pair: float
    slope: float


def largest(name: str, q: float, k: float, r: float) -> Largest:
    """The maximum over `k` of phi of normal numbers of variance `q` and correlation `0 <= r <= 1`.

    >>> found = largest("identity", 1.0, 2, 0.0)
    >>> abs(found.mean - 1 / math.sqrt(math.pi)) < 1e-9, abs(found.second - 1) < 1e-9
    (True, True)
    """
    one = functions(name)
    z = np.linspace(-_REACH, _REACH, _NODES)
    weight = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    of_max = _density(z, k)
    x = math.sqrt(q) * (math.sqrt(r) * z[:, None] + math.sqrt(1 - r) * z[None, :])
    y = one.phi(x)
    given = y @ of_max
    mean, second, fourth = (float(weight @ (y**p @ of_max)) for p in (1, 2, 4))
    return Largest(mean, second, fourth, float(weight @ given**2), float(weight @ (one.slope(x) ** 2 @ of_max)))


def _density(z: Floats, k: float) -> Floats:
    """Weights on the grid z of the maximum of k standard normal numbers: trapezoidal, of its density."""
    from scipy.special import log_ndtr

    step = float(z[1] - z[0])
    weights: Floats = k * step / math.sqrt(2 * math.pi) * np.exp(-0.5 * z * z + (k - 1) * log_ndtr(z))
    return weights


def _maximum(h: Signal, size: float, stride: float) -> tuple[Signal, Backward]:
    name, q, near = h.normal or ("identity", h.second_moment, h.positions or 0.0)
    if name.partition(":")[0] not in RISING or (h.normal is None and h.mean):
        msg = f"max pooling of {name}, but should be of an activation that never falls [propagation.pool]"
        raise ValueError(msg)
    found = largest(name, q, size, min(1.0, max(0.0, near / q)) if q else 0.0)
    varies = max(found.second - found.mean**2, 0.0)
    old = h.second_moment - h.mean**2

    def carried(covariance: float) -> float:  # to first order in the correlation of what is left of the mean
        return found.mean**2 + varies * (covariance - h.mean**2) / old if old else found.mean**2

    after = replace(
        h.mapped(carried), second_moment=found.second, mean=found.mean, before=None, normal=None,
        positions=None if h.positions is None else found.pair,
        kurtosis=found.fourth / found.second**2 if found.second else 3.0,
    )  # fmt: skip
    slope = float(under_normal("slope_second", name, q))
    return after, Backward(found.slope / slope / stride if slope else 0.0)
