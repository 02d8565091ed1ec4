"""Claims on classification losses: zero logits cost ln C, whatever C, the batch and the dtype."""

from varlaw.subjects.subject import Loss
from varlaw.verify.claim import Claim


def claims(subject: Loss) -> tuple[Claim, ...]:
    """The claims on one loss."""
    raise NotImplementedError(subject.name)
