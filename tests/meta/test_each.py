"""A table check names all bad rows, not the first one, and its fixtures stay what they are."""

from pathlib import Path

import pytest

from ..each import each


def test_all_bad_rows_are_named() -> None:
    @each("number half", {"four": (4, 2), "five": (5, 2), "none": (None, 1)})
    def halves(number: int, half: int) -> None:
        assert number == 2 * half

    with pytest.raises(AssertionError, match=r"2 of 3 rows are bad\nfive: AssertionError: [\s\S]*\nnone: ") as told:
        halves()
    assert "four" not in str(told.value)


def test_a_missing_error_is_a_bad_row() -> None:
    @each("x", [1.0, 0.0])
    def raises(x: float) -> None:
        with pytest.raises(ZeroDivisionError):
            1 / x

    with pytest.raises(AssertionError, match=r"1 of 2 rows are bad\n1\.0: Failed: DID NOT RAISE"):
        raises()


@each("x", [1, 2])
def test_fixtures_come_beside_the_rows(tmp_path: Path, x: int) -> None:
    assert tmp_path.is_dir()
    assert x in (1, 2)
