"""Decisions taken here, in other processes, or by any executor: the verdicts do not show where.

What is decided is kept as soon as it is there, so that a slow or a lost worker costs nothing that was done.
"""

import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import nullcontext

from varlaw.claims.verdict import Verdict
from varlaw.subjects.kept import Kept
from varlaw.subjects.registry import named
from varlaw.verify import executors
from varlaw.verify.decision import decide
from varlaw.verify.plan import Task

_CHUNK, _CHUNKS = 32, 64  # tasks sent at once, at most; messages per run, at least (or one for each task)
_ONE_AT_A_TIME = threading.Lock()  # a framework's seed is global: the threads of one process must take turns


class WorkerLost(RuntimeError):
    """A worker died or its cluster went away: what it had not delivered is undecided."""


def in_order(jobs: Iterable[Task], policy_name: str, salt: str, workers: int | Executor = 1) -> Iterator[Verdict]:
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
    """The verdicts, one after the other, on draws that a subject's claims share; a framework then lets go of it."""
    for name, of_subject in itertools.groupby(work, key=lambda task: task.subject):
        store = Kept()
        for task in of_subject:
            with store.shared():
                verdict = decide(task, policy_name, salt)
            yield verdict
        if subject := named(name):
            subject.framework.release()


def _result(future: "Future[list[Verdict]]") -> list[Verdict]:
    try:
        return future.result()
    except Exception as error:  # `decide` answers for its subject; this is the worker's end
        text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
        msg = f"a worker was lost ({text[:200]})"
        raise WorkerLost(msg) from error
