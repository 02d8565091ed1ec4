"""Every claim is asked for by name in some test: a new one that no test refutes anything with is found here."""

import re
from pathlib import Path

from varlaw.claims.tables import claims_of
from varlaw.subjects import registry

TESTS = Path(__file__).resolve().parents[1]
# Made by a builder whose other claims are tried: of a stack of matrices, and of the roles of parameters.
SAME_BUILDER = {"init.per_matrix", "model.conv", "model.table"}


def test_every_claim_is_named_in_a_test() -> None:
    names = {claim.name for prefix in registry.MODULES for row in registry.subjects(prefix) for claim in claims_of(row)}
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py") if path != Path(__file__))
    of_laws = {name for name in names if name.startswith("law.")}  # one judge; tests/claims/test_experiments.py
    found = set(re.findall(r'(?<=[" ])\w+\.\w+(?!\.\w)', text))  # and no attribute of an attribute
    assert names - of_laws - found == SAME_BUILDER
