"""The tables of claims: what each kind of subject is held to."""

from varlaw.subjects.subject import Clipper, Gain, Norm, Sampler, Subject
from varlaw.verify.claim import Claim


def claims_of(subject: Subject) -> tuple[Claim, ...]:
    """Every claim on one subject, in the order in which a run decides them."""
    from varlaw.verify.claims import clipping, gains, initialisation, norms, structure

    match subject:
        case Sampler():
            return (*initialisation.claims(subject), *structure.claims(subject))
        case Norm():
            return norms.claims(subject)
        case Clipper():
            return clipping.claims(subject)
        case Gain():
            return gains.claims(subject)
