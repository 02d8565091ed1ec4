"""Sinusoidal positions, whose rows have one norm and know their distance, and linear biases of attention.

>>> from varlaw.theory.laws.positions import ENTRIES
>>> {law.name: law for law in ENTRIES}["positions.sinusoidal_square_norm"].value(dim=512)
256.0
"""

import functools

import numpy as np

from varlaw.theory.domain import Domain, Interval, Relation, above, at_least
from varlaw.theory.law import Kind, Law

_DIM = at_least(2, typical=(2, 4096))
_EVEN = Relation("dim is even", lambda dim, **_: np.mod(dim, 2) == 0)
_WITHIN = Relation("head <= heads", lambda head, heads, **_: head <= heads)
_DISTANCE = Interval(low=0.0, high=1e9, typical=(0.0, 4096.0))
_BASE = above(1, typical=(2.0, 1e6))
_ROW = "p(t): sin(t w_i) and cos(t w_i) for i = 0 .. dim/2 - 1, in any order, w_i = base^(-2 i / dim)"
_VASWANI = "Vaswani et al. 2017, arXiv:1706.03762; derived"


@functools.partial(np.vectorize, otypes=[np.float64])
def _dot(dim: float, distance: float, base: float) -> float:
    frequencies = np.exp(np.arange(dim // 2) * (-2 * np.log(base) / dim))
    return float(np.sum(np.cos(distance * frequencies)))


ENTRIES: tuple[Law, ...] = (
    Law(
        name="positions.sinusoidal_square_norm",
        title="All sinusoidal positions have one norm",
        quantity="|p(t)|^2",
        formula="dim / 2",
        kind=Kind.EXACT,
        domain=Domain(_EVEN, dim=_DIM),
        rule=lambda dim: dim / 2,
        hypotheses=(_ROW, "any position t, whole or not"),
        derivation="sin^2 + cos^2 = 1 in each of the dim/2 pairs: the mean square of the entries is 1/2.",
        source=_VASWANI,
        statistic="squared norm of every row of the table, against a rounding bound",
        not_to_confuse="a variance of 1/2: the slow cosines are all near 1, so the mean of a row is not 0",
    ),
    Law(
        name="positions.sinusoidal_product",
        title="Two sinusoidal positions meet at their distance, wherever they stand",
        quantity="<p(t), p(t + distance)>",
        formula="fsum([cos(distance * base**(-2 * mpf(i) / dim)) for i in range(int(dim) // 2)])",
        kind=Kind.EXACT,
        domain=Domain(_EVEN, dim=_DIM, distance=_DISTANCE, base=_BASE),
        rule=_dot,
        hypotheses=(_ROW, "any position t"),
        derivation="sin a sin b + cos a cos b = cos(a - b) in each pair.",
        source=_VASWANI,
        statistic=(
            "inner products of rows of the tables in transformers, or of torch.sin and torch.cos, as torch has no such "
            "module, against a rounding bound"
        ),
        precision="absolute error 1e-15 dim (1 + distance): a phase has the digits that its frequency has",
        not_to_confuse="0, as for independent rows: near rows are nearly equal, with a product of dim/2 at distance 0",
    ),
    Law(
        name="positions.alibi",
        title="Linear biases of attention fall by one slope a head",
        quantity="|bias| at a distance",
        formula="distance * 2**(-8 * mpf(head) / heads)",
        kind=Kind.EXACT,
        domain=Domain(
            _WITHIN, head=at_least(1, typical=(1, 8)), heads=at_least(1, typical=(8, 64)), distance=_DISTANCE
        ),
        rule=lambda head, heads, distance: distance * np.exp2(-8.0 * head / heads),
        hypotheses=(
            "head 1, 2, ..., of a power of two of them; of n others the first are those of the greatest power of two"
            " below n, the rest every other one, from the first, of twice that many",
        ),
        derivation="A geometric sequence from 2^(-8/heads) to 2^-8.",
        source="Press, Smith & Lewis 2022, arXiv:2108.12409, section 3",
        statistic="biases of each head at one distance, against a rounding bound",
        not_to_confuse="2^(-8 head/n) for any n: heads beyond a power of two lie between the others",
        unmeasured="torch has no such biases: those of transformers and MLX are held to it",
    ),
)
