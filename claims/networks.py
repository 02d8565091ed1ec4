"""Claims on whole networks: the second moment forwards and backwards, at every depth, from real runs.

What is decided, and why it is exact although layers depend on each other, is in `varlaw.evidence.layer_signals`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import msgspec
import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, statistical
from varlaw.claims.documented import resolve
from varlaw.claims.verdict import Outcome
from varlaw.evidence import layer_signals
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.state import State, reduce
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Floats, LayerSignals, Network
from varlaw.theory.variates import Normal

Direction = Literal["forward", "backward"]
LawOf = Callable[[int, int], Normal]  # (fan_in, fan_out) of a map -> the law of its weights
LawAt = Callable[[int, int, int], Normal]  # (place, fan_in, fan_out): where maps have laws of their own
Networks = Callable[[int, int], Iterable[Sequence[LayerSignals]]]  # (seed, count) -> fresh networks

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


class Signals:
    """The standardised signals of fresh networks as a source of draws, with what each map on its own has shown."""

    def __init__(
        self,
        networks: Networks,
        law_of: LawOf,
        direction: Direction,
        bias_std: float = 0.0,
        law_at: LawAt | None = None,
    ) -> None:
        self._networks, self._law_at = networks, law_at or (lambda place, *fans: law_of(*fans))
        self.names: dict[int, str] = {}  # of maps, by place
        self._direction, self._bias_std = direction, bias_std
        self.maps: dict[int, State] = {}

    def __call__(self, seed: int, count: int) -> Iterator[Floats]:
        for layers in self._networks(seed, count):
            signals = [self._standardised(i, p) for i, p in enumerate(layers)]
            for i, signal in enumerate(signals):
                self.maps[i] = self.maps.get(i, State()) + reduce(signal)
            yield np.concatenate(signals)

    def _standardised(self, place: int, p: LayerSignals) -> Floats:
        std = self._law_at(place, len(p.inputs), len(p.outputs)).std
        if self._direction == "forward":
            return layer_signals.forward(p.inputs, p.outputs, std, self._bias_std)
        return layer_signals.backward(p.inputs, p.output_gradient, p.input_gradient, std)

    def farthest(self) -> str:
        """The map that strays most from the law, in words."""
        strays = {i: abs(s.squares - s.n) / (2 * s.n) ** 0.5 for i, s in self.maps.items() if s.n}
        worst = max(strays, key=strays.__getitem__)
        ratio = (self.maps[worst].squares / self.maps[worst].n) ** 0.5
        which = self.names.get(worst, f"map {worst + 1} of {len(self.maps)}")
        return f"{self._direction} through {which}: std x{ratio:.4g}"


def judged(signals: Signals, policy: Policy, key: Key, dtype: str, factor: float = 1.0) -> Finding:
    """Whether all maps together obey the law; a violation names the map that strays most."""
    coarse = FORMATS[dtype].digits < FORMATS["float32"].digits  # signals of 16 bits lie on grids of several widths
    wrong = {"a fan of half the size": Normal(2**0.5), "a fan of twice the size": Normal(0.5**0.5)}
    once = replace(policy, redraws=0)  # a signal has no place that another one shares
    decision = decide(Normal(factor), signals, once, key, dtype=dtype, mutants=wrong, shape=not coarse)
    finding = statistical(decision, policy, quantity="std over the lawful one", expected=1.0)
    if finding.outcome is not Outcome.VIOLATES:
        return finding
    return msgspec.structs.replace(finding, detail="; ".join(filter(None, (signals.farthest(), finding.detail))))
