"""Rows of what is drawn: samplers, whole models, sharded tensors and random numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from varlaw.subjects.framework import Array, Asked, Case, Draws, Floats, Framework

UNPROMISED = "without a law"  # the role of a parameter that has none, where each should have one


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor of a sampler with its promise; `name` is empty where the sampler is a function of one tensor."""

    name: str
    documented: str  # e.g. "Uniform(1/sqrt(in_features))"
    layout: str | None = None  # name of its layout, where it is a linear map
    claims: Mapping[str, str] = field(default_factory=dict)  # further claims on it: claim -> distribution
    # (case) -> its own mean (fan_in, fan_out), where the sampler has several weights; LookupError where it has none.
    measure: Callable[[Case], tuple[float, float]] | None = None
    shape: Callable[[Case], tuple[int, ...]] | None = None  # its own
    whole: Callable[[Case], tuple[float, float]] | None = None  # what it is a part of: the measure of that


@dataclass(frozen=True, kw_only=True)
class Sampler(Asked):
    """Something that draws tensors: a layer's default initialisation or an initialiser.

    `draws(case, dtype, device, seed, count)` yields `count` fresh instances, each a mapping tensor name -> array.
    `measure(case)` runs the real layer on ones and returns its true mean (fan_in, fan_out) in the interior.
    """

    name: str
    framework: Framework
    op: str
    tensors: tuple[Tensor, ...]
    draws: Draws
    shape: Callable[[Case], tuple[int, ...]] | None = None  # of the weight, as the framework stores it
    measure: Callable[[Case], tuple[float, float]] | None = None
    # (case, dtype, device, seed, elsewhere) -> an instance from a generator of its own, seeded with `seed`, that it is
    # handed while the framework's global generator is seeded with `elsewhere`.
    handed: Callable[[Case, str, str, int, int], Mapping[str, Array]] | None = None
    unsupported: Mapping[str, str] = field(default_factory=dict)  # dtype -> the framework's own reason

    @property
    def shared(self) -> bool:
        """Whether claims on its tensors look at the same draws: a layer of several parameters is built for all."""
        return len(self.tensors) > 2


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a whole model's parameters of one kind promise, e.g. the matrices of its linear layers."""

    role: str  # linear, conv, embedding, residual, head, bias, ...
    documented: str  # in ASCII over the model's config and the shape's fans, e.g. "Normal(initializer_range)"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter or buffer of a built model: which role it plays, its own fans, what it knows of the configuration.

    The roles "norm_scale", "vector" and "buffer" carry no promise; whatever is of another role and has no `intentional`
    should be random.
    """

    role: str
    shape: tuple[int, ...]
    fan_in: float | None = None
    fan_out: float | None = None
    names: Mapping[str, Any] = field(default_factory=dict)  # further names for the promise of its role
    zero_rows: tuple[int, ...] = ()  # along the first axis: promised to be zero, as the vector of a padding token
    stacked: bool = False  # matrices of several experts, heads or gates along the first axis, drawn separately
    intentional: str = ""  # why it is constant, or equal to another, on purpose


@dataclass(frozen=True, kw_only=True)
class FirstLoss:
    """The loss of a freshly built model on random labels: its mean over `samples` labels out of `classes`.

    `samples` is 0 where each output was held against all labels, so that no chance is left.
    """

    loss: float
    classes: int
    samples: int
    logits_std: float


@dataclass(frozen=True, kw_only=True)
class Model(Asked):
    """A whole model, built tiny from its configuration class, without downloads.

    `parameters(case)` describes every parameter and buffer by name; `draws(case, dtype, device, seed, count)` yields
    `count` fresh instances as mappings from those names to arrays, built while the framework fills fresh memory with
    NaN (integers: the largest), so that what nothing initialises shows. The callables raise `LookupError` where the
    installed version has no such model, or where it cannot do what they ask.
    """

    name: str
    framework: Framework
    op: str  # model
    roles: tuple[Role, ...]
    parameters: Callable[[Case], Mapping[str, Parameter]]
    draws: Draws
    # (case, dtype, device, seed) -> an instance built without memory, then filled by the framework's own initialiser.
    rebuilt: Callable[[Case, str, str, int], Mapping[str, Array]] | None = None
    # (case, dtype, device, seed) -> norm's name -> (rms of its output, its length); the input has rms 100.
    gains: Callable[[Case, str, str, int], Mapping[str, tuple[float, int]]] | None = None
    # (case, dtype, device, seed) -> the first loss on random labels.
    first_loss: Callable[[Case, str, str, int], FirstLoss] | None = None
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sharded(Asked):
    """A tensor in parts on several processes that start from one seed.

    `apply(case, dtype, device, seed)` returns as float64 "parts", a list with that of each process, "whole", the parts
    put together, and "plain", the same tensor from the same seed on one process. Entries are symmetric about 0.
    """

    name: str
    framework: Framework
    op: str  # sharded
    apply: Callable[[Case, str, str, int], Mapping[str, Any]]
    replicated: bool = False  # every process holds the whole
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Numbers(Asked):
    """Random numbers that are no weights. `draw(count, dtype, device, seed)` returns `count` of them, as float64."""

    name: str
    framework: Framework
    documented: str  # their law, e.g. "Exponential(1)" or "Categorical(1, 0, 3)"
    draw: Callable[[int, str, str, int], Floats]
    op: str = "numbers"
    without: tuple[float, ...] = ()  # values that its documentation excludes: 1 of [0, 1)
    count: int = 0  # at most so many are drawn, where each needs a call of its own; 0: as many as a policy asks for
    unsupported: Mapping[str, str] = field(default_factory=dict)
