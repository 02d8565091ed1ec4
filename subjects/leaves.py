"""Gradients as one vector and back, for what knows single tensors only."""

from collections.abc import Sequence

import numpy as np

from varlaw.subjects.subject import Floats


def flatten(leaves: Sequence[Floats]) -> Floats:
    """All entries of the leaves in their order, shape (n,)."""
    return np.concatenate([np.ravel(leaf) for leaf in leaves])


def unflatten(one: Floats, leaves: Sequence[Floats]) -> list[Floats]:
    """One vector of shape (n,) cut into the shapes of the leaves that it was joined from.

    >>> x = [np.ones((2, 2)), np.zeros(3)]
    >>> [part.shape for part in unflatten(flatten(x), x)]
    [(2, 2), (3,)]
    """
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    return [part.reshape(leaf.shape) for part, leaf in zip(np.split(one, ends), leaves, strict=True)]
