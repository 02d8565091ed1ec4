"""The cases of each op, of whatever file its domain stands in."""

from varlaw.verify.claims.cases import Cases
from varlaw.verify.claims.domains_layers import LAYERS
from varlaw.verify.claims.domains_training import TRAINING

CASES: dict[str, Cases] = {**LAYERS, **TRAINING}
