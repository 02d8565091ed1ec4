"""The cases of each op, of whatever file its domain stands in, and those in which a claim on a row is asked."""

from varlaw.claims.activations import CASES as ACTIVATIONS
from varlaw.claims.cases import Case, Cases
from varlaw.claims.claim import Claim
from varlaw.claims.domains_draws import DRAWS
from varlaw.claims.domains_layers import LAYERS
from varlaw.claims.domains_training import TRAINING
from varlaw.claims.experiments import CASES as EXPERIMENTS
from varlaw.claims.numbers import CASES as NUMBERS
from varlaw.evidence.streams import Key, canonical

CASES: dict[str, Cases] = {**LAYERS, **DRAWS, **TRAINING, **EXPERIMENTS, **ACTIVATIONS, **NUMBERS}


def cases_of(claim: Claim, dtype: str, salt: str, points: int) -> list[Case]:
    """The corners and `points` keyed points of the claim's op, or what its row makes of them."""
    known = CASES.get(claim.op)
    usual = known.enumerate(Key(salt, "cases", canonical({"op": claim.op})), points) if known else []
    own = claim.subject.cases
    return usual if own is None else [dict(case) for case in own(claim.name, usual, dtype)]
