"""Claims on tables of gains: the documented number, and the gain that really keeps the second moment at q = 1."""

from collections.abc import Callable
from typing import Any

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.claims.documented import number
from varlaw.evidence.exact import compare
from varlaw.subjects.subject import Gain
from varlaw.theory.catalogue import LAWS

_ULPS = 8 * 2.0**-53  # the table's own arithmetic: a few correctly rounded operations


def claims(subject: Gain) -> tuple[Claim, ...]:
    """Two claims on every activation of the table."""
    law = "activation.forward_gain"
    return tuple(
        claim
        for activation, documented in subject.documented.items()
        for claim in (
            _claim(subject, "gain.documented", law, f"gain = {documented}", activation, _documented(documented)),
            _claim(subject, "gain.second_moment", law, "gain^2 E phi(z)^2 = 1", activation, _exact(activation)),
        )
    )


def _claim(subject: Gain, name: str, law: str, statement: str, activation: str, expected: Callable[[], float]) -> Claim:
    def judge(trial: Trial) -> Finding:
        wanted = expected()
        comparison = compare([subject.apply(activation)], [wanted], [wanted * _ULPS])
        names = {"documented": number(documented, {}), "exact": exact()}
        return deterministic(comparison, quantity="gain", names=names)

    documented, exact = subject.documented[activation], _exact(activation)
    target = f"{subject.name}.{activation}"
    return Claim(
        name=name, law=law, statement=statement, subject=subject, target=target, op=subject.op, judge=judge,
        dtypes=("float64",),
    )  # fmt: skip


def _documented(formula: str) -> Callable[[], float]:
    return lambda: number(formula, {})


def _exact(activation: str) -> Callable[[], float]:
    def value() -> Any:
        return LAWS["activation.forward_gain"].value(activation=activation, q=1.0)

    return value
