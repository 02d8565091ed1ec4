"""Sums over stacked instances are those of one instance after the other."""

import itertools

import numpy as np
import pytest

from varlaw.claims.weights.relations import Relations, places, separate

_SHAPES = {"weight": (8, 6), "bias": (4,), "scale": ()}


def _instances(count: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [{name: rng.normal(size=shape) for name, shape in _SHAPES.items()} for _ in range(count)]


@pytest.mark.parametrize("sizes", [(1, 9), (1, 2, 3, 4), (1,) * 10], ids=str)
def test_however_instances_come(sizes: tuple[int, ...]) -> None:
    drawn, needed = _instances(10), 30
    relations = Relations(_SHAPES, {"hidden_size": 2})
    at = 0
    for size in sizes:
        group, at = drawn[at : at + size], at + size
        relations.update({name: np.stack([x[name] for x in group]) for name in _SHAPES}, needed)
    found = relations.pairs()
    assert found.keys() == {*separate(label for label, _, _ in places(_SHAPES, {"hidden_size": 2})), *_again()}
    assert relations.count == len(found)
    assert relations.wanted(needed) == 21  # of the scalar and the one before, 9 of which have come

    pair = found["weight|gate 1 of 4 along axis 0", "weight|gate 3 of 4 along axis 0"]  # 12 entries each: 3 instances
    products = [x["weight"][:2] * x["weight"][4:6] for x in drawn[:3]]
    assert pair.n == 36
    assert pair.products == pytest.approx(sum(p.sum() for p in products), rel=1e-12)
    assert pair.squares == pytest.approx(sum((p * p).sum() for p in products), rel=1e-12)

    pair = found["bias|", "bias of the instance before"]  # 4 entries: 8 instances, from the second on
    products = [now["bias"] * before["bias"] for before, now in itertools.pairwise(drawn[:9])]
    assert pair.n == 32
    assert pair.products == pytest.approx(sum(p.sum() for p in products), rel=1e-12)
    assert pair.sides[0] == pytest.approx(sum((x["bias"] ** 2).sum() for x in drawn[1:9]), rel=1e-12)
    assert pair.sides[1] == pytest.approx(sum((x["bias"] ** 2).sum() for x in drawn[:8]), rel=1e-12)


def _again() -> list[tuple[str, str]]:
    return [(f"{name}|", f"{name} of the instance before") for name in _SHAPES]


def test_a_tensor_that_is_missing_costs_its_own_pairs() -> None:
    drawn = _instances(3)
    relations = Relations(_SHAPES, {})
    relations.update({name: np.stack([x[name] for x in drawn]) for name in ("weight", "scale")}, 10**6)
    found = relations.pairs()
    assert found["weight|", "bias|"].n == found["bias|", "scale|"].n == 0
    assert found["weight|", "scale|"].n == 3
