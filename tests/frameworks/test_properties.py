"""Law x subject over the whole domain: whatever Hypothesis draws, ours conform and torch does as it is documented."""

from collections import Counter
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from varlaw.claims.claim import Claim
from varlaw.claims.domains import cases_of
from varlaw.claims.mutants import wrong_laws
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Verdict
from varlaw.claims.weights.promise import Promise
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.strategies import cases, dtypes, steer
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Sampler
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform
from varlaw.verify import decision, plan

SALT = "properties"
SILENT = ("undecided", "not applicable")
# Documented, with sizes measured in the table's cases; a drawn mean of 3e6 stds loses more digits than any of them.
CANCELLING = ("torch.nn.GroupNorm(channels_last).forward",)


def explained(verdict: Verdict) -> str:
    """What a failure prints: the effect, its interval, the likely cause and how to see it again."""
    return (
        f"{verdict.subject} {verdict.claim}: {verdict.state}, ratio {verdict.ratio} {verdict.interval or 'exact'}, "
        f"expected {verdict.quantity} {verdict.expected}; likely {verdict.likely}; {verdict.detail}\n"
        f"varlaw replay '{verdict.replay}'"
    )


def decided(data: st.DataObject, subject: Any, seen: dict[str, Verdict]) -> Verdict:
    """The verdict of one drawn claim, case and dtype; one address, one verdict: half the cases come up again."""
    claim = data.draw(st.sampled_from([c for c in claims_of(subject) if asked_of(subject, c)]), label="claim")
    both = [d for d in claim.dtypes if not subject.dtypes or d in subject.dtypes]
    asked = both or subject.dtypes
    dtype = data.draw(st.sampled_from(asked) if asked else dtypes(), label="dtype")
    case = data.draw(cases(claim.op), label="case")
    if subject.cases:  # a row makes its own of them, or none
        own = [dict(one) for one in subject.cases(claim.name, [case], dtype)] or cases_of(claim, dtype, SALT, 2)
        hypothesis.assume(own)
        case = own[0]
    if claim.name == "init.documented":
        to_power(subject, claim.target, case)
    case = {"cases": [case]} if claim.pooled else case
    task = plan.Task(subject=subject.name, claim=claim.name, target=claim.target, case=case, dtype=dtype, device="cpu")
    address = plan.replay_key(task, "pr", SALT)
    if address not in seen:
        seen[address] = decision.decide(task, "pr", SALT)
    return seen[address]


def asked_of(subject: Any, claim: Claim) -> bool:
    """Whether a row that makes its own cases has any for the claim."""
    asked = claim.dtypes or subject.dtypes or plan.DTYPES
    return not subject.cases or any(cases_of(claim, dtype, SALT, 2) for dtype in asked)


def cancelled(verdict: Verdict) -> bool:
    """Whether a variance taken as E x^2 - (E x)^2 explains what float64 lost: no order of the two sums loses more."""
    if verdict.subject not in CANCELLING or verdict.dtype != "float64" or "foresaw" not in verdict.detail:
        return False
    case = verdict.case
    terms = case["length"] * case["channels"] // case["groups"] + 2
    return abs(1 / verdict.ratio - 1) <= 2 * gamma(terms, FORMATS["float64"].unit) * case["mean"] ** 2 / case["eps"]


def to_power(subject: Sampler, target: str, case: Any) -> None:
    """Steer the search to where the promise and its mutants lie apart, by the laws alone."""
    (tensor,) = (t for t in subject.tensors if f"{subject.name}.{t.name}".rstrip(".") == target)
    promise = Promise(subject, tensor, tensor.documented)
    law = promise.law(case)
    if isinstance(law, Normal | Uniform | TruncatedNormal):
        steer(law, wrong_laws(law, promise.names(case)), 1)


def holds_everywhere(subject: Any, *allowed: str) -> None:
    """Whatever is drawn has a verdict among `allowed`; of what the framework supports, at least half has one at all."""
    seen: dict[str, Verdict] = {}
    states: Counter[str] = Counter()

    @hypothesis.given(data=st.data())
    def one(data: st.DataObject) -> None:
        verdict = decided(data, subject, seen)
        if verdict.dtype not in subject.unsupported:
            states[verdict.state] += 1
        assert cancelled(verdict) or verdict.state in {*allowed, *SILENT}, explained(verdict)

    one()
    assert 2 * sum(states[state] for state in SILENT) <= states.total(), dict(states)


@pytest.mark.parametrize("subject", select(["varlaw.*"]), ids=lambda s: s.name)
def test_ours_obey_everywhere(subject: Any) -> None:
    holds_everywhere(subject, "conforms")


@pytest.mark.parametrize("subject", select(["torch.*"]), ids=lambda s: s.name)
def test_torch_does_as_documented_everywhere(subject: Any) -> None:
    pytest.importorskip("torch")
    holds_everywhere(subject, "conforms", "deviation")
