"""Complex weights: the variance E|w|^2 is the sum over both parts, and a cut of the modulus takes its own share of it.

>>> from varlaw.theory.laws.complex_weights import ENTRIES
>>> laws = {law.name: law for law in ENTRIES}
>>> round(laws["truncated_complex.variance"].value(cut=2.0), 15)
0.925370558544904
"""

from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, above, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.quadrature import Floats, in_blocks, legendre

_NODES = 64
_WHOLE = 47.0  # a cut at |z|^2 = 47 leaves the variance whole: 47 exp(-47) is below half an ulp of 1
_DEEP = "Trabelsi et al. 2018, arXiv:1705.09792"


def _truncated_variance(cut: Any) -> Floats:
    """The mean of an exponential law on [0, cut^2], as a ratio of sums over terms of one sign."""
    (result,) = in_blocks(_mean, np.minimum(np.square(cut), _WHOLE), nodes=_NODES)
    return result


def _mean(end: Floats) -> tuple[Floats]:
    u, w = legendre(_NODES)
    density = w * np.exp(-end * u)
    return (end[:, 0] * (density * u).sum(axis=1) / density.sum(axis=1),)


ENTRIES: tuple[Law, ...] = (
    Law(
        name="complex.variance",
        title="The variance of a complex weight is the sum over its parts",
        quantity="E|w|^2",
        formula="real_variance + imaginary_variance",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(
            real_variance=at_least(0, whole=False, typical=(1e-6, 1.0)),
            imaginary_variance=at_least(0, whole=False, typical=(1e-6, 1.0)),
        ),
        rule=lambda real_variance, imaginary_variance: real_variance + imaginary_variance,
        hypotheses=("both parts of mean 0",),
        derivation="|w|^2 = Re(w)^2 + Im(w)^2; the parts need not be independent.",
        source=_DEEP,
        statistic="mean of |w|^2",
        not_to_confuse="the variance of one part: a layer whose parts each have 1/fan_in doubles the second moment",
    ),
    Law(
        name="truncated_complex.variance",
        title="A circular complex normal cut at a modulus",
        quantity="E|w|^2 over that of the normal it is cut from",
        formula="1 - cut**2/(exp(cut**2) - 1)",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(cut=above(0, typical=(0.1, 4.0))),
        rule=_truncated_variance,
        hypotheses=("w complex normal of mean 0 with independent parts of equal variance", "kept where |w| <= cut std"),
        derivation="|w|^2 is exponential; its mean on [0, c^2] is that integral over the mass 1 - exp(-c^2).",
        statistic="mean of |w|^2",
        not_to_confuse="1 - (1 + cut**2) exp(-cut**2), which is not divided by the mass that is kept: 0.9084 at 2",
    ),
)
