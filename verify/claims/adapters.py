"""Claims on adapters: what they change before training, which must be nothing."""

from varlaw.subjects.subject import Adapter
from varlaw.verify.claim import Claim


def claims(subject: Adapter) -> tuple[Claim, ...]:
    """The claims on one adapter."""
    raise NotImplementedError(subject.name)
