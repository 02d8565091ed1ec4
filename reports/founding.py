"""The four laws that the project began with, on the first page: what each framework of a run measured of them.

A run without their experiment (op "founding") has no such lines.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from varlaw.claims.verdict import Verdict
from varlaw.reports.groups import Group

OP: Final = "founding"

# Law -> what it says, for people, in the order of the page.
LAWS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "linear.second_moment": ("A linear map", "E y^2 = fan_in Var w E x^2"),
        "relu.second_moment": ("ReLU halves", "E relu(z)^2 = E z^2 / 2"),
        "uniform.variance": ("A uniform", "Var U(-a, a) = a^2 / 3"),
        "residual.scaled_growth": ("Residual branches by 1/sqrt(2L)", "E|h_L|^2 = (1 + 1/(2L))^(2L) E|h_0|^2, below e"),
    }
)


@dataclass(frozen=True)
class Line:
    """One law: its name, what it says, and for each framework and version the verdict furthest from it."""

    law: str
    title: str
    formula: str
    measured: tuple[tuple[str, Verdict], ...]


def lines(groups: Iterable[Group]) -> list[Line]:
    """A line for each of the four laws that the groups measured."""
    of_law: dict[str, list[tuple[str, Verdict]]] = {}
    for group in groups:
        verdict = group.worst
        if verdict.op == OP and verdict.law in LAWS and verdict.ratio is not None:
            of_law.setdefault(verdict.law, []).append((group.platform, verdict))
    return [Line(law, *said, tuple(of_law[law])) for law, said in LAWS.items() if law in of_law]
