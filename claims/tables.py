"""The tables of claims: what each kind of subject is held to."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.claims import activations, experiments, gains, networks, numbers, own, shards
from varlaw.claims.claim import Claim
from varlaw.claims.clipping import adaptive, normalising, projection
from varlaw.claims.clipping import arguments as clipping_arguments
from varlaw.claims.clipping import edges as clipping_edges
from varlaw.claims.dropout import edges as dropout_edges
from varlaw.claims.dropout import frequency
from varlaw.claims.losses import equal_logits, labels
from varlaw.claims.models import roles
from varlaw.claims.norms import edges as norm_edges
from varlaw.claims.norms import empty as norm_empty
from varlaw.claims.norms import normalisation, settings
from varlaw.claims.weights import adapters, initialisation, mean_and_grid, pooled, structure
from varlaw.subjects.subject import (
    Activation,
    Adapter,
    Clipper,
    Dropout,
    Experiment,
    Gain,
    Loss,
    Model,
    Network,
    Norm,
    Normaliser,
    Numbers,
    Sampler,
    Sharded,
    Subject,
)

# Kind of subject -> the functions that give the claims on one of it.
_TABLES: Mapping[type, tuple[Callable[[Any], tuple[Claim, ...]], ...]] = {
    Sampler: (initialisation.claims, mean_and_grid.claims, pooled.claims, structure.claims),
    Norm: (normalisation.claims, norm_edges.claims, norm_empty.claims, settings.claims),
    Clipper: (projection.claims, clipping_edges.claims, clipping_arguments.claims, adaptive.claims),
    Normaliser: (normalising.claims,),
    Gain: (gains.claims,),
    Loss: (equal_logits.claims, labels.claims),
    Dropout: (frequency.claims, dropout_edges.claims),
    Adapter: (adapters.claims,),
    Model: (roles.claims,),
    Network: (networks.claims,),
    Sharded: (shards.claims,),
    Activation: (activations.claims,),
    Numbers: (numbers.claims,),
    Experiment: (experiments.claims,),
}


def claims_of(subject: Subject) -> tuple[Claim, ...]:
    """Every claim on one subject, in the order in which a run decides them."""
    return (*(claim for claims in _TABLES[type(subject)] for claim in claims(subject)), *own.claims(subject))
