"""Whether a rise lasts: some steps after an alarm the level is asked again.

Data that change once (a curriculum) throw loss, gradients and updates up, and a model that learns brings them down
again, or rests a little higher where the data are harder; those of a run that diverges stay up. The alarm is a note
at once, and a violation when it has lasted, so that the rate of false alarms holds all the more.
"""

import math
from typing import NamedTuple

import numpy as np

from varlaw.diagnose.watching.raised import Learnt

_BACK = 0.25  # of the rise
WAIT = 128  # steps after the alarm, of which the second half is asked


class Rise(NamedTuple):
    """An alarm of one signal."""

    word: str
    rule: str
    group: str
    signal: int
    step: int


class Lasting:
    """Alarms that wait, each with the level at which it was raised."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Rise, float, list[float]]] = []

    def wait(self, rise: Rise, level: float) -> None:
        """An alarm, and the level that it rose above; of several of one word the first is followed."""
        if all(waiting.word != rise.word for waiting, _, _ in self._waiting):
            self._waiting.append((rise, level, []))

    def restart(self) -> None:
        """Drops all: what follows is another run."""
        self._waiting.clear()

    def step(self, x: np.ndarray, learnt: Learnt) -> list[Rise]:
        """The alarms whose wait is over, and whose level lasts; of a loss, so that much of what was learnt is lost."""
        for rise, _, seen in self._waiting:
            seen.append(float(x[rise.signal]))
        over = [waiting for waiting in self._waiting if len(waiting[2]) >= WAIT]
        self._waiting = [waiting for waiting in self._waiting if len(waiting[2]) < WAIT]
        return [r for r, level, seen in over if _lasts(seen, level, learnt if r.group == "loss" else None)]


def _lasts(seen: list[float], level: float, learnt: Learnt | None) -> bool:
    late = [x for x in seen[WAIT // 2 :] if math.isfinite(x)]
    if learnt is None or len(late) < 2:
        return _stays(seen, level)
    now = float(np.median(late))
    return learnt.worse(now) or (learnt.lost(now) and _stays(seen, level))


def _stays(seen: list[float], level: float) -> bool:
    """Whether the second half is above the alarm's level, and not on its way back from the first.

    On its way back is below the first half by two standard errors, and by a quarter of the rise.
    """
    early, late = (np.array([x for x in half if math.isfinite(x)]) for half in (seen[: WAIT // 2], seen[WAIT // 2 :]))
    if len(early) < 2 or len(late) < 2:
        return True  # no numbers any more: it did not come back
    error = math.sqrt(early.var() / len(early) + late.var() / len(late))
    back = early.mean() - late.mean()
    return bool(np.median(late) > level and (back <= 2 * error or back <= _BACK * (early.mean() - level)))
