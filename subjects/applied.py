"""Rows of what is applied to numbers: norms, clipping, losses, dropout, networks, activations and experiments."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.framework import Asked, Case, Floats, Framework


@dataclass(frozen=True, kw_only=True)
class Norm(Asked):
    """A normalisation. `apply(x, case, dtype, device)` takes x of shape (batch, channels, length).

    It returns the output in x's shape under "output" and, where there are any, "running_mean" and "running_var" after
    one training step from (0, 1), all as float64.
    """

    name: str
    framework: Framework
    op: str  # layer_norm, rms_norm, batch_norm, group_norm or instance_norm
    apply: Callable[[Floats, Case, str, str], Mapping[str, Floats]]
    exact_constant: bool = False  # promises exactly beta for constant input, not only to rounding
    arguments: bool = True  # eps and momentum are those of the case
    careful: bool = True  # held to what a careful algorithm reaches where a bound for every algorithm says nothing
    running_variance: str = "unbiased"  # or "biased": what its documentation says the running variance averages
    steps: bool = False  # takes case["steps"] training steps on x, where the case says how many, and not one
    # The same call with eps and momentum as the default constructor chooses them; for baselines.
    default: Callable[[Floats, Case, str, str], Mapping[str, Floats]] | None = None
    documented_eps: str = (
        ""  # the eps that its documentation gives for the default, in ASCII Python; `finfo` is dtype's
    )
    # What `apply` returns, but with the output in evaluation mode after that one training step.
    evaluated: Callable[[Floats, Case, str, str], Mapping[str, Floats]] | None = None
    # (x, weight, bias, case, dtype, device) -> the output with that weight and bias, one for each feature it has.
    affine: Callable[[Floats, Floats, Floats, Case, str, str], Floats] | None = None
    # (x, dy, case, dtype, device) -> the gradient at x, of dy at the output, by the framework's differentiation.
    gradient: Callable[[Floats, Floats, Case, str, str], Floats] | None = None
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Clipper(Asked):
    """Gradient clipping. `apply(grads, limit, dtype, device)` returns the clipped gradients and the reported norm.

    `adjusted(grads, limit, arguments, dtype, device)` does so with those of its arguments that `adjusts` names: "order"
    of the norm; "low", the lower bound of a box whose upper one is the limit; "strict", to raise where the norm is not
    finite; "sparse", for leaves given as sparse tensors that name each entry twice, in halves; "strided", for leaves
    that lie in memory with gaps; and "absent", for a first leaf, not returned, that has no gradient.
    """

    name: str
    framework: Framework
    op: str  # clip_norm, clip_value, or clip_adaptive, whose leaves are weights and then their gradients
    apply: Callable[[Sequence[Floats], float, str, str], tuple[list[Floats], float | None]]
    adjusted: (
        Callable[[Sequence[Floats], float, Mapping[str, Any], str, str], tuple[list[Floats], float | None]] | None
    ) = None
    adjusts: tuple[str, ...] = ()
    nonfinite: str = ""  # "signals": its documentation says that one leaf which is not finite makes all of them NaN
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Normaliser(Asked):
    """Division by a norm. `apply(x, dtype, device, seed)` returns x divided, as float64.

    Of op normalise x is a vector and divided by its norm; of op spectral x is a matrix (outputs, inputs) and divided by
    its largest singular value, which is found from start vectors that `seed` decides.
    """

    name: str
    framework: Framework
    op: str  # normalise or spectral
    apply: Callable[[Floats, str, str, int], Floats]
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gain(Asked):
    """A table of gains. `apply(activation)` returns the gain that the framework recommends."""

    name: str
    framework: Framework
    op: str
    apply: Callable[[str], float]
    documented: Mapping[str, str]  # activation, as the law names it -> documented value in ASCII Python
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Loss(Asked):
    """A classification loss on logits (N, C) and labels (N,) of classes.

    `apply(logits, labels, reduction, dtype, device)` rounds the logits to the dtype and returns the loss as float64:
    one number for reduction "mean", N numbers for "none". `adjusted(logits, labels, smoothing, ignored, dtype, device)`
    returns the mean with those of its arguments that `adjusts` names; at smoothing 0 and ignored None as by default.
    """

    name: str
    framework: Framework
    op: str  # cross_entropy
    apply: Callable[[Floats, NDArray[np.int64], str, str, str], Floats]
    adjusted: Callable[[Floats, NDArray[np.int64], float, int | None, str, str], Floats] | None = None
    adjusts: tuple[str, ...] = ()  # of "smoothing", "ignored", "weights" and "sum", which is a reduction
    # (logits, labels, weights of the classes, smoothing, ignored, dtype, device) -> the mean of the weighted loss.
    weighted: Callable[[Floats, NDArray[np.int64], Floats, float, int | None, str, str], Floats] | None = None
    ignored: int | None = None  # the label that its documentation says does not count by default
    indices: bool = True  # takes labels as they are; else as rows of probabilities, which the row makes of them
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dropout(Asked):
    """Dropping units in training mode. `apply(x, p, dtype, device, seed)` takes x of shape (batch, channels, length).

    It returns the output in x's shape as float64; what is kept is scaled as the framework scales it.
    """

    name: str
    framework: Framework
    op: str  # dropout, channel_dropout, drop_path, alpha_dropout, channel_alpha_dropout or gaussian_dropout
    apply: Callable[[Floats, float, str, str, int], Floats]
    evaluated: Callable[[Floats, float, str, str], Floats] | None = None  # (x, p, dtype, device) -> in evaluation mode
    weights: bool = False  # what is dropped are weights of attention, by which x is multiplied
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Adapter(Asked):
    """An adapter that must change nothing when it starts.

    `apply(case, dtype, device, seed)` returns the output of a layer without it and with it, on one input, as float64.
    """

    name: str
    framework: Framework
    op: str  # adapter
    apply: Callable[[Case, str, str, int], tuple[Floats, Floats]]
    # In units of the output's rms, by case, where it splits the weight and puts it together again.
    rounding: Callable[[Case], float] = lambda case: 0.0
    unsupported: Mapping[str, str] = field(default_factory=dict)


class LayerSignals(NamedTuple):
    """One signal through one linear map of a network, there and back, as float64 vectors."""

    inputs: Floats  # (fan_in,), what the map is fed
    outputs: Floats  # (fan_out,), before the activation
    output_gradient: Floats  # (fan_out,), at the outputs
    input_gradient: Floats  # (fan_in,), at the inputs, through this map alone


@dataclass(frozen=True, kw_only=True)
class Network(Asked):
    """A network of linear maps with activations between, as a framework initialises and runs it.

    `draws(case, dtype, device, seed, count)` yields `count` freshly initialised networks, each as the signals of one
    random input through its maps in their order; the gradient at the network's end is random too, and knows no weight.
    Biases are zero.
    """

    name: str
    framework: Framework
    op: str  # network
    documented: str  # of the weights of every map, over fan_in and fan_out
    draws: Callable[[Case, str, str, int, int], Iterator[Sequence[LayerSignals]]]
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Activation(Asked):
    """An elementwise function of one argument. `apply(x, dtype, device)` rounds the vector x to the dtype.

    It returns "output" and, where the framework differentiates it, "slope", the derivative that its own automatic
    differentiation finds, both as float64, under "dtype" the name of the output's dtype, and where it
    has a variant `in_place` that overwrites its argument, that one's output under "in place".
    """

    name: str
    framework: Framework
    op: str  # activation
    function: str  # what its documentation says it is: a name and parameter such as "gelu" or "leaky_relu:0.2"
    apply: Callable[[Floats, str, str], Mapping[str, Any]]
    in_place: bool = False
    unsupported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Experiment(Asked):
    """A computation of a framework on random input, repeated: what comes out of it has a law.

    `run(case, dtype, device, seed, count)` repeats it `count` times and returns, by name, what each time gave.
    """

    name: str
    framework: Framework
    op: str  # what is computed; the claims on it stand under the same name
    run: Callable[[Case, str, str, int, int], Mapping[str, Floats]]
    unsupported: Mapping[str, str] = field(default_factory=dict)
