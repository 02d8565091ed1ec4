"""What one step left behind, and what a whole run is known by: plain data, one JSON object a line."""

import msgspec

from varlaw.diagnose.records import Finding

SCHEMA = "varlaw.watch/1"


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="header"):
    """The first line of a run's file, and of each later run that was appended to it."""

    schema: str = SCHEMA
    name: str
    tensors: tuple[str, ...]
    every: int
    alpha: float  # false alarms a step, over all signals of the run
    versions: dict[str, str]
    rank: int = 0
    ranks: int = 1
    sharded: bool = False  # whether each rank holds a part of the tensors: square norms then add up


class Step(msgspec.Struct, kw_only=True, tag="step"):
    """The numbers of one optimiser step; None where there is no such number, or it is not finite."""

    step: int
    loss: float | None = None
    nonfinite: bool = False  # whether there was a loss, and it was NaN or infinite
    given: bool = True  # whether a loss was given at all
    gradient: float | None = None  # global norm, as the optimiser saw it
    update: float | None = None  # global norm of what the weights moved, from a sample of their entries
    weight: float | None = None  # the same of the weights
    rate: float | None = None
    backwards: int = 1
    trained: int = 0  # tensors that are trained
    decay: float = 0.0  # the largest rate x weight decay of a group, which momentum repeats
    between: float | None = None  # global norm of what moved the weights since the step before, where any did
    lost: float | None = None  # share of the entries with a gradient that did not move; not at every step
    along: float | None = None  # product of the gradient and the update before it, where it is asked for


class Event(msgspec.Struct, frozen=True, kw_only=True, tag="event"):
    """Something that was said, and at which step."""

    step: int
    finding: Finding


class End(msgspec.Struct, frozen=True, kw_only=True, tag="end"):
    """The last line of a run that came to its end."""

    steps: int


Line = Header | Step | Event | End
