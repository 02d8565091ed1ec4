"""What was identified, as records: the law of a tensor with its evidence, and the sums that it rests on."""

import math
from typing import Any

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A law read off the draws: `law` in the notation of promises, empty where none fits and `reason` says why.

    `formula` gives the `unit` (bound, std, parent std, gain, value) of the family; its square is `constant`, known to
    lie in `interval` (99.9 %), times a product of names. `lead` is how many nats the formula leads the `runner_up`,
    prices of both counted; `family_lead` the same for the family. `same` are formulas that no draws of these cases
    could tell apart. `fit` is the ln e-value against the family, `fit_p` the p-value of the formula. Of a law in
    `parts`, each has its own.
    """

    family: str
    law: str = ""
    unit: str = ""
    formula: str = ""
    constant: float | None = None
    interval: tuple[float, float] | None = None
    cut: float | None = None
    zeros: float = 0.0
    lead: float | None = None
    runner_up: str = ""
    family_lead: float | None = None
    family_runner_up: str = ""
    same: list[str] = []
    fit: float | None = None
    fit_p: float | None = None
    reason: str = ""
    note: str = ""
    where: str = ""
    parts: list["Reading"] = []

    @property
    def text(self) -> str:
        """The law for people: of parts, one after the other; of an unknown one, its family and why."""
        if self.parts:
            return ", ".join(f"{part.text} in {part.where}" for part in self.parts)
        if self.law:
            return self.law
        return "unknown" if self.family in ("unknown", "") else f"{self.family}, unknown scale"

    @property
    def families(self) -> set[str]:
        """The family, or those of its parts."""
        return {family for part in self.parts for family in part.families} if self.parts else {self.family}

    @property
    def known(self) -> bool:
        return all(part.known for part in self.parts) if self.parts else bool(self.law)


class CaseStatistics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums of one case, with z = x / unit: enough to compare its scale and its family with another recording.

    The sums are over the finite entries, `lost` are the others. `ties` are entries whose magnitude another one has too,
    `copied` of `looked` those that an earlier tensor of the same instance holds. `depends` holds what speaks against
    independent signs, in ln e-values, `even` what is the same for all rows, columns or instances, and `marks` numbers
    of each instance of a law whose entries may depend on each other, all three as `dependence` says.
    """

    case: dict[str, Any]
    shape: tuple[int, ...]
    n: int
    unit: float
    z1: float
    z2: float
    z4: float
    low: float  # of x
    high: float
    zeros: float = 0.0  # shares
    limits: float = 0.0
    distinct: int | None = None  # where small
    fixed: bool = False  # the same numbers in every draw
    spread: float | None = None  # of an unknown law: standard error of ln rms, between instances
    instances: int = 0  # where they differ; in files before `keeps`, of an unknown law only
    lost: int = 0
    ties: int = 0
    copied: int = 0
    looked: int = 0
    format: str = ""  # the narrowest one that holds every entry
    again: bool = True  # the same seed gave the same numbers once more
    depends: dict[str, float] = {}
    even: list[str] = []
    marks: dict[str, list[float]] = {}

    @property
    def std(self) -> float:
        """Root mean square of x about its mean; NaN where nothing is finite."""
        if not self.n:
            return math.nan
        mean = self.z1 / self.n
        return self.unit * math.sqrt(max(self.z2 / self.n - mean * mean, 0.0))

    @property
    def rms(self) -> float:
        return self.unit * math.sqrt(self.z2 / self.n) if self.n else math.nan


class Identified(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tensor of one subject with its law and the sums of every case; `members`: parameters of a model's role."""

    subject: str
    tensor: str
    framework: str
    version: str
    reading: Reading
    cases: list[CaseStatistics] = []
    members: list[str] = []
    error: str = ""  # why it could not be looked at

    @property
    def name(self) -> str:
        return f"{self.subject}.{self.tensor}" if self.tensor else self.subject


class Refused(ValueError):
    """What a function raised for every rank of shape that it was asked for, each with its kind and the shape."""


def failed(subject: str, framework: str, version: str, error: BaseException) -> Identified:
    """The record of a subject that could not be looked at."""
    kind = "" if isinstance(error, Refused) else f"{type(error).__name__}: "
    text = " ".join(f"{kind}{error}".split())[:300]
    return Identified(
        subject=subject, tensor="", framework=framework, version=version, reading=Reading(family="unknown"), error=text
    )
