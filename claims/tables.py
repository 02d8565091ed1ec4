"""The tables of claims: what each kind of subject is held to."""

import importlib
from collections.abc import Mapping

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

# Kind of subject -> the modules that have claims on it, loaded when one is asked for.
_TABLES: Mapping[type, tuple[str, ...]] = {
    Sampler: ("initialisation", "bulk", "pooled", "structure"),
    Norm: ("norms", "norm_edges"),
    Clipper: ("clipping", "clipping_edges"),
    Normaliser: ("normalising",),
    Gain: ("gains",),
    Loss: ("losses", "losses_labels"),
    Dropout: ("dropout", "dropout_edges"),
    Adapter: ("adapters",),
    Model: ("models",),
    Network: ("networks",),
    Sharded: ("shards",),
}


def claims_of(subject: Subject) -> tuple[Claim, ...]:
    """Every claim on one subject, in the order in which a run decides them."""
    modules = (importlib.import_module(f"varlaw.claims.{name}") for name in _TABLES[type(subject)])
    return tuple(claim for module in modules for claim in module.claims(subject))
