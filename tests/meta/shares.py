"""Where the time of a run goes, by share: python tests/meta/shares.py 'torch.*' 'varlaw.*' --every 10

Every tenth subject is decided, in this process, and each 10 ms of processor time asks which of our modules is at work:
the innermost one, so that a framework's own time counts for the row that calls it. Run it with OMP_NUM_THREADS=1, as
the command does.
"""

import argparse
import collections
import signal
import time
import zlib
from collections.abc import Iterator
from typing import Any

from varlaw.verify import decision, plan

Shares = collections.Counter[str]
# What a module's time counts for, by the beginning of its path; the first that fits.
_KINDS = (
    ("subjects/", "drawing, and running the subject"),
    ("impl/", "drawing, and running the subject"),
    ("evidence/state", "sums of what was drawn"),
    (
        ("evidence/scale", "evidence/betting", "evidence/bounded", "evidence/sequential", "evidence/mean"),
        "scale and mean",
    ),
    ("evidence/exact", "exact comparisons"),
    ("evidence/streams", "keys and streams"),
    ("evidence/", "the battery and other laws"),
    ("claims/", "judges"),
    ("verify/deviations", "deviations"),
    ("", "everything else"),
)


def kind(path: str) -> str:
    """What the time of one of our modules counts for."""
    return next(name for beginning, name in _KINDS if path.startswith(beginning))


def shares(targets: tuple[str, ...], every: int) -> tuple[Shares, Shares, float]:
    """Seconds by kind and by claim, of every `every`-th subject, and all together."""
    agreed = plan.plan(plan.Request(targets=targets))
    names = sorted({task.subject for task in agreed.tasks}, key=lambda name: zlib.crc32(name.encode()))[::every]
    kinds, claims, start = Shares(), Shares(), time.process_time()

    def ask(_: int, frame: Any) -> None:
        kinds[next((kind(path) for path in _ours(frame)), "everything else")] += 1

    signal.signal(signal.SIGPROF, ask)
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    for task in agreed.tasks:
        if task.subject in names:
            before = time.process_time()
            decision.decide(task, "pr", agreed.request.salt)
            claims[task.claim] += time.process_time() - before
    signal.setitimer(signal.ITIMER_PROF, 0)
    return kinds, claims, time.process_time() - start


def _ours(frame: Any) -> Iterator[str]:
    while frame is not None:
        _, found, path = frame.f_code.co_filename.partition("/varlaw/")
        if found:
            yield path
        frame = frame.f_back


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+")
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    kinds, claims, seconds = shares(tuple(given.targets), given.every)
    print(f"{seconds:.1f} s of processor time")
    for found in (kinds, claims):
        print()
        for name, part in found.most_common(10):
            print(f"{part / sum(found.values()):6.1%}  {name}")


if __name__ == "__main__":
    main()
