"""The projection on the simplex, which sparsemax is: the nearest point whose entries are shares of one sum.

>>> from varlaw.theory.laws.simplex import ENTRIES
>>> {law.name: law for law in ENTRIES}["simplex.entry"].value(x=0.75, threshold=0.5)
0.25
"""

import functools

import numpy as np

from varlaw.theory.domain import Domain, Interval, above
from varlaw.theory.law import Kind, Law

_ANY = Interval(typical=(-10.0, 10.0))

_simplex = functools.partial(
    Law, kind=Kind.EXACT, source="Martins & Astudillo 2016, arXiv:1602.02068, section 2.2",
    statistic="each number, against a rounding bound",
    unmeasured="torch has no projection on the simplex: that of optax and Keras's sparsemax are held to it",
)  # fmt: skip

ENTRIES: tuple[Law, ...] = (
    _simplex(
        name="simplex.sum",
        title="Sum of a projection on the simplex, which sparsemax is",
        quantity="sum of the projection of x",
        formula="scale",
        domain=Domain(scale=above(0, typical=(0.1, 10.0))),
        hypotheses=("the projection is on what is not negative and adds up to scale",),
        rule=lambda scale: scale,
        derivation="The nearest point of the set whose entries are not negative and add up to scale is in the set.",
    ),
    _simplex(
        name="simplex.entry",
        title="Entries of a projection on the simplex, which sparsemax is",
        quantity="entry of the projection of x",
        formula="max(x - threshold, 0)",
        domain=Domain(x=_ANY, threshold=_ANY),
        rule=lambda x, threshold: np.maximum(x - threshold, 0.0),
        hypotheses=("threshold is the number with which the entries add up to scale",),
        derivation="Lagrange: what is left of x is x - threshold, or 0 where that would be negative.",
        not_to_confuse="softmax, which leaves no entry at 0",
    ),
)
