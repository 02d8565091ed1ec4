"""A run: every claim on every selected subject, in every case, dtype and place, to a list of verdicts.

A task is plain data, so it can be decided in this process, in a worker, or again years later from its replay key; the
verdict depends on the task, the policy and the salt alone. A subject that raises costs its own verdict, not the run.
"""

import fnmatch
import itertools
import math
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import nullcontext
from typing import Any

import msgspec

from varlaw.claims.claim import INTERNAL, Claim, Finding, NotApplicable, Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Deviation, Outcome, Verdict
from varlaw.evidence.budget import Policy, policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.availability import missing
from varlaw.subjects.registry import named, select
from varlaw.subjects.subject import Subject
from varlaw.theory.law import shown
from varlaw.verify import deviations, executors, foresight
from varlaw.verify.reproduction import reproduction

DTYPES = ("float64", "float32", "float16", "bfloat16")
_POINTS = 1  # keyed points beside the corners of a domain


class WorkerLost(RuntimeError):
    """A worker died or its cluster went away: what it had not delivered is undecided."""


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision to take: a claim on a subject in a case, at a dtype, on a device."""

    subject: str
    claim: str
    target: str
    case: dict[str, Any]
    dtype: str
    device: str


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


def run(jobs: Iterable[Task], policy_name: str, salt: str, workers: int | Executor = 1) -> Iterator[Verdict]:
    """The verdicts of `jobs`, in their order, decided here, in `workers` > 1 processes, or by an executor."""
    early: dict[int, Verdict] = {}
    due = 0
    for index, verdict in arriving(jobs, policy_name, salt, workers):
        early[index] = verdict
        while due in early:
            yield early.pop(due)
            due += 1


def arriving(
    jobs: Iterable[Task], policy_name: str, salt: str, workers: int | Executor = 1
) -> Iterator[tuple[int, Verdict]]:
    """The verdicts of `jobs` with their places, each as soon as it is there: what is kept is not lost to a slow one.

    An executor that is passed in is left running; what it has not begun is cancelled when the iteration is left.
    Raises `WorkerLost` when a worker dies or cannot be reached.
    """
    work = list(jobs)
    if workers == 1:
        yield from enumerate(_in_turn(work, policy_name, salt))
        return
    with nullcontext(workers) if isinstance(workers, Executor) else executors.processes(workers) as pool:
        size = max(1, min(_CHUNK, len(work) // _CHUNKS))
        starts = {pool.submit(_decide_all, chunk, policy_name, salt): start for start, chunk in _chunks(work, size)}
        try:
            for future in as_completed(list(starts)):
                yield from enumerate(_result(future), starts.pop(future))
        finally:
            for future in starts:
                future.cancel()


_CHUNK, _CHUNKS = 32, 64  # tasks sent at once, at most; messages per run, at least (or one for each task)
_ONE_AT_A_TIME = threading.Lock()  # a framework's seed is global: the threads of one process must take turns


def _chunks(work: Sequence[Task], size: int) -> Iterator[tuple[int, Sequence[Task]]]:
    """Places and tasks, about `size` at once, cut between subjects if possible: their claims share what they build.

    One at a time stays one at a time.
    """
    start = 0
    while start < len(work):
        end = min(start + size, len(work))
        while size > 1 and end < min(start + 2 * size, len(work)) and work[end].subject == work[end - 1].subject:
            end += 1
        yield start, work[start:end]
        start = end


def _decide_all(chunk: Sequence[Task], policy_name: str, salt: str) -> list[Verdict]:
    with _ONE_AT_A_TIME:
        return list(_in_turn(chunk, policy_name, salt))


def _in_turn(work: Sequence[Task], policy_name: str, salt: str) -> Iterator[Verdict]:
    """The verdicts, one after the other; a framework lets go of a subject before the next one comes."""
    for name, of_subject in itertools.groupby(work, key=lambda task: task.subject):
        for task in of_subject:
            yield decide(task, policy_name, salt)
        if subject := named(name):
            subject.framework.release()


def _result(future: "Future[list[Verdict]]") -> list[Verdict]:
    try:
        return future.result()
    except Exception as error:  # `decide` answers for its subject; this is the worker's end
        text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
        msg = f"a worker was lost ({text[:200]})"
        raise WorkerLost(msg) from error


def decide(task: Task, policy_name: str, salt: str) -> Verdict:
    """The verdict of one task: the same bits for the same task, policy and salt."""
    claim = _claim(task)
    rule = policy(policy_name)
    params = canonical({"case": task.case, "dtype": task.dtype, "device": task.device})
    key = Key(salt, f"{task.claim}:{task.target}", params)
    trial = Trial(task.case, task.dtype, task.device, rule, key)
    finding = judged(claim, trial)
    finding, deviation = foresight.held(claim, trial, finding, judged)
    if deviation is None and finding.outcome is Outcome.VIOLATES and finding.explained:
        finding = finding.explained(finding)
    return _verdict(claim, task, rule, finding, deviation, replay_key(task, policy_name, salt))


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
        claim = _claim(task)
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


def unmatched(verdicts: Iterable[Verdict]) -> list[deviations.Row]:
    """The deviations that these verdicts should have met, and did not.

    A row counts where all that it speaks of was on trial, in a version and dtype of its own; one whose claim violates
    in another way than foreseen has been reported there already.
    """
    reached: dict[str, dict[tuple[str, str, str, str], bool]] = {}  # by claim: place -> settled
    tried = set()
    for v in verdicts:
        tried.add((v.claim, v.subject))
        if v.outcome in (Outcome.CONFORMS, Outcome.VIOLATES):
            place = (v.claim, v.subject, v.version, v.dtype)
            of_claim = reached.setdefault(v.claim, {})
            of_claim[place] = of_claim.get(place, False) or v.outcome is Outcome.VIOLATES or v.deviation is not None
    found = []
    for row in (one for rows in deviations.rows() for one in rows.each()):
        claims = [claim for claim in reached if fnmatch.fnmatchcase(claim, row.claim)]
        settled = [ok for c in claims for place, ok in reached[c].items() if row.foresees(*place)]
        by_chance = row.statistics == "drawn"  # so perhaps not here
        if settled and not any(settled) and not by_chance and _spoken_of(row) <= tried:
            found.append(row)
    return found


def _spoken_of(row: deviations.Row) -> set[tuple[str, str]]:
    """Every claim and target that a row's globs match: a run of some of them cannot tell that none is met."""
    claims = (claim for subject in select([f"{row.framework}.*"]) for claim in claims_of(subject))
    return {
        (claim.name, claim.target)
        for claim in claims
        if fnmatch.fnmatchcase(claim.name, row.claim) and fnmatch.fnmatchcase(claim.target, str(row.subject))
    }


# -- one decision ------------------------------------------------------------------------------------------------------


def _claim(task: Task) -> Claim:
    subject = named(task.subject)
    found = [c for c in claims_of(subject) if (c.name, c.target) == (task.claim, task.target)] if subject else []
    if not found:
        msg = f"no claim {task.claim!r} on {task.target!r}"
        raise ValueError(msg)
    return found[0]


def judged(claim: Claim, trial: Trial) -> Finding:
    try:
        if trial.dtype in claim.subject.unsupported:
            raise NotApplicable(claim.subject.unsupported[trial.dtype])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a framework's advice about its defaults is no evidence about them
            return claim.judge(trial)
    except NotApplicable as reason:
        return Finding(outcome=Outcome.NOT_APPLICABLE, quantity="", detail=str(reason))
    except SamplerError as error:
        return Finding(outcome=Outcome.ERROR, quantity="", detail=str(error))
    except Exception as error:  # whatever a framework raises is its own verdict, and the run goes on
        if absent := missing(error, claim.subject):
            return Finding(outcome=Outcome.NOT_APPLICABLE, quantity="", detail=absent)
        text = " ".join(str(error).split())
        return Finding(outcome=Outcome.ERROR, quantity="", detail=f"{type(error).__name__}: {text[:300]}")


def _verdict(
    claim: Claim, task: Task, rule: Policy, finding: Finding, deviation: Deviation | None, replay: str
) -> Verdict:
    found = {name: finite(value) for name, value in msgspec.structs.asdict(finding).items() if name not in INTERNAL}
    if finding.observed is not None and found["observed"] is None and not finding.detail:
        found["detail"] = f"observed {finding.observed}"
    return Verdict(
        claim=claim.name,
        law=claim.law,
        statement=claim.statement,
        subject=claim.target,
        framework=claim.subject.framework.name,
        version=claim.subject.framework.version(),
        op=claim.op,
        dtype=task.dtype,
        device=task.device,
        case=task.case,
        deviation=deviation,
        replay=replay,
        reproduction=reproduction(claim.subject, claim.target, task.case, task.dtype, task.device, finding, deviation),
        **found,
    )


def finite(value: Any) -> Any:
    """JSON has no infinity: a number that is not finite becomes null, an interval end likewise."""
    if isinstance(value, tuple):
        return tuple(finite(v) for v in value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
