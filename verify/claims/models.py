"""Claims on whole models: every parameter starts as its role promises, and none like another."""

from varlaw.subjects.subject import Model
from varlaw.verify.claim import Claim


def claims(subject: Model) -> tuple[Claim, ...]:
    """The claims on one model."""
    raise NotImplementedError(subject.name)
