"""What a watch says: findings, each to the run's file as well, and lines for whoever trains; and that it goes on."""

import sys
from collections.abc import Callable

from varlaw.diagnose.records import Finding
from varlaw.diagnose.watching.journal import Journal
from varlaw.diagnose.watching.records import Event


class Voice:
    """The findings of a run, its file, and the lines on stderr, each said once."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.journal = Journal(None)
        self.broken = ""  # why the watch ended by itself
        self._told: set[str] = set()

    def tell(self, text: str) -> None:
        """One line, once."""
        if text not in self._told:
            self._told.add(text)
            print(f"varlaw: {text} [watch]", file=sys.stderr)

    def say(self, step: int, one: Finding) -> None:
        """A finding of this step."""
        self.findings.append(one)
        self.journal.write(Event(step=step, finding=one))

    def once(self, step: int, one: Finding) -> None:
        """Says it unless the same word was said of the same place."""
        if not any(known.signal == one.signal and known.where[:1] == one.where[:1] for known in self.findings):
            self.say(step, one)

    def guarded(self, act: Callable[[], None], step: Callable[[], int]) -> None:
        """A fault of the monitor is said once, with the step, and ends the monitor, not the training."""
        if self.broken:
            return
        try:
            act()
        except Exception as error:  # whatever goes wrong here is ours
            self.broken = f"the watch ends at step {step()}: {type(error).__name__}: {error}"
            self.tell(self.broken)
