"""Hypothesis strategies from the domains that the command enumerates: shapes, modes and dtypes, never seeds."""

from typing import Any

from hypothesis import strategies as st

from varlaw.theory.law import Choice, Interval, Range
from varlaw.verify.campaign import DTYPES
from varlaw.verify.claims.domains import CASES, Cases


def values(allowed: Range) -> st.SearchStrategy[Any]:
    """The values of one range; whole numbers shrink to the smallest, choices to the first."""
    match allowed:
        case Interval(whole=True):
            low, high = allowed.typical or (allowed.low, allowed.high)
            return st.integers(int(low), int(high))
        case Interval():
            return st.floats(0, 1).map(allowed.at)
        case Choice():
            return st.sampled_from(allowed.values)
    msg = f"no strategy for {allowed!r}"
    raise TypeError(msg)


def cases(op: str) -> st.SearchStrategy[dict[str, Any]]:
    """Cases of one op: mapped into the domain, nothing filtered."""
    known: Cases = CASES[op]
    raw = st.fixed_dictionaries({name: values(r) for name, r in known.domain.ranges.items()})
    return raw.map(known.build)


def dtypes() -> st.SearchStrategy[str]:
    """The names of the dtypes, float32 first."""
    return st.sampled_from(["float32", *(d for d in DTYPES if d != "float32")])
