"""Claims on subjects as items of pytest: `pytest --varlaw-verify 'mylib.*'`."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from varlaw.claims.verdict import Outcome, Verdict, explained
from varlaw.commands import configuration
from varlaw.evidence.streams import SALT
from varlaw.subjects.targets import CannotRun, NothingSelected
from varlaw.verify.decision import decide
from varlaw.verify.plan import Request, Task, plan


def collected(session: pytest.Session, globs: tuple[str, ...], policy: str, salt: str) -> Iterator["Claimed"]:
    """An item for each claim and target, of all cases; what cannot be loaded is an item that fails."""
    configuration.declared()
    try:
        agreed = plan(Request(targets=globs, policy=policy, salt=salt or SALT))
    except (NothingSelected, CannotRun, ValueError) as error:
        msg = f"--varlaw-verify: {error}"
        raise pytest.UsageError(msg) from error
    tasks = sorted(agreed.tasks, key=lambda t: (t.target, t.claim))
    for (target, claim), of in groupby(tasks, key=lambda t: (t.target, t.claim)):
        yield Claimed.from_parent(session, name=f"{target}::{claim}", tasks=list(of), run=(policy, salt or SALT))
    for absence in agreed.absent:
        if absence.error:
            yield Claimed.from_parent(session, name=absence.framework, tasks=[], run=(policy, ""), fault=absence.reason)


class Claimed(pytest.Item):
    """One claim on one target in each of its cases."""

    def __init__(self, *, tasks: list[Task], run: tuple[str, str], fault: str = "", **rest: Any) -> None:
        super().__init__(**rest)
        self.tasks, self.run, self.fault = tasks, run, fault

    def runtest(self) -> None:
        """Decide every case; the worst one fails the item, with its verdict."""
        if self.fault:
            pytest.fail(self.fault, pytrace=False)
        verdicts = [decide(task, *self.run) for task in self.tasks]
        bad = [v for v in verdicts if v.state in ("VIOLATES", "error")]
        shown = bad[0] if bad else verdicts[0]
        self.user_properties += [
            ("varlaw.1.outcome", str(shown.outcome)), ("varlaw.1.alpha", str(sum(v.alpha for v in verdicts))),
        ]  # fmt: skip
        if bad:
            pytest.fail(_said(bad), pytrace=False)
        if all(v.outcome is Outcome.NOT_APPLICABLE for v in verdicts):
            pytest.skip(verdicts[0].detail)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Where the item stands, for the report."""
        return "varlaw", None, self.name


def _said(bad: list[Verdict]) -> str:
    more = f"\n{len(bad) - 1} more cases fail" if len(bad) > 1 else ""
    return f"{explained(bad[0])}{more}"
