"""From a plan to one `Run`: what is kept, what is left to decide, and what the run says of itself."""

import math
import platform
import time
from collections.abc import Callable
from concurrent.futures import Executor
from importlib.metadata import version

from varlaw.claims.verdict import Run, RunInfo, Verdict
from varlaw.evidence.budget import policy
from varlaw.subjects.targets import CannotRun
from varlaw.verify import coverage, environment, workers
from varlaw.verify.ledger import Header, Ledger, affordable, check_budget
from varlaw.verify.plan import Plan, Task, replay_key


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
        for _, verdict in workers.arriving(left, request.policy, request.salt, executor or request.jobs):
            if verdict.version != versions[verdict.framework]:
                msg = f"a worker has {verdict.framework} {verdict.version}, but this process has another"
                raise CannotRun(msg)
            if ledger:
                ledger.add(verdict)
            known[verdict.replay] = verdict
            progress(verdict)
    except workers.WorkerLost as error:
        raise CannotRun(str(error)) from error
    verdicts = [known[key] for key in keys]
    if strict:
        verdicts += [coverage.missed(row, agreed.device) for row in coverage.unmatched(verdicts)]
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


def opening(agreed: Plan) -> RunInfo:
    """What a run says of itself before its first decision."""
    return _info(agreed, [], 0.0)


def _keys(agreed: Plan) -> dict[str, Task]:
    request = agreed.request
    return {replay_key(task, request.policy, request.salt): task for task in agreed.tasks}


def _frameworks(agreed: Plan) -> dict[str, str]:
    frameworks = {s.framework.name: s.framework for s in agreed.subjects}
    return {name: framework.version() for name, framework in frameworks.items()}


def exit_code(run: Run) -> int:
    """0 when everything conforms or deviates as documented, 1 on a violation, 3 when something could not run."""
    states = {verdict.state for verdict in run.verdicts}
    return 1 if "VIOLATES" in states else 3 if "error" in states else 0


def _info(agreed: Plan, verdicts: list[Verdict], wall_time: float) -> RunInfo:
    rule, frameworks = policy(agreed.request.policy), {s.framework.name: s.framework for s in agreed.subjects}
    risks = [v.alpha for v in verdicts if v.alpha > 0]
    return RunInfo(
        varlaw=version("varlaw"),
        versions=environment.versions(frameworks.values()),
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=environment.cpu(),
        threads=environment.processors(),
        blas=environment.blas(),
        hardware=environment.hardware(frameworks.values(), agreed.device),
        commit=environment.commit(),
        devices=[agreed.device],
        dtypes=list(agreed.request.dtypes),
        policy=rule.name,
        delta=rule.delta,
        pooled=rule.pooled,
        redraws=rule.redraws,
        redraw_samples=rule.redraw_samples if rule.redraws else 0,
        alpha=rule.alpha,
        beta=rule.beta,
        decisions=len(risks),
        alpha_budget=math.fsum(risks),
        salt=agreed.request.salt,
        targets=list(agreed.request.targets),
        laws=list(agreed.request.about),
        wall_time=wall_time,
    )
