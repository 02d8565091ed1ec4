"""What will be decided: every claim on every selected subject, in every case, dtype and place.

A task is plain data, so it can be decided in this process, in a worker, or again years later from its replay key.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from varlaw.claims.claim import Claim
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import policy
from varlaw.evidence.streams import SALT, Key, canonical, check_salt
from varlaw.subjects import availability
from varlaw.subjects.availability import Absence
from varlaw.subjects.registry import named, select
from varlaw.subjects.subject import Subject
from varlaw.subjects.targets import CannotRun, NothingSelected
from varlaw.theory.law import shown

DTYPES = ("float64", "float32", "float16", "bfloat16")
_POINTS = 1  # keyed points beside the corners of a domain


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision to take: a claim on a subject in a case, at a dtype, on a device."""

    subject: str
    claim: str
    target: str
    case: dict[str, Any]
    dtype: str
    device: str


@dataclass(frozen=True)
class Request:
    """The options of one run, as the user gave them."""

    targets: tuple[str, ...] = ()
    policy: str = "pr"
    device: str = "cpu"
    dtypes: tuple[str, ...] = DTYPES
    salt: str = SALT
    jobs: int = 1

    def __post_init__(self) -> None:
        policy(self.policy)
        check_salt(self.salt)
        if not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            msg = f"device={self.device!r}, but should be cpu, cuda or cuda:N"
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

    Raises `NothingSelected` when a target matches nothing, `CannotRun` when all that it matches is not there.
    """
    device = "cuda:0" if request.device == "cuda" else request.device
    selected = _selected(request.targets)
    there, absent = availability.available(selected, device, request.targets)
    if not there:
        raise CannotRun("; ".join(a.reason for a in absent))
    return Plan(request, device, there, list(tasks(there, request.dtypes, device, request.salt)), absent)


def subject_of(task: Task) -> list[Subject]:
    """The subject of one task; `CannotRun` when its framework or device is not there."""
    there, absent = availability.available([s for s in [named(task.subject)] if s], task.device)
    if not there:
        raise CannotRun("; ".join(a.reason for a in absent))
    return there


def tasks(selected: Iterable[Subject], dtypes: Iterable[str], device: str, salt: str) -> Iterator[Task]:
    """Every task of the selected subjects, in a fixed order."""
    dtypes = tuple(dtypes)
    for subject in selected:
        for claim in claims_of(subject):
            points = CASES[claim.op].enumerate(Key(salt, "cases", canonical({"op": claim.op})), _POINTS)
            points = [{"cases": points}] if claim.pooled else points
            for dtype in dtypes if claim.op != "gain" else ("float64",):
                for case in points:
                    yield Task(
                        subject=subject.name,
                        claim=claim.name,
                        target=claim.target,
                        case=dict(sorted(case.items())),  # the order that a replay key keeps
                        dtype=dtype,
                        device=device,
                    )


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
    _check_case(claim, task)
    return task, policy_name, salt


def _check_case(claim: Claim, task: Task) -> None:
    """Refuse a case that no run would try: a key is no request for any size that somebody writes into it."""
    where, known = f"{task.claim} of {task.target}", CASES[claim.op]
    if not claim.pooled:
        known.check(task.case, where=where)
        return
    pool = task.case.get("cases")
    most = len(known.corners) + _POINTS
    if list(task.case) != ["cases"] or not isinstance(pool, list) or not 0 < len(pool) <= most:
        msg = f"a pooled case is {shown(task.case)}, but should be at most {most} cases in a list [{where}]"
        raise ValueError(msg)
    for case in pool:
        known.check(case if isinstance(case, dict) else {}, where=where)


def claim_of(task: Task) -> Claim:
    """The claim that a task decides; `ValueError` where its subject makes none of that name."""
    subject = named(task.subject)
    found = [c for c in claims_of(subject) if (c.name, c.target) == (task.claim, task.target)] if subject else []
    if not found:
        msg = f"no claim {task.claim!r} on {task.target!r}"
        raise ValueError(msg)
    return found[0]


# -- selection ---------------------------------------------------------------------------------------------------------


def _selected(targets: Iterable[str]) -> list[Subject]:
    patterns = [p if select([p]) else _holder(p) for p in (tuple(targets) or ("*",))]
    return select(patterns)


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
    import difflib

    close = difflib.get_close_matches(pattern, [s.name for s in select(["*"])], n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""
