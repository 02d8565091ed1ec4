"""No statistical test passes by a tolerance: none is written in any, unless its line says where it comes from."""

import ast

import pytest

from .imports import ROOT

_STATISTICAL = ("evidence/*", "claims/*", "verify/*", "identify/*", "frameworks/*", "theory/routes*")
_ESTIMATES = {"abs", "mean", "median", "std", "var", "average"}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def _tolerances(source: str) -> list[int]:
    """The lines of a test that hold something against a number of somebody's choice.

    They are `atol=...`, `approx(..., abs=0.1)`, and an estimate or a distance asserted to be `< 0.1`. A comment on the
    line says why a bound is right.
    """
    lines = source.splitlines()
    found = {node.lineno for node in ast.walk(ast.parse(source)) if _chosen(node)}
    return sorted(n for n in found if "#" not in lines[n - 1])


def _chosen(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        return "atol" in named or (_name(node) == "approx" and _literal(named.get("abs")))
    if isinstance(node, ast.Assert):
        return any(_bare(test) for test in ast.walk(node.test) if isinstance(test, ast.Compare))
    return False


def _bare(test: ast.Compare) -> bool:
    """Whether a mean, a spread or a distance is compared with a fraction that stands there as a number."""
    sides = [test.left, *test.comparators]
    pairs = zip(sides, test.ops, sides[1:], strict=False)
    return any(
        isinstance(op, _ORDER) and any(_literal(a) and _estimate(b) for a, b in ((left, right), (right, left)))
        for left, op, right in pairs
    )


def _literal(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value != 0


def _estimate(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Call) and _name(part) in _ESTIMATES for part in ast.walk(node))


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def test_no_tolerance() -> None:
    files = [path for glob in _STATISTICAL for path in sorted((ROOT / "tests").glob(f"{glob}.py"))]
    assert len(files) > len(_STATISTICAL)
    found = {str(path.relative_to(ROOT)): _tolerances(path.read_text(encoding="utf-8")) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "np.allclose(a, b, atol=0.1)",
        "assert x == pytest.approx(1.0, abs=0.05)",
        "assert abs(x.mean() - 1) < 0.2",
        "assert 0.9 < np.std(x) < 1.1",
        "assert 0.1 >= abs(a - b)",
        "assert all(abs(x) <= 0.1 for x in xs)",
    ],
)
def test_the_reader_sees_one(line: str) -> None:
    assert _tolerances(line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "assert x == pytest.approx(1.0, rel=1e-14)",
        "assert abs(a - b) <= 4 * unit",
        "assert abs(a - b) <= 0.1  # the law's own bound",
        "assert np.mean(x) > 0.0",
        "assert len(x) < 3",
    ],
)
def test_the_reader_leaves_bounds_alone(line: str) -> None:
    assert _tolerances(line) == []
