"""The tables of claims: what each kind of subject is held to."""

from varlaw.subjects.subject import (
    Adapter,
    Clipper,
    Dropout,
    Gain,
    Loss,
    Model,
    Network,
    Norm,
    Sampler,
    Sharded,
    Subject,
)
from varlaw.verify.claim import Claim


def claims_of(subject: Subject) -> tuple[Claim, ...]:
    """Every claim on one subject, in the order in which a run decides them."""
    from varlaw.verify.claims import (
        adapters,
        bulk,
        clipping,
        clipping_edges,
        dropout,
        gains,
        initialisation,
        losses,
        models,
        networks,
        norms,
        pooled,
        shards,
        structure,
    )

    match subject:
        case Sampler():
            tables = (initialisation, bulk, pooled, structure)
            return tuple(claim for table in tables for claim in table.claims(subject))
        case Norm():
            return norms.claims(subject)
        case Clipper():
            edges = clipping_edges.claims(subject) if subject.op == "clip_norm" else ()
            return (*clipping.claims(subject), *edges)
        case Gain():
            return gains.claims(subject)
        case Loss():
            return losses.claims(subject)
        case Dropout():
            return dropout.claims(subject)
        case Adapter():
            return adapters.claims(subject)
        case Model():
            return models.claims(subject)
        case Network():
            return networks.claims(subject)
        case Sharded():
            return shards.claims(subject)
