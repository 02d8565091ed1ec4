"""The folklore table: no dead rows, and every number says what its verdict says."""

import numpy as np
import pytest

from varlaw.theory.catalogue import LAWS
from varlaw.theory.folklore import CLAIMS, Claim, Finding


def test_every_claim_of_the_design_is_answered() -> None:
    assert len(CLAIMS) >= 27
    assert len({claim.slug for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.finding for claim in CLAIMS} == set(Finding)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.slug)
def test_the_number_bears_out_the_verdict(claim: Claim) -> None:
    assert claim.law in LAWS
    number = claim.number()
    assert np.isfinite(number)
    if claim.popular is None:
        assert claim.finding is not Finding.CONFIRMED
    elif claim.finding is Finding.CONFIRMED:
        assert abs(number - claim.popular) <= 4 * np.spacing(max(1.0, abs(claim.popular)))
    else:
        assert abs(number - claim.popular) > 1e-7 * max(abs(number), abs(claim.popular))
