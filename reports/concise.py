"""One line a finding, as compilers print them: for logs, editors and `grep`."""

from collections.abc import Iterator

from varlaw.claims.verdict import Run
from varlaw.reports.counts import headline
from varlaw.reports.groups import Group
from varlaw.reports.texts import plain
from varlaw.reports.wording import case_text, evidence, likely, replay_command


def lines(run: Run, findings: list[Group]) -> Iterator[str]:
    """A line for each row that does not conform, then the counts of the run."""
    yield from map(line, findings)
    yield headline(run)


def line(group: Group) -> str:
    """A row in one line: the subject, the claim, the state, what was measured where, and how to see it again."""
    verdict = group.worst
    where = " ".join(filter(None, [verdict.dtype, case_text(verdict.case)]))
    cause = plain(likely(verdict) or verdict.detail)
    measured = "; ".join(filter(None, [evidence(verdict), where, cause, replay_command(verdict)]))
    return f"{plain(group.subject)}: {plain(group.claim)} {group.state}: {measured}"
