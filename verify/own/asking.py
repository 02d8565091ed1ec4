"""How a function of somebody's is asked: which library it takes, what it promises, and each claim in each case."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Deviation, Verdict
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.builders.modes import is_module
from varlaw.subjects.libraries import LIBRARIES, NARROWED, Library, installed
from varlaw.subjects.registry import named
from varlaw.subjects.subject import Clipper, Dropout, Loss, Norm, Subject
from varlaw.subjects.yours import Yours
from varlaw.theory.domain import printable
from varlaw.verify import decision, foresight
from varlaw.verify.check import address, policy_for, verdict_of

Case = dict[str, Any]
Cases = Callable[[Claim, list[Case]], list[Case]]
Usual = Callable[[str, list[Case], str], list[Case]]  # (claim, usual cases, dtype)
S = TypeVar("S", Norm, Clipper, Dropout, Loss)
_OWN: Mapping[type, tuple[str, ...]] = {Loss: ("apply",)}  # what a row has of the user's function, where not all

DEFAULT = policy_for(0.01, 1e-12, 1e-6, None)


@dataclass(frozen=True)
class Extreme:
    """Something that a user may promise or leave out: a claim, or the cases of any claim; `usual` unless said."""

    usual: bool
    speaks: Callable[[str, Mapping[str, Any], str], bool]  # (claim, case, dtype)


def of_claims(*names: str, usual: bool = True) -> Extreme:
    """All cases of these claims."""
    return Extreme(usual, lambda claim, case, dtype: claim in names)


Extremes = Mapping[str, Extreme]


def left_out(extremes: Extremes, promises: Any, unpromised: Any, *, all_usual: bool, where: str) -> tuple[str, ...]:
    """The names of what is not promised; `ValueError` for a name that there is not."""
    more, less = _names(promises, "promises", extremes, where), _names(unpromised, "unpromised", extremes, where)
    wanted = {n for n, e in extremes.items() if e.usual or all_usual} | more
    return tuple(n for n in extremes if n not in wanted - less)


def _names(given: Any, argument: str, extremes: Extremes, where: str) -> set[str]:
    if given == "all":
        return set(extremes)
    found = [given] if isinstance(given, str) else list(given or ()) if isinstance(given or (), Iterable) else [given]
    if not all(isinstance(one, str) and one in extremes for one in found):
        known = ", ".join(extremes)
        msg = f"{argument}={printable(given)}, but should be 'all' or some of {known} [{where}]"
        raise ValueError(msg)
    return set(found)


def one_of(value: Any, known: Iterable[str], argument: str, where: str) -> None:
    """`ValueError` in one line unless `value` is one of `known`."""
    if not isinstance(value, str) or value not in known:
        msg = f"{argument}={printable(value)}, but should be one of {', '.join(known)} [{where}]"
        raise ValueError(msg)


def text(value: Any, argument: str, where: str) -> None:
    """`ValueError` in one line unless `value` is text, such as the name of an argument; "" for none."""
    if not isinstance(value, str):
        msg = f"{argument}={printable(value)}, but should be text [{where}]"
        raise ValueError(msg)


def a_function(value: Any, argument: str, of: str, where: str) -> None:
    """`TypeError` in one line unless `value` is None or can be called with what `of` says."""
    if value is not None and not callable(value):
        msg = f"{argument}={printable(value)}, but should be a function of {of} [{where}]"
        raise TypeError(msg)


def yours(
    function: Any, name: Any, library: Any, dtype: Any, salt: str, where: str, attempt: Callable[[Yours], Any]
) -> Yours:
    """The function with the first library whose arrays it takes: `attempt` calls it once.

    Raises `TypeError` and `ValueError` for what is no function, library or format, `SamplerError` in one line where the
    function raises or returns something else than agreed.
    """
    if not callable(function) and not is_module(function):
        msg = f"f={printable(function)}, but should be a function [{where}]"
        raise TypeError(msg)
    one_of(dtype, FORMATS, "dtype", where)
    if library is not None:
        one_of(library, LIBRARIES, "library", where)
    thing = function[0] if isinstance(function, tuple) else function  # a module beside its state
    own = getattr(thing, "__qualname__", type(thing).__name__)
    shown = address(function, salt, own if name is None else name)
    failed = []
    for one in installed() if library is None else (LIBRARIES[library],):
        mine = Yours(function, shown, one)
        if not (failure := _failure(mine, one, attempt)):
            return mine
        failed.append(failure)
    raise SamplerError(next((said for said in failed if NARROWED in said), "; ".join(dict.fromkeys(failed))))


def _failure(mine: Yours, one: Library, attempt: Callable[[Yours], Any]) -> str:
    """What went wrong in one line, "" where nothing did."""
    try:
        attempt(mine)
    except (Exception, SystemExit) as error:  # whatever a user's function raises is said in its name
        said = " ".join(str(error).split())[:200]
        if said.startswith(f"{mine.name} returns"):
            return said
        return f"{mine.name} raises {type(error).__name__} on arrays of {one.name}{f': {said}' if said else ''}"
    return ""


def as_row(mine: S, as_: str | None, where: str) -> S:
    """The row `as_` of a framework, with its promises and deviations, about the user's function."""
    if as_ is None:
        return mine
    row = named(str(as_))
    if not isinstance(row, type(mine)):
        kind = type(mine).__name__.lower()
        msg = f"as_={printable(as_)}, but should be the name of a {kind} in `varlaw verify` [{where}]"
        raise ValueError(msg)
    own = _OWN.get(type(mine), ("apply", "evaluated", "adjusted", "adjusts"))
    return replace(row, **{name: getattr(mine, name) for name in own if hasattr(mine, name)})


def asked(
    subject: Subject,
    name: str,
    extremes: Extremes,
    out: tuple[str, ...],
    dtype: str,
    salt: str,
    policy: Policy,
    cases: Cases,
) -> Iterator[Verdict]:
    """The verdict of each claim in each case that is promised."""
    for claim in claims_of(subject):
        points = CASES[claim.op].enumerate(Key(salt, "cases", canonical({"op": claim.op})), 1)
        for case in cases(claim, points):
            if not any(extremes[n].speaks(claim.name, case, dtype) for n in out):
                yield _verdict(claim, name, case, dtype, salt, policy)


def _verdict(claim: Claim, name: str, case: Case, dtype: str, salt: str, policy: Policy) -> Verdict:
    key = Key(salt, f"{claim.name}:{name}", canonical({"case": case, "dtype": dtype}))
    trial = Trial(case, dtype, "cpu", policy, key)
    finding, deviation = decision.judged(claim, trial), None
    if claim.target != name:  # asked as a row of a framework
        finding, deviation = foresight.held(claim, trial, finding, decision.judged)
    return told(claim, name, trial, finding, deviation)


def told(claim: Claim, name: str, trial: Trial, finding: Finding, deviation: Deviation | None = None) -> Verdict:
    """The verdict of one finding."""
    verdict = verdict_of(
        finding, subject=name, law=claim.law, statement=claim.statement, dtype=trial.dtype, case=trial.case,
        key=trial.key,
    )  # fmt: skip
    numbers = {n: decision.finite(getattr(verdict, n)) for n in ("expected", "observed", "ratio")}
    detail = verdict.detail
    if finding.observed is not None and numbers["observed"] is None and not detail:
        detail = f"observed {finding.observed}"
    return msgspec.structs.replace(
        verdict, claim=claim.name, op=claim.op, deviation=deviation, detail=detail, **numbers
    )


def nameless(name: str, f: Any) -> Yours:
    """The function before its library is known."""
    return Yours(f, name, LIBRARIES["numpy"])


def without(extremes: Extremes, out: tuple[str, ...], cases: Usual) -> Any:
    """The cases without what is not promised."""

    def asked(claim: str, usual: Sequence[Case], dtype: str) -> list[Case]:
        there = cases(claim, [dict(case) for case in usual], dtype)
        return [c for c in there if not any(extremes[n].speaks(claim, c, dtype) for n in out)]

    return asked


def or_else(ask: Callable[[str], Any], dtype: str, otherwise: Any) -> Any:
    """What a function says, or something else where it raises: that is said where it is on trial."""
    try:
        return ask(dtype)
    except (Exception, SystemExit):
        return otherwise
