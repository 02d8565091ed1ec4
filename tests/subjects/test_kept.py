"""Draws that the claims on one layer share: the same numbers, built once, and never outside."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from varlaw.subjects import kept
from varlaw.subjects.kept import Kept

BUILT: list[int] = []


def _draws(case: Mapping[str, int], dtype: str, device: str, seed: int, count: int) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    for _ in range(min(count, case["most"])):
        BUILT.append(seed)
        yield {"weight": rng.standard_normal(case["size"])}
    if count > case["most"]:
        raise MemoryError


def _taken(draws, seed: int, count: int, size: int = 8, most: int = 100) -> list[np.ndarray]:
    return [x["weight"] for x in draws({"size": size, "most": most}, "float64", "cpu", seed, count)]


def _asked(draws) -> list[np.ndarray]:
    return [*_taken(draws, 1, 3), *_taken(draws, 1, 5), *_taken(draws, 2, 2), *_taken(draws, 1, 4)]


@pytest.mark.parametrize(("limit", "built"), [(2**20, 7), (3 * 64, 17), (0, 14)])
def test_what_is_kept_changes_no_number(monkeypatch, limit: int, built: int) -> None:
    monkeypatch.setattr(kept, "_LIMIT", limit)
    BUILT.clear()
    with Kept().shared():
        shared = _asked(kept.kept(_draws))
    assert len(BUILT) <= built
    np.testing.assert_array_equal(shared, _asked(_draws))


def test_nothing_is_kept_outside() -> None:
    draws = kept.kept(_draws)
    BUILT.clear()
    with Kept().shared():
        _taken(draws, 1, 3)
    _taken(draws, 1, 3)
    assert len(BUILT) == 6


def test_a_failure_comes_back_when_asked_again() -> None:
    draws = kept.kept(_draws)
    with Kept().shared():
        for _ in range(2):
            with pytest.raises(MemoryError):
                _taken(draws, 1, 3, most=2)
