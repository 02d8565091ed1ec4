"""How a model is used while it is trained: its mode, its batches. Facts, each with the step since when.

What was chosen at the start may be meant (one batch for all steps, layers in eval()); what changes in the middle of a
run and stays so is the mistake.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from statistics import median

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding

_STEPS = 8  # in eval(), after steps in train()
_OTHERS = 64  # steps with another batch each, before as many with one and the same are said
_SAMPLES = 6  # of the inputs that show their usual size
_STEADY = 1.5  # the largest of them over the smallest
_FAR = 3.0  # times their median


class Mode:
    """Fed with the mode of the last pass with gradients."""

    def __init__(self) -> None:
        self._learnt = False  # whether any step was made in train()
        self._since = 0

    def step(self, step: int, training: bool, changed: Callable[[], Sequence[str]]) -> Iterator[Finding]:
        """What is said at a step; `changed` names the modules that do something else in eval()."""
        if training:
            self._learnt, self._since = True, 0
            return
        self._since = self._since or step
        if self._learnt and step == self._since + _STEPS - 1 and (names := changed()):
            says = f"is trained in eval() since step {self._since}, and in train() before: dropout is off there, and"
            says += " norms take their running statistics"
            yield finding("mode.eval", "VIOLATES", says, *names, samples=step)


class Repeats:
    """Fed with a mark of each step's batch: its shape and some of its numbers."""

    def __init__(self) -> None:
        self._last: tuple[Hashable, Hashable] | None = None
        self._others = self._same = 0

    def step(self, step: int, shape: Hashable, mark: Hashable) -> Iterator[Finding]:
        """What is said when so many steps took the batch of the one before, as none had before them."""
        last, self._last = self._last, (shape, mark)
        if last is None:
            return
        if last == (shape, mark):
            self._same += 1
        elif self._same or last[0] != shape:
            self._others = self._same = 0
        else:
            self._others += 1
        if self._same == _OTHERS and self._others >= _OTHERS:
            first = step - self._same
            says = f"the batch of step {step} is that of step {first} and of all between, while each step before it"
            yield finding("batch.repeats", "VIOLATES", f"{says} had one of its own", "batch", samples=step)


class Sizes:
    """Fed with the rms of each input of the sampled passes."""

    def __init__(self) -> None:
        self._usual: list[Sequence[float]] = []
        self._odd: tuple[int, int, bool] | None = None  # step, input, whether larger

    def step(self, step: int, sizes: Sequence[float]) -> Iterator[Finding]:
        """What two samples in a row show, of inputs whose size was steady before."""
        if self._usual and len(self._usual[0]) != len(sizes):
            self._usual.clear()
        before, self._odd = self._odd, None
        for i, size in enumerate(sizes) if len(self._usual) >= _SAMPLES else ():
            past = [one[i] for one in self._usual]
            if min(past) <= 0 or max(past) > _STEADY * min(past) or 1 / _FAR <= size / median(past) <= _FAR:
                continue
            self._odd = (before[0] if before else step, i, size > median(past))
            if before and before[1:] == self._odd[1:]:
                steady = f"{len(past)} samples before, which differ by x{max(past) / min(past):.3g} at most"
                ratio = size / median(past)
                says = f"since step {before[0]} or soon before it, its inputs are x{ratio:.3g} of those in"
                yield finding("batch.size", "VIOLATES", f"{says} {steady}", "batch", ratio=ratio, samples=step)
            return
        self._usual.append(sizes)
