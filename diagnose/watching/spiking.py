"""What is said of spikes: of the loss, of the norms of all gradients and of all updates."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.spikes import Again, Spikes

_NOTED = 1.25  # median factor of recurring spikes above all before, below which they are left out
_SPIKES = {"loss": "loss.spike", "gradient": "gradient.spike", "update": "update.spike"}
_AGAIN = {"loss": "loss.spikes", "gradient": "gradient.spikes"}


class Spiking:
    """Fed with what the three logs are above their centres; `alpha` and `often` are rates by step."""

    def __init__(self, alpha: float, often: float) -> None:
        self._spikes = {name: Spikes(alpha / len(_SPIKES)) for name in _SPIKES}
        self._again = {name: Again(often / len(_AGAIN)) for name in _AGAIN}

    def restart(self) -> None:
        """Forgets all values."""
        for spikes in self._spikes.values():
            spikes.restart()
        for again in self._again.values():
            again.restart()

    def step(self, step: int, residuals: NDArray[np.float64]) -> Iterator[Finding]:
        """What is said at this step, single and recurring; a signal that is NaN does not count."""
        for name, residual in zip(_SPIKES, map(float, residuals), strict=True):
            if spike := self._spikes[name].step(residual):
                largest = f"x{spike.factor:.3g} of the largest of the last {spike.steps:,} at step {step}"
                full = f"{largest}; p {spike.p:.1g} for a tail of the log no heavier than exponential"
                says = f"{full}, {spike.rank:.1g} without that"
                yield finding(_SPIKES[name], "VIOLATES", says, name, ratio=spike.factor, samples=step, alpha=spike.p)
            often = self._again[name].step(residual) if name in self._again else None
            if often and often.factor >= _NOTED:
                count = f"{often.above} of the last {often.steps} steps are above all of the 1,024 before"
                says = f"{count}, by x{often.factor:.3g} in the median, up to step {step}; p {often.p:.1g} by the count"
                outcome = "VIOLATES" if often.factor >= 2 else "NOTE"
                yield finding(_AGAIN[name], outcome, says, name, ratio=often.factor, samples=step, alpha=often.p)
