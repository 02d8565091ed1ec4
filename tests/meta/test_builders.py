"""One mechanism: rows of the frameworks and rows of others are records that the same builders make."""

import ast
from collections.abc import Iterator

from tests.meta.imports import modules

_RECORDS = {"Sampler", "Norm", "Clipper", "Dropout", "Loss", "Numbers", "Normaliser"}
_BUILDERS = {"varlaw.subjects.rows", "varlaw.subjects.norm_rows"}
_BY_THEMSELVES = {
    ("varlaw.subjects.ours", "Norm"): "our own functions, not a framework's, with statistics that are handed in",
    ("varlaw.subjects.ours", "Clipper"): "the same",
    ("varlaw.subjects.torch.sharded", "Clipper"): "its leaves are parts of arrays in several processes",
}


def _made(source: str) -> Iterator[str]:
    """The records that a module makes itself."""
    tree = ast.parse(source)
    imported = {
        name.asname or name.name: name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("varlaw.subjects")
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield imported.get(node.func.id, "")


def test_every_record_of_a_row_comes_from_the_builders() -> None:
    made = {
        (name, record)
        for room in ("subjects", "claims", "verify", "diagnose", "identify")
        for name, source in modules(room).items()
        if name not in _BUILDERS
        for record in _made(source)
        if record in _RECORDS
    }
    assert made == set(_BY_THEMSELVES)


def test_a_record_that_is_made_beside_them_is_seen() -> None:
    assert "Norm" in set(_made("from varlaw.subjects.subject import Norm as N\nROW = N(name='x')"))
