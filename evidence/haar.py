"""Haar matrices made Gaussian: a test for orthogonal matrices that is as simple as one for normal entries.

A Gaussian n x m matrix, n >= m, is Q R with Q Haar and, independently, R upper triangular with positive diagonal:
R_jj ~ chi(n - j) and standard normals above (Bartlett 1933). Hence Q is Haar if and only if Q R has independent
standard normal entries for an R drawn so. Two views of Q R are decided. A QR without the sign correction has
Q_jj <= 0 and shows at once as a negative mean of the diagonal; a QR of numbers that are not normal leaves its family
in all entries. Of those only the upper half is taken, since the energy of the whole is that of R, whatever Q is.

What no entry shows is the determinant, as often 1 as -1: of rotations, or of n reflections, it is always the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from varlaw.evidence import scores
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import Decision, Source, decide
from varlaw.evidence.spending import HAAR_ALPHA, HAAR_BETA, threshold
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal

Floats = NDArray[np.float64]
Drawn = dict[tuple[int, int], list[Floats]]  # (seed, number of tensors) -> their QR

_SHAPE = 50_000  # scalars that show the QR of uniform numbers, 64 x 48 or 8 x 8
_COINS = 64  # determinants looked at: a constant sign is evidence of 42 nats
_SMALL = 64  # entries of a matrix that is kept for the next view: of the smallest, thousands are looked at
_BIASED = np.array([0.02, 0.1, 0.25, 0.75, 0.9, 0.98])


def gaussian(q: Any, rng: np.random.Generator) -> Floats:
    """Q R: independent standard normals when Q (n x m or m x n, gain 1, in float64) is Haar; as tall as Q or Q^T."""
    tall = np.asarray(q, dtype=np.float64)
    tall = tall if tall.shape[0] >= tall.shape[1] else tall.T
    rows, columns = tall.shape
    r = np.triu(rng.standard_normal((columns, columns)), 1)
    r[np.diag_indices(columns)] = np.sqrt(rng.chisquare(rows - np.arange(columns)))
    product: Floats = tall @ r
    return product


def upper_half(g: Floats) -> Floats:
    """The upper half of the rows."""
    return g[: -(-len(g) // 2)]


# View -> what it takes of QR, how many times more tensors it looks at (the family shows in the second), and its delta
# over the policy's: signs move the mean of the diagonal by 80 %, and of a row or column it is one number a tensor.
VIEWS: dict[str, tuple[Callable[[Floats], Floats], int, float]] = {
    "diagonal": (np.diagonal, 1, 2.0),
    "entries": (upper_half, 8, 1.0),
}
_LEAST = 0.05  # delta: a matrix gives few numbers


def policy_for_haar(policy: Policy) -> Policy:
    """The policy with a delta of at least 5 %, as a matrix gives few numbers, and with a long look at shape."""
    battery, least = max(policy.battery, _SHAPE), max(policy.min_scalars, _SHAPE)
    return replace(
        policy,
        delta=max(policy.delta, _LEAST),
        battery=battery,
        min_scalars=least,
        min_tensors=max(policy.min_tensors, _COINS),
    )


def decide_haar(source: Source, policy: Policy, key: Key, *, std: float = 1.0, dtype: str) -> tuple[str, Decision]:
    """Decide whether the matrices of `source` (gain 1, in float64) are Haar, by the views of QR in turn.

    Returns the view that does not conform, or else the entries, and the decision on it. `std` is what the entries of
    QR are held against, `dtype` the format that Q was rounded to. Raises `SamplerError` as `decide` does.
    """
    whole = policy_for_haar(policy)
    found: dict[str, Decision] = {}
    coins: dict[tuple[int, int], bool] = {}
    earlier: Drawn = {}
    for name, (view, times, coarser) in VIEWS.items():
        alpha, beta = HAAR_ALPHA[name] * policy.alpha, HAAR_BETA[name] * policy.beta
        delta = max(coarser * policy.delta, _LEAST)
        rule = replace(whole, alpha=alpha, beta=beta, delta=delta, min_tensors=times * whole.min_tensors)
        now: Drawn = {}
        found[name] = decide(Normal(std), _viewed(source, view, coins, earlier, now), rule, key, dtype=dtype)
        if found[name].outcome != "CONFORMS":
            return f"the {name} of QR", found[name]
        earlier = now
    name, decision = "the entries of QR", found["entries"]
    heads, tosses = sum(coins.values()), len(coins)
    log_e = float(scores.rates(heads, tosses, 0.5, _BIASED))
    if log_e < threshold(policy.alpha, HAAR_ALPHA["determinants"]):
        return name, decision
    detail = f"{heads} of {tosses} determinants are positive"
    return name, msgspec.structs.replace(decision, outcome="VIOLATES", log_evidence=log_e, detail=detail)


def _viewed(
    source: Source, view: Callable[[Floats], Floats], coins: dict[tuple[int, int], bool], earlier: Drawn, now: Drawn
) -> Source:
    """The view of each matrix; `coins` keeps by its address whether the determinant of a square one is positive.

    What another view was given at the same address is `earlier`, and what this one is given `now`.
    """

    def draws(seed: int, count: int) -> Iterator[Floats]:
        if (seed, count) in earlier:
            yield from map(view, earlier[seed, count])
            return
        drawn = []
        for i, q in enumerate(source(seed, count)):
            if len(coins) < _COINS and q.shape[0] == q.shape[1]:
                coins[seed, i] = bool(np.linalg.slogdet(np.asarray(q, dtype=np.float64))[0] > 0)
            g = gaussian(q, np.random.default_rng([seed, i, 1]))
            drawn += [g] if g.size <= _SMALL else []
            yield view(g)
        if len(drawn) == count:
            now[seed, count] = drawn

    return draws
