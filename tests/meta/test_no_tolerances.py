"""No statistical test passes by a tolerance: `atol` is written in none of them."""

import ast
from pathlib import Path

import pytest

from .imports import ROOT

_STATISTICAL = ("evidence", "claims", "verify", "identify", "frameworks")


def _tolerances(source: str) -> list[int]:
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if any(keyword.arg == "atol" for keyword in call.keywords)]


@pytest.mark.parametrize(
    "path", [p for room in _STATISTICAL for p in sorted((ROOT / "tests" / room).rglob("*.py"))], ids=lambda p: p.name
)
def test_no_atol(path: Path) -> None:
    assert not _tolerances(path.read_text(encoding="utf-8"))


def test_the_reader_sees_one() -> None:
    assert _tolerances("np.allclose(a, b, atol=0.1)") == [1]
