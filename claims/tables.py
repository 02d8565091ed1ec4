"""The tables of claims: what each kind of subject is held to."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.claims import (
    adapters,
    bulk,
    clipping,
    clipping_edges,
    dropout,
    dropout_edges,
    gains,
    initialisation,
    losses,
    losses_labels,
    models,
    networks,
    norm_edges,
    normalising,
    norms,
    pooled,
    shards,
    structure,
)
from varlaw.claims.claim import Claim
from varlaw.subjects.subject import (
    Adapter,
    Clipper,
    Dropout,
    Gain,
    Loss,
    Model,
    Network,
    Norm,
    Normaliser,
    Sampler,
    Sharded,
    Subject,
)

# Kind of subject -> the functions that give the claims on one of it.
_TABLES: Mapping[type, tuple[Callable[[Any], tuple[Claim, ...]], ...]] = {
    Sampler: (initialisation.claims, bulk.claims, pooled.claims, structure.claims),
    Norm: (norms.claims, norm_edges.claims),
    Clipper: (clipping.claims, clipping_edges.claims),
    Normaliser: (normalising.claims,),
    Gain: (gains.claims,),
    Loss: (losses.claims, losses_labels.claims),
    Dropout: (dropout.claims, dropout_edges.claims),
    Adapter: (adapters.claims,),
    Model: (models.claims,),
    Network: (networks.claims,),
    Sharded: (shards.claims,),
}


def claims_of(subject: Subject) -> tuple[Claim, ...]:
    """Every claim on one subject, in the order in which a run decides them."""
    return tuple(claim for claims in _TABLES[type(subject)] for claim in claims(subject))
