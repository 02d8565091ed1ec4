"""Which findings a change of initial values can fix, and how far that change has to reach.

Nothing is changed that no finding asks for: a model without one is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from varlaw.diagnose.records import Finding

# Signal -> what is to be chosen anew: "all" maps and biases, the parameters "named", the "head", the "adapter", "rows",
# or the "zeros" that keep those parameters from learning (see `looking.stuck_zeros`).
REACH = {
    "init.uninitialised": "named",
    "init.unset": "peers",
    "init.peers": "peers",
    "init.copied": "copies",
    "init.symmetric": "named",
    "init.law": "named",
    "gradient.zero": "zeros",
    "embedding.new": "rows",
    "adapter.active": "adapter",
    "loss.start": "head",
    "signal.grows": "all",
    "signal.shrinks": "all",
    "signal.residual": "all",
    "signal.collapse": "all",
    "gradient.grows": "all",
    "gradient.shrinks": "all",
    "unit.dead": "all",
    "unit.saturated": "all",
    "norm.eps": "all",
    "number.range": "all",
}
_WRONG = ("VIOLATES", "UNDECIDED")


@dataclass
class Scope:
    """What is to be chosen anew."""

    everything: bool = False
    head: bool = False
    named: set[str] = field(default_factory=set)
    peers: set[str] = field(default_factory=set)  # to get the scale of their peers
    copies: set[str] = field(default_factory=set)  # to be drawn anew at their own scale
    adapters: set[tuple[str, ...]] = field(default_factory=set)  # the parameters of each
    rows: dict[str, Finding] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing asks for a change."""
        return not (self.everything or self.head or self.asked or self.adapters or self.rows)

    @property
    def asked(self) -> set[str]:
        """Every parameter that a finding names."""
        return self.named | self.peers | self.copies

    def add(self, findings: Sequence[Finding]) -> "Scope":
        """Widens the scope by what further findings ask for."""
        for one in findings:
            self._add(one)
        return self

    def _add(self, one: Finding) -> None:
        match REACH.get(one.signal):
            case "all" if one.law.startswith("recurrent."):
                self.named |= set(one.where)
            case "all":
                self.everything = True
            case "head":
                self.head = True
            case "named":
                self.named |= set(one.where)
            case "peers":
                self.peers |= set(one.where)
            case "copies":
                self.copies |= set(one.where)  # all of them: one left out would be unlike its peers
            case "adapter":
                self.adapters.add(one.where)
            case "rows":
                self.rows.update(dict.fromkeys(one.where, one))


def wrong(findings: Sequence[Finding]) -> list[Finding]:
    """What is wrong, or would be said to be with more draws than one."""
    return [f for f in findings if f.outcome in _WRONG]


def curable(findings: Sequence[Finding]) -> list[Finding]:
    """What is wrong by law and can be fixed by initial values or a norm; what luck may explain is no reason to change.

    What is wrong with the structure comes first: where it is, signals and gradients may be its consequence.
    """
    sick = [f for f in findings if f.outcome == "VIOLATES"]
    structural = any(f.signal not in REACH for f in sick)
    return [f for f in sick if f.signal in REACH and not (structural and REACH[f.signal] in ("all", "head"))]
