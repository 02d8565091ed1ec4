"""Records of what is put to the test: the framework's real layers and functions, with what their documentation says.

A subject never knows the law it will be held against. It states, in ASCII Python over the case, the distribution that
its documentation promises, and it runs the real thing. Rows of a framework live in one file, imported lazily; a new
framework is one new file and one line in `registry`.

A *case* is a flat mapping in one vocabulary for all frameworks: `in_features`, `out_features`, `in_channels`,
`out_channels`, `kernel_size`, `stride`, `groups`, `hidden_size`, `embed_dim`, ... The names `fan_in` and `fan_out` in a
promise mean the true fans (measured on the layer itself where it can be), `shape_fan_in` and `shape_fan_out` the
convention that reads them off the weight's shape.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Case = Mapping[str, Any]
Array = Any  # of any array-API library
Floats = NDArray[np.float64]
Draws = Callable[[Case, str, str, int, int], Iterator[Mapping[str, Array]]]


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A library under test: how to find it, which version it is, and where it can run."""

    name: str
    version: Callable[[], str]  # raises ImportError when the framework is not there
    devices: Callable[[], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor of a sampler with its promise; `name` is empty where the sampler is a function of one tensor."""

    name: str
    documented: str  # e.g. "Uniform(1/sqrt(in_features))"
    layout: str | None = None  # name of its layout, where it is a linear map
    claims: Mapping[str, str] = field(default_factory=dict)  # further claims on it: claim -> distribution


@dataclass(frozen=True, kw_only=True)
class Sampler:
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
    unsupported: Mapping[str, str] = field(default_factory=dict)  # dtype -> the framework's own reason


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A normalisation. `apply(x, case, dtype, device)` takes x of shape (batch, channels, length).

    It returns the output in x's shape under "output" and, where there are any, "running_mean" and "running_var" after
    one training step from (0, 1), all as float64.
    """

    name: str
    framework: Framework
    op: str  # layer_norm, rms_norm, batch_norm, group_norm or instance_norm
    apply: Callable[[Floats, Case, str, str], Mapping[str, Floats]]
    exact_constant: bool = False  # promises exactly beta for constant input, not only to rounding
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Clipper:
    """Gradient clipping. `apply(grads, limit, dtype, device)` returns the clipped gradients and the reported norm."""

    name: str
    framework: Framework
    op: str  # clip_norm or clip_value
    apply: Callable[[Sequence[Floats], float, str, str], tuple[list[Floats], float | None]]
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A table of gains. `apply(activation)` returns the gain that the framework recommends."""

    name: str
    framework: Framework
    op: str
    apply: Callable[[str], float]
    documented: Mapping[str, str]  # activation, as the law names it -> documented value in ASCII Python
    unsupported: Mapping[str, str] = field(default_factory=dict)


Subject = Sampler | Norm | Clipper | Gain
