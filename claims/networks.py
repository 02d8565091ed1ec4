"""Claims on whole networks: the second moment forwards and backwards, at every depth, from real runs."""

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.documented import resolve
from varlaw.subjects.subject import Network
from varlaw.theory.variates import Normal
from varlaw.verify.network import Direction, Signals, judged

_LAWS: dict[Direction, str] = {"forward": "linear.second_moment", "backward": "linear.gradient_second_moment"}


def claims(subject: Network) -> tuple[Claim, ...]:
    """Both directions of one network."""
    return tuple(_claim(subject, direction, law) for direction, law in _LAWS.items())


def _claim(subject: Network, direction: Direction, law: str) -> Claim:
    return Claim(
        name=f"network.{direction}",
        law=law,
        statement=f"{subject.documented} at every depth",
        subject=subject,
        target=subject.name,
        op=subject.op,
        judge=lambda trial: _judge(subject, direction, trial),
    )


def _judge(subject: Network, direction: Direction, trial: Trial) -> Finding:
    def law_of(fan_in: int, fan_out: int) -> Normal:
        law = resolve(subject.documented, trial.case, true=(fan_in, fan_out))
        assert isinstance(law, Normal), subject.documented
        return law

    signals = Signals(
        lambda seed, count: subject.draws(trial.case, trial.dtype, trial.device, seed, count), law_of, direction
    )
    return judged(signals, trial.policy, trial.key, trial.dtype, trial.factor)
