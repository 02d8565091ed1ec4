"""Why weights shrink: how much of it the decay of the optimiser, or what moves them between steps, explains."""

import math
from collections import deque

import msgspec

from varlaw.diagnose.records import Finding
from varlaw.diagnose.watching.records import Step

_STEPS = 1024
_MOST = 0.5  # of the fall of the log: what explains so much of it is its cause


class Shrinking:
    """Sums, over the last steps, of rate times decay and of what moved the weights between the steps."""

    def __init__(self) -> None:
        self._decays: deque[float] = deque(maxlen=_STEPS)
        self._moves: deque[float] = deque(maxlen=_STEPS)
        self.rates = 0.0  # summed since the start

    def step(self, record: Step) -> None:
        """Counts one step."""
        self.rates += record.rate or 0.0
        self._decays.append(record.decay)
        self._moves.append((record.between or 0.0) / record.weight if record.weight else 0.0)

    def named(self, one: Finding) -> Finding:
        """A finding of weights that shrink, its cause first where that is known."""
        if one.signal != "weight.shrinks" or not one.ratio:
            return one
        fall = -math.log(one.ratio)
        decay, moved = sum(self._decays), sum(self._moves)
        if decay >= _MOST * fall:
            alone = math.exp(-decay)
            cause = f"weight decay: rate x decay sums to {decay:.2g} in these steps, which alone leaves x{alone:.2g}"
        elif moved >= _MOST * fall:
            cause = f"something else than the optimiser moves them: by {moved:.2g} of their norm over these steps"
        else:
            cause = "their gradients: an L2 term of the loss, or decay that Adam is given as a gradient"
        return msgspec.structs.replace(one, hypotheses=(cause, *one.hypotheses))
