"""Every law has a claim on torch or on varlaw's own functions, or says in its own entry why it has none."""

from varlaw.claims.tables import claims_of
from varlaw.subjects.registry import select
from varlaw.theory import LAWS

UNMEASURED = {name for name, law in LAWS.items() if law.unmeasured}


def test_every_law_is_measured_or_says_why_not() -> None:
    measured = {claim.law for subject in select(["torch.*", "varlaw.*"]) for claim in claims_of(subject)}
    assert LAWS.keys() - measured == UNMEASURED
    assert len(UNMEASURED) < len(LAWS) / 20


def test_reasons_are_sentences() -> None:
    assert all(len(LAWS[name].unmeasured.split()) >= 5 for name in UNMEASURED)
