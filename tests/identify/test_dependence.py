"""Evidence of entries that depend on each other: exact e-values on lawful draws, large ones on what is tied."""

import numpy as np
import pytest
from numpy.typing import NDArray

from varlaw.identify import dependence
from varlaw.identify.records import Reading
from varlaw.identify.sample import Sample

NORMAL = Reading(family="normal", law="Normal(1)")


def _sample(values: NDArray[np.float64]) -> Sample:
    return Sample({}, {}, values.shape[1:], values)


@pytest.mark.parametrize("zeros", [0.0, 0.9])
def test_a_lawful_e_value_averages_at_most_one(zeros: float) -> None:
    rng = np.random.default_rng(1)
    totals: dict[str, list[float]] = {}
    for _ in range(3000):
        x = rng.normal(0, 1, (2, 6, 8)) * (rng.random((2, 6, 8)) >= zeros)
        for name, products, axes in dependence._products(x):
            totals.setdefault(name, []).append(np.exp(dependence._log_e(products, axes)))
    assert len(totals) == dependence.KINDS
    # By Markov, an average of 3,000 is above 2 only for a law of heavy tails, of which each e-value has mean <= 1.
    assert {name: np.mean(es) for name, es in totals.items() if np.mean(es) > 2} == {}


def test_a_lawful_tensor_has_no_evidence_and_a_tied_one_has() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (6, 40, 30))
    assert dependence.evidence(_sample(x), NORMAL) == {}
    fixed = x + 0.5 * rng.normal(0, 1, (1, 40, 30))
    assert "means of positions" in dependence.evidence(_sample(fixed), NORMAL)
    board = (-1.0) ** np.add.outer(np.arange(40), np.arange(30))
    assert "a checkerboard" in dependence.evidence(_sample(x + 0.15 * board), NORMAL)
    assert "sums of rows" in dependence.evidence(_sample(x - x.mean(axis=2, keepdims=True)), NORMAL)
    q = np.stack([np.linalg.qr(rng.normal(0, 1, (40, 30)))[0] for _ in range(6)])
    assert "neighbouring columns" in dependence.evidence(_sample(q), NORMAL)


def test_what_is_the_same_for_all_is_found() -> None:
    x = np.random.default_rng(3).normal(0, 1, (6, 20, 10))
    assert dependence.even(_sample(x)) == []
    unit = x / np.linalg.norm(x, axis=2, keepdims=True)
    assert dependence.even(_sample(unit)) == ["norm of each row", "norm of each instance"]


def test_the_order_of_fixed_numbers_shows() -> None:
    x = np.arange(100.0)[None]
    same, other = (dependence.projections(_sample(v)) for v in (x, x[:, ::-1]))
    assert same == dependence.projections(_sample(x))
    assert same != other
