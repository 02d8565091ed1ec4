"""The recorder keeps every size that it saw, and puts cases together only where that widens nobody's range."""

import math

import pytest

from tests.meta import sizes
from varlaw.verify.deviations.measured import Band


def _seen(case: str, *values: float, violates: bool = True) -> list[sizes.Seen]:
    fixed = {"row": "row", "place": "claim target float32", "corners": ["a", "b", "c"], "version": "1"}
    return [sizes.Seen(case=case, violates=violates, size=repr(x), **fixed) for x in values]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(0.997431, 0.99743, 0.99744), (8.68551, 8.68, 8.69), (1.0, 1.0, 1.0), (-0.12346, -0.124, -0.123), (0.5, 0.5, 0.5)],
)
def test_few_digits_are_rounded_away_from_what_was_seen(value: float, low: float, high: float) -> None:
    assert (sizes._outward(value, -1), sizes._outward(value, 1)) == (low, high)
    assert low <= value <= high


def test_cases_share_a_band_where_each_foresees_the_other() -> None:
    alike = _seen("a", 1.1, 1.3) + _seen("b", 1.2, 1.35)
    assert sizes._bands(alike, 40) == [Band(1.1, 1.35, ("a", "b"))]
    assert sizes._bands(alike + _seen("c", 1.15, 1.3), 40) == [Band(1.1, 1.35)]  # in every corner
    apart = _seen("a", 0.25, 150_000.0) + _seen("b", 0.99, 1.01)
    assert {b.cases for b in sizes._bands(apart, 40)} == {("a",), ("b",)}


def test_a_case_that_conforms_has_no_band_and_nan_has_its_own() -> None:
    assert sizes._bands(_seen("a", 1.0, 1.001, violates=False) + _seen("b", 0.5), 40) == [Band(0.5, 0.5, ("b",))]
    ordinary, odd = sizes._bands(_seen("a", 0.5, math.nan, 0.75), 40)
    assert ordinary == Band(0.5, 0.75, ("a",))
    assert math.isnan(odd.low)
    assert math.isnan(odd.high)


def test_keyed_points_are_written_where_they_leave_the_corners() -> None:
    corners = _seen("a", 0.5, 0.75)
    assert sizes._bands(corners + _seen("*", 0.625), 40) == [Band(0.5, 0.75, ("a",))]
    assert sizes._bands(corners + _seen("*", 0.25), 40)[-1] == Band(0.25, 0.25, ("*",))
