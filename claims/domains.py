"""The cases of each op, of whatever file its domain stands in."""

from varlaw.claims.cases import Cases
from varlaw.claims.domains_layers import LAYERS
from varlaw.claims.domains_training import TRAINING

CASES: dict[str, Cases] = {**LAYERS, **TRAINING}
