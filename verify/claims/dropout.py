"""Claims on dropout: the share dropped and the mean kept, each for itself."""

from varlaw.subjects.subject import Dropout
from varlaw.verify.claim import Claim


def claims(subject: Dropout) -> tuple[Claim, ...]:
    """The claims on one dropout."""
    raise NotImplementedError(subject.name)
