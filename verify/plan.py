"""What will be decided: every claim on every selected subject, in every case, dtype and place.

A task is plain data, so it can be decided in this process, in a worker, or again years later from its replay key.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from varlaw.claims.claim import Claim
from varlaw.claims.domains import CASES, cases_of
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import policy
from varlaw.evidence.streams import SALT, canonical, check_salt
from varlaw.subjects import availability, sources
from varlaw.subjects.availability import Absence
from varlaw.subjects.registry import faults, named, place_of, select
from varlaw.subjects.subject import Sampler, Subject
from varlaw.subjects.targets import CannotRun, NothingSelected, in_use, is_place
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import printable
from varlaw.verify import deviations

DTYPES = ("float64", "float32", "float16", "bfloat16")
_POINTS = 1  # keyed points beside the corners of a domain


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One decision to take: a claim on a subject in a case, at a dtype, on a device.

    `rows` says where the subject is, package.module:NAME, where neither its name nor an entry point does.
    """

    subject: str
    claim: str
    target: str
    case: dict[str, Any]
    dtype: str
    device: str
    rows: str = ""


@dataclass(frozen=True)
class Request:
    """The options of one run, as the user gave them."""

    targets: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()  # globs over the names of claims; none: all
    about: tuple[str, ...] = ()  # globs over the laws that claims are to be about; none: all
    policy: str = "pr"
    device: str = "cpu"
    dtypes: tuple[str, ...] = DTYPES
    salt: str = SALT
    jobs: int = 1
    cases: tuple[Mapping[str, Any], ...] = ()  # of a class or function that is a target itself,
    laws: Mapping[str, str] = field(default_factory=dict)  # and what its tensors promise
    shard: tuple[int, int] = (1, 1)  # the k-th of n parts, which hold every subject once

    def __post_init__(self) -> None:
        policy(self.policy)
        check_salt(self.salt)
        if not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            msg = f"device={self.device!r}, but should be cpu, cuda or cuda:N"
            raise ValueError(msg)
        if not 1 <= self.shard[0] <= self.shard[1]:
            msg = f"shard={self.shard[0]}/{self.shard[1]}, but should be k/n with 1 <= k <= n"
            raise ValueError(msg)


@dataclass(frozen=True)
class Plan:
    """What will be run, and what was left out of it and why."""

    request: Request
    device: str
    subjects: list[Subject]
    tasks: list[Task]
    absent: list[Absence] = field(default_factory=list)


def plan(request: Request) -> Plan:
    """The tasks that a request comes to.

    Raises `NothingSelected` when a target matches nothing, `CannotRun` when all that it matches is not there; rows that
    cannot be loaded are errors in the records, also where there are no others.
    """
    device = "cuda:0" if request.device == "cuda" else request.device
    asked = _asked(request)
    broken = [Absence(whose, fault, error=True) for whose, fault in (*faults(asked), *deviations.faults())]
    there, absent = availability.available(_about(_selected(asked), request.about, request.claims), device, asked)
    absent = [*broken, *absent]
    if not there and not broken:
        raise CannotRun("; ".join(a.reason for a in absent))
    part, parts = request.shard
    if part > max(1, len(there)):
        msg = f"shard {part}/{parts} is empty: the targets match {len(there)} subjects"
        raise NothingSelected(msg)
    there, absent = there[part - 1 :: parts], absent if part == 1 else []
    found = list(tasks(there, request.dtypes, device, request.salt, request.about, request.claims))
    if not found and not broken:
        msg = f"nothing to decide: no claim on these subjects has a case in {' '.join(request.dtypes)}"
        raise NothingSelected(msg)
    return Plan(request, device, there, found, absent)


def _asked(request: Request) -> tuple[str, ...]:
    """Targets as globs over names: of rows at a place, their names."""
    direct = [t for t in request.targets if is_place(t)]
    if (request.cases or request.laws) and not direct:
        msg = "cases and promises are those of a target such as package.module:Class, but there is none"
        raise ValueError(msg)
    found = (in_use(t, request.cases, request.laws) if t in direct else [t] for t in request.targets or ("*",))
    return tuple(name for names in found for name in names)


def subject_of(task: Task) -> list[Subject]:
    """The subject of one task; `CannotRun` when its framework or device is not there."""
    there, absent = availability.available([s for s in [named(task.subject)] if s], task.device)
    if not there:
        raise CannotRun("; ".join(a.reason for a in absent))
    return there


def tasks(
    selected: Iterable[Subject],
    dtypes: Iterable[str],
    device: str,
    salt: str,
    laws: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Iterator[Task]:
    """Every task of the selected subjects, in a fixed order; only about laws and claims that globs name, if any."""
    dtypes = tuple(dtypes)
    for subject in selected:
        of_subject = list(_tasks_of(subject, dtypes, device, salt, laws, names))
        if isinstance(subject, Sampler) and subject.shared:  # what looks at the same draws comes together
            of_subject.sort(key=lambda task: (task.claim, task.dtype, canonical(task.case)))
        yield from of_subject


def _tasks_of(
    subject: Subject, dtypes: tuple[str, ...], device: str, salt: str, laws: Sequence[str], names: Sequence[str]
) -> Iterator[Task]:
    rows, own = place_of(subject), [d for d in dtypes if d in (subject.dtypes or dtypes)]
    for claim in _on(claims_of(subject), laws, names):
        for dtype, points in _points(claim, own, salt):
            for case in [{"cases": points}] if claim.pooled and points else points:
                yield Task(
                    subject=subject.name,
                    claim=claim.name,
                    target=claim.target,
                    case=dict(sorted(case.items())),  # the order that a replay key keeps
                    dtype=dtype,
                    device=device,
                    rows=rows,
                )


def _points(claim: Claim, dtypes: Sequence[str], salt: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """The cases of a claim by dtype; a row whose numbers come in another format than is asked for is tried in that."""
    asked, others = _tried_in(claim, dtypes), [d for d in DTYPES if d not in dtypes]
    found = [(dtype, cases_of(claim, dtype, salt, _POINTS)) for dtype in asked]
    if claim.subject.cases is None or any(points for _, points in found):
        return found
    elsewhere = ((dtype, cases_of(claim, dtype, salt, _POINTS)) for dtype in others)
    return [next(((dtype, points) for dtype, points in elsewhere if points), ("", []))]


def _on(claims: Iterable[Claim], laws: Sequence[str], names: Sequence[str] = ()) -> Iterator[Claim]:
    """The claims on laws, and of names, that any of the globs names; all where there are no globs."""
    return (claim for claim in claims if _any(claim.law, laws) and _any(claim.name, names))


def _any(text: str, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatch.fnmatchcase(text, glob) for glob in globs)


def _tried_in(claim: Claim, dtypes: Sequence[str]) -> Sequence[str]:
    """The dtypes of a run in which a claim is tried: where it has some of its own and none is asked for, its first."""
    return [d for d in dtypes if d in claim.dtypes] or claim.dtypes[:1] if claim.dtypes else dtypes


# -- replay keys -------------------------------------------------------------------------------------------------------


def replay_key(task: Task, policy_name: str, salt: str) -> str:
    """The pasteable address of one decision.

    `v1:salt:policy:claim:{...}`, with subject, target, case, dtype and device in the JSON.
    """
    fields = msgspec.to_builtins(task)
    del fields["claim"]
    return f"v1:{salt}:{policy_name}:{task.claim}:{canonical(fields)}"


def parse_replay(text: str) -> tuple[Task, str, str]:
    """Task, policy name and salt of a replay key; `ValueError` in one line when it is none, or names no case."""
    try:
        version, salt, policy_name, claim_name, fields = (text.split(":", 4) + [""] * 4)[:5]
        if version != "v1":
            msg = f"its version is {version[:40]!r}, but should be v1"
            raise ValueError(msg)
        task = msgspec.convert({**msgspec.json.decode(fields, type=dict), "claim": claim_name}, Task)
        policy(policy_name)
        claim = claim_of(task)
    except (ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError) as error:
        msg = f"not a replay key (v1:salt:policy:claim:{{...}}): {error}"
        raise ValueError(msg) from error
    _check_case(claim, task, salt)
    return task, policy_name, salt


def _check_case(claim: Claim, task: Task, salt: str) -> None:
    """Refuse a case that no run would try: a key is no request for any size that somebody writes into it."""
    where = f"{task.claim} of {task.target}"
    if claim.subject.cases:
        points = cases_of(claim, task.dtype, salt, _POINTS)
        if canonical(task.case) not in map(canonical, [{"cases": points}] if claim.pooled else points):
            msg = f"{printable(task.case)}, but should be one of the {len(points)} cases of {where}"
            raise ValueError(msg)
        return
    known = CASES[claim.op]
    if not claim.pooled:
        known.check(task.case, where=where)
        return
    pool = task.case.get("cases")
    most = len(known.corners) + _POINTS
    if list(task.case) != ["cases"] or not isinstance(pool, list) or not 0 < len(pool) <= most:
        msg = f"a pooled case is {printable(task.case)}, but should be at most {most} cases in a list [{where}]"
        raise ValueError(msg)
    for case in pool:
        known.check(case if isinstance(case, dict) else {}, where=where)


def claim_of(task: Task) -> Claim:
    """The claim that a task decides; `ValueError` where its subject makes none of that name."""
    if task.rows:
        sources.use(task.rows)
    subject = named(task.subject)
    found = [c for c in claims_of(subject) if (c.name, c.target) == (task.claim, task.target)] if subject else []
    if not found:
        msg = f"no claim {task.claim!r} on {task.target!r}"
        raise ValueError(msg)
    return found[0]


# -- selection ---------------------------------------------------------------------------------------------------------


def _selected(targets: Iterable[str]) -> list[Subject]:
    patterns = [p if select([p]) or faults([p]) else _holder(p) for p in targets]
    return select(patterns)


def _about(selected: list[Subject], laws: tuple[str, ...], names: tuple[str, ...] = ()) -> list[Subject]:
    """The subjects with a claim on the laws and of the names that were asked for; a law must be in the catalogue."""
    for glob in laws:
        if not fnmatch.filter(LAWS, glob):
            msg = f"no law matches {glob!r}{_close(glob, LAWS)}"
            raise NothingSelected(msg)
    found = [s for s in selected if any(True for _ in _on(claims_of(s), laws, names))]
    if not found and selected:
        wanted = f"about {' or '.join(laws)}" if laws else f"named {' or '.join(names)}"
        msg = f"no claim on these subjects is {wanted}"
        raise NothingSelected(msg)
    return found


def _holder(target: str) -> str:
    """The subject of which `target` names a part, as reports name it: a gain of a function, a role in a model."""
    parts = target.split(".")
    for k in range(len(parts) - 1, 0, -1):
        subject = named(".".join(parts[:k]))
        if subject and any(claim.target == target for claim in claims_of(subject)):
            return subject.name
    msg = f"no subject matches {target!r}{_nearest(target)}"
    raise NothingSelected(msg)


def _nearest(pattern: str) -> str:
    return _close(pattern, [s.name for s in select(["*"])])


def _close(pattern: str, names: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(pattern, list(names), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""
