"""The limit of a bounded law, held against the maximum: an error of delta shows after some 1/delta draws.

A value beyond the support refutes the law outright. A limit that is too small is refuted by the e-process
1{max <= c} / G(c)^n with G(c) = P(|x| <= c), averaged over a grid of c. Low precision is part of the law, not of a
tolerance: a number x of the law is seen rounded to the format's grid, so the largest lawful value is the rounded limit,
and an exceedance of c means that x lay beyond the end of c's rounding cell.

The maximum tells of the *support* alone: the std on it is for `betting` to settle, the density for the battery.
"""

import math

from varlaw.evidence.formats import Format
from varlaw.evidence.state import State
from varlaw.theory.variates import TruncatedNormal, Uniform

Bounded = Uniform | TruncatedNormal


def limit(law: Bounded, fmt: Format) -> float:
    """Largest lawful |x| once rounded to `fmt`; wide formats get the two roundings of computing the limit itself."""
    return _seen(law.bound, fmt)


def violation(law: Bounded, state: State, delta: float, fmt: Format) -> float:
    """Log e-value against the law: inf beyond the support, else that of a support too small by 1 + delta 2^j."""
    if state.peak > limit(law, fmt):
        return math.inf
    cuts, d = [], delta
    while d < 1000:
        cuts.append(law.bound / (1 + d))
        d *= 2
    logs = [_log_no_exceedance(law, cut, state, fmt) for cut in cuts]
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + math.log(sum(math.exp(x - largest) for x in logs) / len(cuts))


def _seen(cut: float, fmt: Format) -> float:
    """Largest grid value that draws up to `cut` may show; wide formats get two roundings for computing the limit."""
    rounded = fmt.round(cut)
    return rounded + 2 * fmt.spacing(rounded) if fmt.digits >= 24 else rounded


def _log_no_exceedance(law: Bounded, cut: float, state: State, fmt: Format) -> float:
    seen = _seen(cut, fmt)
    return -math.inf if state.peak > seen else -state.n * math.log(_below(law, fmt.cell_end(seen)))


def _below(law: Bounded, c: float) -> float:
    return float(law.abs_cdf(c))
