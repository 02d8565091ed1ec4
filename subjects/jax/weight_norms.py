"""Weights that a layer divides by their norm: weight normalisation at a length of 1, and spectral normalisation.

The weight that the layer computes with is read off its output on the identity matrix. Spectral normalisation is looked
at after one training step, from the start vectors of one key.
"""

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.rows import Divide, normaliser
from varlaw.subjects.subject import Normaliser


def weight_norms(of: Boundary, prefix: str, direction: Divide, spectral: Divide) -> tuple[Normaliser, ...]:
    """Both wrappers of a library; a vector is the weight of a layer of one output."""
    return (
        normaliser(of, f"{prefix}.WeightNorm(direction)", "normalise", lambda x, key: direction(x[None], key)[0]),
        normaliser(of, f"{prefix}.SpectralNorm(step)", "spectral", spectral),
    )
