"""One decision: a claim on a subject in a case, to its verdict.

The verdict depends on the task, the policy and the salt alone. A subject that raises costs its own verdict, not the
run.
"""

import math
import warnings
from typing import Any

import msgspec

from varlaw.claims.claim import INTERNAL, Claim, Finding, NotApplicable, Trial
from varlaw.claims.verdict import Deviation, Outcome, Verdict
from varlaw.evidence.budget import Policy, policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.availability import missing
from varlaw.subjects.subject import Sampler
from varlaw.verify import foresight
from varlaw.verify.plan import Task, claim_of, replay_key
from varlaw.verify.reproduction import reproduction


def decide(task: Task, policy_name: str, salt: str) -> Verdict:
    """The verdict of one task: the same bits for the same task, policy and salt."""
    claim = claim_of(task)
    rule = policy(policy_name)
    params = canonical({"case": task.case, "dtype": task.dtype, "device": task.device})
    whose = task.subject if isinstance(claim.subject, Sampler) and claim.subject.shared else task.target
    key = Key(salt, f"{task.claim}:{whose}", params)
    trial = Trial(task.case, task.dtype, task.device, rule, key)
    finding = judged(claim, trial)
    finding, deviation = foresight.held(claim, trial, finding, judged)
    if deviation is None and finding.outcome is Outcome.CONFORMS and finding.loose:
        said = f"off by up to {finding.loose:.3g}, which rounding may do here"
        finding = msgspec.structs.replace(finding, outcome=Outcome.UNDECIDED, certified=None, detail=said)
    if deviation is None and finding.outcome is Outcome.VIOLATES and finding.explained:
        finding = finding.explained(finding)
    return _verdict(claim, task, rule, finding, deviation, replay_key(task, policy_name, salt))


def judged(claim: Claim, trial: Trial) -> Finding:
    """What a claim's judge finds; what a framework raises is a finding too."""
    try:
        if trial.dtype in claim.subject.unsupported:
            raise NotApplicable(claim.subject.unsupported[trial.dtype])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a framework's advice about its defaults is no evidence about them
            return claim.judge(trial)
    except NotApplicable as reason:
        return Finding(outcome=Outcome.NOT_APPLICABLE, quantity="", detail=str(reason))
    except SamplerError as error:
        return Finding(outcome=Outcome.ERROR, quantity="", detail=str(error))
    except (Exception, SystemExit) as error:  # whatever a subject does is its own verdict, and the run goes on
        if absent := missing(error, claim.subject):
            return Finding(outcome=Outcome.NOT_APPLICABLE, quantity="", detail=absent)
        text = " ".join(str(error).split())
        return Finding(outcome=Outcome.ERROR, quantity="", detail=f"{type(error).__name__}: {text[:300]}")


def _verdict(
    claim: Claim, task: Task, rule: Policy, finding: Finding, deviation: Deviation | None, replay: str
) -> Verdict:
    found = {name: finite(value) for name, value in msgspec.structs.asdict(finding).items() if name not in INTERNAL}
    if finding.observed is not None and found["observed"] is None and not finding.detail:
        found["detail"] = f"observed {finding.observed}"
    return Verdict(
        claim=claim.name,
        law=claim.law,
        statement=claim.statement,
        subject=claim.target,
        framework=claim.subject.framework.name,
        version=claim.subject.framework.version(),
        op=claim.op,
        dtype=task.dtype,
        device=task.device,
        case=task.case,
        deviation=deviation,
        replay=replay,
        reproduction=reproduction(claim.subject, claim.target, task.case, task.dtype, task.device, finding, deviation),
        **found,
    )


def finite(value: Any) -> Any:
    """JSON has no infinity: a number that is not finite becomes null, an interval end likewise."""
    if isinstance(value, tuple):
        return tuple(finite(v) for v in value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
