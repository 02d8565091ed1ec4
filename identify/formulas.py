"""Which formula gives the scale of every case: likelihood less the price of what had to be written down.

The winner is held against the best formula that says something else; two formulas that agree on every case cannot be
told apart by draws, and both are named. A formula that the draws refuse at `ALPHA` is none, however it compares.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from varlaw.identify.atoms import Product, products
from varlaw.identify.constants import Constant, logarithms, prices, table
from varlaw.identify.scales import Floats, Scales, interval

ALPHA = 1e-6  # false refusal of a true formula, per tensor
DECISIVE = math.log(1e3)  # nats by which a winner must lead to be named alone

_WITHIN = 60.0  # nats behind the best before constants are chosen
_KEPT = 300
_PLAIN = 5.0  # nats by which another spelling of the same formula may be dearer and still be worth saying
_SAME = 1e-9  # two formulas that differ by no more than this in ln of any case's scale say the same


@dataclass(frozen=True)
class Unit:
    """A way to state a family's scale, such as by its own std, in units of the likelihood's scale."""

    name: str
    ratio: float = 1.0
    price: float = 0.0


@dataclass(frozen=True)
class Formula:
    """The square of the `unit` is `constant` times `product`; `score` is ln likelihood less prices."""

    product: Product
    unit: Unit
    constant: Constant
    logs: Floats  # ln of the likelihood's scale in every case
    score: float


@dataclass(frozen=True)
class Fit:
    """The best formula, its lead in nats over the best other one, and whether the draws accept it."""

    formula: Formula
    interval: tuple[float, float]  # of the constant, 99.9 %
    accepted: bool
    p_value: float
    lead: float
    runner_up: Formula | None
    same: list[Formula]


def fit(scales: Scales, names: Sequence[Mapping[str, float]], units: Sequence[Unit]) -> Fit:
    """The best formula over `names`, one mapping for each case, in the order of the cases of `scales`."""
    found = _ranked(scales, products(names), units)
    winner = found[0]
    same = [f for f in found[1:] if _alike(f, winner) and f.score > winner.score - _PLAIN]
    others = [f for f in found[1:] if not _alike(f, winner) and f.product is not winner.product]
    best = float(scales.best(winner.product.logs[None])[1][0])
    p_value = _p_value(2 * (scales.free - best), 2 * len(names))
    runner_up = others[0] if others else None
    t = _shift(winner)
    low, high = interval(scales, winner.product.logs, t)
    square = [math.exp(2 * (end + math.log(winner.unit.ratio))) for end in (low, high)]
    return Fit(
        formula=winner,
        interval=(square[0], square[1]),
        accepted=p_value >= ALPHA,
        p_value=p_value,
        lead=winner.score - runner_up.score if runner_up else math.inf,
        runner_up=runner_up,
        same=same,
    )


def _ranked(scales: Scales, candidates: Sequence[Product], units: Sequence[Unit]) -> list[Formula]:
    h = np.stack([c.logs for c in candidates])
    t, likelihood = scales.best(h)
    score = likelihood - np.array([c.price for c in candidates])
    order = np.argsort(-score, kind="stable").tolist()
    other = next((i for i in order if np.ptp(h[i] - h[order[0]]) > _SAME), order[0])  # however far behind
    order = [i for i in order[:_KEPT] if score[i] >= score[order[0]] - _WITHIN or i == other]
    order += [other] if other not in order else []
    found = [_with_constant(scales, candidates[i], float(t[i]), float(likelihood[i]), units) for i in order]
    return sorted(found, key=lambda f: -f.score)


def _with_constant(scales: Scales, product: Product, t: float, likelihood: float, units: Sequence[Unit]) -> Formula:
    """The product with the constant, from the table or free, that is worth its price."""
    unit = units[0]
    square = math.exp(2 * (t + math.log(unit.ratio)))
    price = 1.0 + math.log(40 / scales.precision)
    best = Formula(product, unit, Constant(square, f"{square:.5g}", price), product.logs + t, likelihood - price)
    for unit in units:
        shifts = logarithms() / 2 - math.log(unit.ratio)
        # A cut that leaves nothing to estimate still has both ends of its window within a few precisions.
        near = np.abs(shifts - t) < 12 * scales.precision + 1e-6
        if not near.any():
            continue
        scores = scales.at(product.logs, shifts[near]) - prices()[near] - unit.price
        i = int(np.argmax(scores))
        if scores[i] > best.score:
            constant = table()[int(np.flatnonzero(near)[i])]
            best = Formula(product, unit, constant, product.logs + shifts[near][i], float(scores[i]))
    return replace(best, score=best.score - product.price)


def _shift(formula: Formula) -> float:
    return float(formula.logs[0] - formula.product.logs[0])


def _alike(a: Formula, b: Formula) -> bool:
    """Whether two formulas scale alike over the cases, whatever their constants."""
    gap = a.product.logs - b.product.logs
    return bool(np.ptp(gap) <= _SAME)


def _p_value(statistic: float, degrees: int) -> float:
    from scipy.special import gammaincc

    return float(gammaincc(degrees / 2, max(statistic, 0.0) / 2))
