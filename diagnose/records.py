"""What was seen of a model, and what was found: plain data, no tensors, JSON as it stands.

A `Sight` is one pass: its `calls` in order, each an operation with the numbers of those whose outputs it took
(`parents`), the parameters it used, and second moments. A `ModelReport` is what was found on it.
"""

import enum
import math
from typing import Any

import msgspec

SCHEMA = "varlaw.model/1"
PROFILE_SCHEMA = "varlaw.profile/1"
WIDTHS_SCHEMA = "varlaw.widths/1"


class Moments(msgspec.Struct, frozen=True):
    """Second moment and mean per entry of one tensor; `nonfinite` where it holds NaN or inf."""

    second: float
    mean: float = 0.0
    count: int = 0
    nonfinite: bool = False

    @property
    def rms(self) -> float:
        """Root mean square."""
        return math.sqrt(self.second) if self.second >= 0 else math.nan


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One linear map held against its own measured input: E y^2 = (what the input and the fan give) * w2 + b2."""

    expected: float  # E y^2, per entry, for independent zero-mean weights of the measured second moment
    weight_second: float
    bias_second: float
    effective_inputs: float  # independent inputs that the batch is worth: (tr G)^2 / tr G^2 of the Gram matrix
    units: int  # outputs with weights of their own


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """What the units of one activation did on the batch."""

    units: int
    rows: int
    silent: int  # units that were exactly 0 on every row
    saturated: float  # share of entries whose derivative is below 2 % of its largest value


class Call(msgspec.Struct, kw_only=True):
    """One operation of the pass."""

    number: int
    path: str  # of the module that called it
    op: str
    kind: str
    parameters: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()
    offsets: dict[int, int] = msgspec.field(default_factory=dict)  # parent -> where in it what was taken begins
    shape: tuple[int, ...] = ()
    dtype: str = ""
    graph: bool = True  # whether a gradient can flow through its output
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    inputs: tuple[Moments, ...] = ()
    output: Moments | None = None
    gradient: Moments | None = None
    cosine: float | None = None  # of the two summands of an add
    apart: float | None = None  # share of the second moment in which the rows of the batch differ
    kin: tuple[float, float | None, float | None] | None = None  # E[a b] of rows, of positions, of both (see Signal)
    step: Step | None = None
    units: Units | None = None
    concentration: float | None = None  # of attention: 0 where all keys weigh the same, 1 where one has all weight


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Who gave a parameter or buffer its values while the model was built; the last writer counts."""

    name: str
    function: str  # of torch.nn.init, or the operation itself
    where: str  # file:line of the author's code, or of the layer
    default: bool  # by the layer's own constructor
    unwritten: float  # share of entries that nobody wrote
    drawn: bool = False  # from random numbers, whatever was done to them afterwards
    scope: str = ""  # the module whose own code wrote it: all below that was within its reach
    made: int = 0  # number of the operation of the build that made its memory
    at: int = 0  # of the one that wrote it last
    vanished: str = ""  # file:line of an initialisation of a copy of it, which nothing reads


class Tensor(msgspec.Struct, kw_only=True):
    """One parameter or buffer as it starts."""

    name: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    module: str  # class of the module that holds it
    buffer: bool = False
    trainable: bool = True
    meta: bool = False
    gradient: Moments | None = None  # None: no gradient arrived
    equal_rows: bool = False  # its units started the same and got the same gradient


class Sight(msgspec.Struct, kw_only=True):
    """One pass through a model."""

    calls: list[Call]
    tensors: dict[str, Tensor]
    blind: list[str]  # what could not be seen, and why
    foreign: tuple[str, ...] = ()  # trainable parameters that the forward pass uses and the model does not have
    unfed: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)  # what did not run for want of arguments
    along: tuple[tuple[str, int, int], ...] = ()  # paths of what runs along the rows of the batch: steps, sequences
    phases: tuple[tuple[str, str, float], ...] = ()  # of sines and cosines in 16 bits: path, format, largest
    mixed: tuple[tuple[int, str, tuple[int, ...], tuple[int, ...]], ...] = ()  # views that deal rows anew: call, shapes
    loss: float | None = None
    batch_rows: int = 0
    output: bool = True  # whether what the pass returned holds a tensor, from which gradients come


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One statement about the model. Only VIOLATES is wrong by law; a NOTE is a number worth knowing."""

    signal: str
    where: tuple[str, ...]  # parameters or modules, the culprit first
    outcome: str  # CONFORMS VIOLATES UNDECIDED NOT_APPLICABLE NOTE
    kind: str  # exact, level, law
    says: str  # one line
    law: str = ""
    expected: float | None = None
    observed: float | None = None
    ratio: float | None = None
    interval: tuple[float | None, float | None] | None = None
    samples: int = 0
    alpha: float = 0.0
    beta: float = 0.0
    hypotheses: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    replay: str = ""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """A symptom that was found: what may cause it, what other findings show first, and what to try, in order."""

    symptom: str  # its name in the table
    says: str
    look: str
    signals: tuple[str, ...]  # by which it was found
    hypotheses: tuple[str, ...]
    shown: int  # of the hypotheses, the first so many are shown by other findings
    remedies: tuple[str, ...]  # keys of the table's remedies
    advice: tuple[str, ...]  # the same in words


class Kind(enum.StrEnum):
    """What stands behind a statement."""

    EXACT = "exact"  # bits, counts, equality: no chance
    LEVEL = "level"  # a share of a sample, by a bound that holds at the printed alpha
    CHANGE = "change"  # a change over time, with a stated rate of false alarms
    LAW = "law"  # a law of the catalogue, decided by draws


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table by depth: a module's operation, its gain and the law's."""

    path: str
    op: str
    shape: tuple[int, ...]
    parameters: tuple[str, ...] = ()
    second: float | None = None  # E y^2 of its output, geometric mean over draws
    low: float | None = None  # of the band in which one draw lies with probability 1 - gamma
    high: float | None = None
    law: float | None = None  # E y^2 that its measured input foresees
    foreseen: float | None = None  # E y^2 from the network's input alone; None where theory has no law of it
    foreseen_low: float | None = None
    foreseen_high: float | None = None
    gradient: float | None = None  # E (dL/dy)^2
    foreseen_gradient: float | None = None  # from that at the last map with parameters
    findings: tuple[int, ...] = ()


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A checked model as it is written to a file."""

    schema: str = SCHEMA
    name: str
    policy: str
    salt: str
    draws: int
    alpha: float
    delta: float
    versions: dict[str, str]
    numbers: int  # parameters, entries
    findings: list[Finding]
    rows: list[Row]
    tensors: list[Tensor]
    blind: list[str]
    loss: float | None = None
    loss_law: float | None = None
    diagnoses: list[Diagnosis] = []  # msgspec copies it


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """What theory foresees behind one block; second moments per unit, with the band of one draw in 1,000."""

    label: str
    second: float | None  # E h^2; None where theory has no law of it
    low: float | None = None
    high: float | None = None
    gradient: float | None = None  # E (dL/dh)^2, relative to that at the output
    gradient_low: float | None = None
    gradient_high: float | None = None
    correlation: float | None = None  # E[a b] / E[a^2] of two inputs
    positions: float | None = None  # of two positions (tokens, pixels) of one input
    measured: float | None = None  # E h^2 of a model's own pass
    measured_gradient: float | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A network foreseen: one `Depth` for its input and for each block."""

    schema: str = PROFILE_SCHEMA
    name: str
    depths: list[Depth]
    hypotheses: tuple[str, ...]


class Slope(msgspec.Struct, frozen=True, kw_only=True):
    """How one layer's output, or what steps change of it, grows with the width: d ln rms / d ln width."""

    name: str
    when: str  # start, or step
    role: str  # input, hidden, output: by which axes of its weight grow
    rms: list[float]  # by width
    outcome: str
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None  # None where the parametrisation has no law
    says: str = ""


class Widths(msgspec.Struct, frozen=True, kw_only=True):
    """A coordinate check: one `Slope` a layer and moment."""

    schema: str = WIDTHS_SCHEMA
    name: str
    law: str
    widths: list[int]
    draws: int
    steps: int
    salt: str
    alpha: float  # of any false VIOLATES
    delta: float  # of a slope
    slopes: list[Slope]
