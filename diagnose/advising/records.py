"""What is advised for a model and what trials said of it: plain data, JSON as it stands."""

import msgspec

from varlaw.diagnose.records import Finding

SCHEMA = "varlaw.advice/1"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter (or a part of it) and what it should hold; law "keep" leaves it alone."""

    name: str
    law: str  # of a rule for `initialise`
    std: float | None = None
    gain: float | None = None  # std * sqrt(fan_in), where the module's type tells the fan
    fan: float | None = None  # measured: entries of the input that one output adds up, borders counted
    value: float = 0.0
    mean: float = 0.0
    part: str | tuple[int, int] | None = None
    before: float | None = None  # rms as it starts
    reason: str = ""
    source: str = ""  # the law of the catalogue behind the reason


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do that is no value of a parameter: a norm, a rate, a limit of clipping."""

    stage: str  # rate, norm, clip, layer
    where: tuple[str, ...] = ()
    says: str
    source: str = ""
    code: str = ""


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """One operation on the way through the model: its rms, and the rms of its gradient relative to the head's."""

    path: str
    op: str
    before: float | None = None  # measured
    foreseen_before: float | None = None  # by the laws, from the network's input
    low_before: float | None = None  # between here and `high_before` lie 99.9 % of draws
    high_before: float | None = None
    foreseen_after: float | None = None
    low_after: float | None = None
    high_after: float | None = None
    after: float | None = None  # measured
    gradient_before: float | None = None
    gradient_foreseen: float | None = None  # after, by the laws
    gradient_after: float | None = None


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """One map: E y^2 wanted and measured, the factor on its weight, and what the test says."""

    name: str
    outcome: str  # CONFORMS, UNDECIDED, VIOLATES, REFUSED
    target: float | None = None
    before: float | None = None
    after: float | None = None
    interval: tuple[float, float] | None = None  # of E y^2 over the target
    factor: float = 1.0
    rows: int = 0
    reason: str = ""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of short runs with and without one remedy, and what they decide."""

    stage: str
    symptom: str
    outcome: str  # REMOVES, DOES_NOT, UNDECIDED, REFUSED
    says: str
    pairs: int = 0
    removed: int = 0
    kept: int = 0  # the symptom is there with the remedy, too
    alpha: float = 0.0
    beta: float = 0.0
    loss_without: float | None = None  # median over pairs of the last loss
    loss_with: float | None = None
    steps: int = 0


class AdviceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is advised for one model."""

    schema: str = SCHEMA
    name: str
    salt: str
    symptoms: list[Finding]  # what is wrong and has a remedy among initialisation and norm
    untreated: list[Finding]  # what is wrong and has none: fix it first
    choices: list[Choice]
    steps: list[Step]
    code: str  # the recipe, ready to paste; empty where nothing is to change
    depths: list[Depth]
    trials: list[Trial]
    remaining: list[Finding]  # what is still wrong behind the recipe

    @property
    def changes(self) -> list[Choice]:
        """The choices that change anything."""
        return [choice for choice in self.choices if choice.law != "keep"]
