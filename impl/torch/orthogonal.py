"""Haar orthogonal matrices: the Q of a Gaussian matrix, with the signs that make it uniform.

Householder QR alone fixes the sign of each column by a rule of its own, so its Q is not uniform; multiplying each
column by the sign of R's diagonal makes the factorisation unique and Q Haar distributed (Mezzadri 2007,
arXiv:math-ph/0609050).
"""

import torch

from varlaw.impl.torch.streams import Seed, fill, working


def haar(rows: int, cols: int, like: torch.Tensor, *, seed: Seed, where: str) -> torch.Tensor:
    """A rows x cols matrix with orthonormal columns (rows, if it is wide), uniform among all such."""
    tall, narrow = max(rows, cols), min(rows, cols)
    gaussian = torch.empty((tall, narrow), dtype=working(like.dtype), device=like.device)
    fill(gaussian, lambda target, generator: target.normal_(generator=generator), seed=seed, where=where)
    q, r = torch.linalg.qr(gaussian)
    q *= 1 - 2 * torch.signbit(r.diagonal()).to(q.dtype)
    matrix: torch.Tensor = q if rows >= cols else q.T
    return matrix
