"""Claims of others: what a library promises of its own rows beyond the claims that are asked of every one."""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.evidence.exact import compare
from varlaw.evidence.state import float64
from varlaw.subjects import sources
from varlaw.subjects.subject import Model, Sampler, Subject


@dataclass(frozen=True, kw_only=True)
class Own:
    """A claim on every row that the glob `of` names; what `holds` takes and returns is said in `claim`."""

    name: str
    of: str
    holds: Callable[[Any, Any], Any]
    statement: str


def claim(name: str, of: str, holds: Callable[[Any, Any], Any], statement: str = "") -> Own:
    """A claim of your own, listed as CLAIMS beside ROWS, on the rows that the glob `of` names.

    name: of the claim, such as "mylib.rows_sum_to_zero".
    of: a glob over rows' names.
    holds: gets a fresh instance as arrays by name (of a norm, a clip, ...: the row's `apply`) and the case, and returns
        whether the claim holds, or (observed, expected, bound): numbers or arrays that may differ by the bound.
    statement: the claim in one line; the first line of `holds`'s docstring unless given.

    >>> claim("mylib.rows_sum_to_zero", "mylib.*", lambda w, case: (w["weight"].sum(1), 0.0, 1e-5)).of
    'mylib.*'
    """
    return Own(name=name, of=of, holds=holds, statement=statement or (holds.__doc__ or name).strip().splitlines()[0])


def claims(subject: Subject) -> Iterator[Claim]:
    """The claims of others on one row: of the modules whose rows are loaded."""
    for one in sources.listed("CLAIMS"):
        if isinstance(one, Own) and fnmatch.fnmatchcase(subject.name, one.of):
            yield Claim(
                name=one.name, law=one.name, statement=one.statement, subject=subject, target=subject.name,
                op=subject.op, judge=_judge(one, subject),
            )  # fmt: skip


def _judge(one: Own, subject: Subject) -> Callable[[Trial], Finding]:
    def judge(trial: Trial) -> Finding:
        found = one.holds(_thing(subject, trial), trial.case)
        observed, expected, bound = found if isinstance(found, tuple) else (float(bool(found)), 1.0, 0.0)
        sides = np.broadcast_arrays(*(np.asarray(float64(np.asarray(x))) for x in (observed, expected, bound)))
        a, b, c = (np.ravel(side).tolist() for side in sides)
        return deterministic(compare(a, b, c), quantity="value")

    return judge


def _thing(subject: Subject, trial: Trial) -> Any:
    if isinstance(subject, Sampler | Model):
        (instance,) = subject.draws(trial.case, trial.dtype, trial.device, trial.key.seed, 1)
        return {name: float64(x) for name, x in instance.items()}
    return getattr(subject, "apply", subject)
