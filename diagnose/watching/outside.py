"""Weights that something else than the optimiser moved between two steps, and a loss that is worse from there on.

That they moved is a fact. That the loss is worse is a count: of the next losses so many are above all of those before,
which exchangeable ones are with the probability that is said.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.spikes import precedence

_PART = 0.1  # of the norm of the weights: less is what averages, limits and noise do
_BEFORE, _AFTER, _WORSE = 32, 8, 6  # losses before, losses after, and how many of these are above all of those


class Outside:
    """Fed with every step and the names of the tensors that had moved before it."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=_BEFORE)
        self._weight = 0.0
        self._since: tuple[int, float, float, Sequence[str]] | None = None  # step, share, highest before, tensors
        self._after: list[bool] = []

    def step(self, record: Step, moved: Sequence[str]) -> Iterator[Finding]:
        """What the losses since the last such move say."""
        share = (record.between or 0.0) / self._weight if self._weight else 0.0
        if share >= _PART and self._since is None and len(self._losses) == _BEFORE:
            self._since = record.step, share, max(self._losses), moved or ["all weights"]
        if record.loss is not None:
            if self._since:
                self._after.append(record.loss > self._since[2])
            self._losses.append(record.loss)
        self._weight = record.weight or self._weight
        if self._since and (len(self._after) == _AFTER or sum(self._after) == _WORSE):
            yield self._said(*self._since)
            self._since, self._after = None, []

    def _said(self, step: int, share: float, _: float, moved: Sequence[str]) -> Finding:
        by = f"{100 * share:.0f} % of their norm before step {step}"
        says = f"something else than the optimiser moved the weights by {by}"
        if sum(self._after) < _WORSE:
            return finding("weight.outside", "NOTE", says, *moved, observed=share, samples=step)
        p = precedence(_WORSE, _AFTER, _BEFORE)
        worse = f"{_WORSE} of the next {len(self._after)} losses are above all {_BEFORE} before; p {p:.1g} by the count"
        return finding("weight.outside", "VIOLATES", f"{says}; {worse}", *moved, observed=share, samples=step, alpha=p)
