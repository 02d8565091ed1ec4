"""Popular claims about initial variance, each with the law that confirms, corrects or refutes it, and a number.

A claim is *corrected* when it holds under conditions that people leave out or with another constant, *refuted* when it
does not hold as a rule. `popular` is what the claim predicts for the law's number in the case given, where it predicts
one; `number()` is what the law says.

>>> row = {claim.slug: claim for claim in CLAIMS}["relu_variance"]
>>> row.finding.value, round(row.number(), 4), row.popular
('corrected', 0.3408, 0.5)
"""

from varlaw.theory.folklore import models, signals, training, weights
from varlaw.theory.folklore.claim import Claim, Finding

__all__ = ["CLAIMS", "Claim", "Finding"]

CLAIMS: tuple[Claim, ...] = (
    *signals.CLAIMS,
    *weights.CLAIMS,
    *training.CLAIMS,
    *models.CLAIMS,
)
