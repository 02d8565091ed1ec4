"""What the command asks for, checked, and what it gets back: from targets and options to one `Run`."""

import math
import os
import platform
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib.metadata import version

from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Run, RunInfo, Verdict
from varlaw.evidence.budget import policy
from varlaw.evidence.streams import SALT, check_salt
from varlaw.subjects import availability, registry
from varlaw.subjects.availability import Absence
from varlaw.subjects.subject import Subject
from varlaw.subjects.targets import CannotRun, NothingSelected
from varlaw.verify import campaign, coverage, environment
from varlaw.verify.ledger import Header, Ledger, affordable, check_budget


@dataclass(frozen=True)
class Request:
    """The options of one run, as the user gave them."""

    targets: tuple[str, ...] = ()
    policy: str = "pr"
    device: str = "cpu"
    dtypes: tuple[str, ...] = campaign.DTYPES
    salt: str = SALT
    jobs: int = 1

    def __post_init__(self) -> None:
        policy(self.policy)
        check_salt(self.salt)
        if not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            msg = f"device={self.device!r}, but should be cpu, cuda or cuda:N"
            raise ValueError(msg)


@dataclass(frozen=True)
class Plan:
    """What will be run, and what was left out of it and why."""

    request: Request
    device: str
    subjects: list[Subject]
    tasks: list[campaign.Task]
    absent: list[Absence] = field(default_factory=list)


def plan(request: Request) -> Plan:
    """The tasks that a request comes to.

    Raises `NothingSelected` when a target matches nothing, `CannotRun` when all that it matches is not there.
    """
    device = "cuda:0" if request.device == "cuda" else request.device
    selected = _selected(request.targets)
    there, absent = availability.available(selected, device, request.targets)
    if not there:
        raise CannotRun("; ".join(a.reason for a in absent))
    return Plan(request, device, there, list(campaign.tasks(there, request.dtypes, device, request.salt)), absent)


def available(task: campaign.Task) -> list[Subject]:
    """The subject of one task; `CannotRun` when its framework or device is not there."""
    there, absent = availability.available([s for s in [registry.named(task.subject)] if s], task.device)
    if not there:
        raise CannotRun("; ".join(a.reason for a in absent))
    return there


def execute(
    agreed: Plan,
    progress: Callable[[Verdict], None] = lambda verdict: None,
    *,
    strict: bool = True,
    ledger: Ledger | None = None,
    executor: Executor | None = None,
) -> Run:
    """Decide every task of a plan; `progress` is called with each verdict as it comes.

    strict: adds a violation for every documented deviation that the decided cases should have met and did not.
    ledger: what it holds is not decided again, and each new verdict is appended as soon as it is there.
    executor: decides in the place of `request.jobs` processes; it is left running.

    The verdicts are in the order of the plan and the same wherever and in however many calls they were reached.
    Raises `CannotRun` when a worker is lost or has another version of a framework, `LedgerError` as `Ledger.add` does.
    """
    start = time.perf_counter()
    request, versions = agreed.request, _frameworks(agreed)
    known = kept(agreed, ledger)
    for verdict in known.values():
        progress(verdict)
    keys = _keys(agreed)
    left = [task for key, task in keys.items() if key not in known]
    try:
        for _, verdict in campaign.arriving(left, request.policy, request.salt, executor or request.jobs):
            if verdict.version != versions[verdict.framework]:
                msg = f"a worker has {verdict.framework} {verdict.version}, but this process has another"
                raise CannotRun(msg)
            if ledger:
                ledger.add(verdict)
            known[verdict.replay] = verdict
            progress(verdict)
    except campaign.WorkerLost as error:
        raise CannotRun(str(error)) from error
    verdicts = [known[key] for key in keys]
    if strict:
        verdicts += [coverage.unmatched(row, agreed.device) for row in campaign.unmatched(verdicts)]
    verdicts += [coverage.unavailable(absence, agreed.device) for absence in agreed.absent]
    return Run(run=_info(agreed, verdicts, time.perf_counter() - start), verdicts=verdicts)


def kept(agreed: Plan, ledger: Ledger | None) -> dict[str, Verdict]:
    """The verdicts of a plan that its ledger holds, by replay key."""
    return {key: ledger.verdicts[key] for key in _keys(agreed) if key in ledger.verdicts} if ledger else {}


def header(agreed: Plan, yearly_decisions: int | None = None) -> Header:
    """The first line of a plan's ledger; `LedgerError` when its yearly decisions are beyond the budget.

    yearly_decisions: over all salts and machines; what the budget affords when not given.
    """
    rule = policy(agreed.request.policy)
    yearly = affordable(rule) if yearly_decisions is None else yearly_decisions
    check_budget(yearly, len(agreed.tasks), rule)
    libraries = {name: version(name) for name in ("numpy", "scipy")}
    return Header(
        varlaw=version("varlaw"),
        versions=dict(sorted({**libraries, **_frameworks(agreed)}.items())),
        policy=rule.name,
        delta=rule.delta,
        beta=rule.beta,
        alpha=rule.alpha,
        yearly_decisions=yearly,
        salt=agreed.request.salt,
    )


def _keys(agreed: Plan) -> dict[str, campaign.Task]:
    request = agreed.request
    return {campaign.replay_key(task, request.policy, request.salt): task for task in agreed.tasks}


def _frameworks(agreed: Plan) -> dict[str, str]:
    frameworks = {s.framework.name: s.framework for s in agreed.subjects}
    return {name: framework.version() for name, framework in frameworks.items()}


def exit_code(run: Run) -> int:
    """0 when everything conforms or deviates as documented, 1 on a violation, 3 when something could not run."""
    states = {verdict.state for verdict in run.verdicts}
    return 1 if "VIOLATES" in states else 3 if "error" in states else 0


# -- selection ---------------------------------------------------------------------------------------------------------


def _selected(targets: Iterable[str]) -> list[Subject]:
    patterns = [p if registry.select([p]) else _holder(p) for p in (tuple(targets) or ("*",))]
    return registry.select(patterns)


def _holder(target: str) -> str:
    """The subject of which `target` names a part, as reports name it: a gain of a function, a role in a model."""
    parts = target.split(".")
    for k in range(len(parts) - 1, 0, -1):
        subject = registry.named(".".join(parts[:k]))
        if subject and any(claim.target == target for claim in claims_of(subject)):
            return subject.name
    msg = f"no subject matches {target!r}{_nearest(target)}"
    raise NothingSelected(msg)


def _nearest(pattern: str) -> str:
    import difflib

    close = difflib.get_close_matches(pattern, [s.name for s in registry.select(["*"])], n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _info(agreed: Plan, verdicts: list[Verdict], wall_time: float) -> RunInfo:
    rule, frameworks = policy(agreed.request.policy), {s.framework.name: s.framework for s in agreed.subjects}
    risks = [v.alpha for v in verdicts if v.alpha > 0]
    return RunInfo(
        varlaw=version("varlaw"),
        versions=environment.versions(frameworks.values()),
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=environment.cpu(),
        threads=os.cpu_count() or 1,
        blas=environment.blas(),
        hardware=environment.hardware(frameworks.values(), agreed.device),
        commit=environment.commit(),
        devices=[agreed.device],
        dtypes=list(agreed.request.dtypes),
        policy=rule.name,
        delta=rule.delta,
        pooled=rule.pooled,
        alpha=rule.alpha,
        beta=rule.beta,
        decisions=len(risks),
        alpha_budget=math.fsum(risks),
        salt=agreed.request.salt,
        targets=list(agreed.request.targets),
        wall_time=wall_time,
    )
