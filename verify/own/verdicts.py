"""The verdicts on one function, which print themselves: its claims in lines, what is wrong in words."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ParamSpec

import msgspec

from varlaw.claims.verdict import Outcome, Verdict, explained

P = ParamSpec("P")

_WELL = (Outcome.CONFORMS, Outcome.NOT_APPLICABLE)
_SHOWN = 3  # verdicts that an assertion prints in full


@dataclass(frozen=True)
class Verdicts:
    """Every claim on one function in every case."""

    subject: str
    kind: str
    verdicts: tuple[Verdict, ...]
    cause: str = ""  # what is wrong with the function, in words; "" where nothing is, or nothing fits
    unpromised: tuple[str, ...] = ()  # what was not asked for

    @property
    def ok(self) -> bool:
        """Whether every claim conforms, is not applicable, or deviates as documented."""
        return not self.faults

    @property
    def faults(self) -> tuple[Verdict, ...]:
        """The verdicts that fail: violations without a documented deviation, errors, what stayed undecided."""
        return tuple(v for v in self.verdicts if v.outcome not in _WELL and v.deviation is None)

    def because(self, cause: str) -> "Verdicts":
        """The same with what is wrong in words, which each violation then names as its likely cause."""
        said = [msgspec.structs.replace(v, likely=cause) if cause and v in self.faults else v for v in self.verdicts]
        return replace(self, verdicts=tuple(said), cause=cause)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __getitem__(self, index: int) -> Verdict:
        return self.verdicts[index]

    def __str__(self) -> str:
        """The finding in one line, then a line for each claim."""
        return "\n".join([self._headline(), *self._claims(), *self._left_out()])

    @property
    def explained(self) -> str:
        """The finding, then the first failing verdicts with their numbers and addresses, one of each claim."""
        first = {v.claim: v for v in reversed(self.faults)}
        ordered = list(reversed(first.values()))[:_SHOWN]
        return "\n\n".join([self._headline(), *map(explained, ordered)])

    def _headline(self) -> str:
        claims, failed = {v.claim for v in self.verdicts}, {v.claim for v in self.faults}
        one = len(claims) == 1
        total = f"{len(claims)} claim{'s' * (not one)}"
        found = f"{len(failed)} of {total} fail" if failed else f"{total} hold{'s' * one}"
        why = self.cause or next((v.detail or f"{v.claim}: {v.statement}" for v in self.faults), "")
        return f"{self.subject} ({self.kind}): {found}{': ' if why else ''}{why}"

    def _claims(self) -> Iterator[str]:
        for claim, subject in dict.fromkeys((v.claim, v.subject) for v in self.verdicts):
            of = [v for v in self.verdicts if (v.claim, v.subject) == (claim, subject)]
            bad = [v for v in of if v in self.faults]
            state = bad[0].state if bad else of[0].state if len({v.state for v in of}) == 1 else "conforms"
            count = f"{len(bad)} of {len(of)} cases" if bad else f"{len(of)} cases" if len(of) > 1 else "1 case"
            seen = f"; {_seen(bad[0])}" if bad else ""
            of_part = f"{subject.removeprefix(f'{self.subject}.')}, " if subject != self.subject else ""
            yield f"  {state:14} {of_part}{claim}: {of[0].statement} ({count}{seen})"

    def _left_out(self) -> Iterator[str]:
        if self.unpromised:
            yield f"  not promised, not asked: {', '.join(self.unpromised)}"


def _seen(verdict: Verdict) -> str:
    if verdict.ratio is not None:
        return f"{verdict.quantity} x{verdict.ratio:.4g}"
    return verdict.detail[:200] or f"{verdict.quantity} {verdict.observed}"


def asserting(check: Callable[P, Verdicts]) -> Callable[P, Verdicts]:
    """The twin of a check that raises an `AssertionError`, with what is wrong, unless all is well."""

    @functools.wraps(check)
    def asserted(*args: P.args, **options: P.kwargs) -> Verdicts:
        found = check(*args, **options)
        if not found.ok:
            raise AssertionError(found.explained)
        return found

    asserted.__name__ = asserted.__qualname__ = check.__name__.replace("check", "assert")
    arguments = (inspect.getdoc(check) or "").partition("\n\n")[2].partition("\n\n>>>")[0]
    asserted.__doc__ = (
        f"`{check.__name__}`, and an `AssertionError` with what is wrong unless all is well.\n\n{arguments}"
    )
    return asserted
