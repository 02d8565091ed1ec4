"""Records of what is put to the test: the framework's real layers and functions, with what their documentation says.

A subject never knows the law it will be held against. It states, in ASCII Python over the case, the distribution that
its documentation promises, and it runs the real thing. Rows of a framework live in one file, imported lazily; a new
framework is one new file and one row of `frameworks.toml`.

A framework's module holds `SUBJECTS`, and beside them `PUBLIC`, a function that lists the public names that draw,
normalise, clip, drop or scale, read off the framework's own namespaces, and `LEFT_OUT`, which gives a reason for every
such name without a row. A test holds the three against each other, so a new public name cannot pass unnoticed.

A *case* is a flat mapping in one vocabulary for all frameworks: `in_features`, `out_features`, `in_channels`,
`out_channels`, `kernel_size`, `stride`, `groups`, `hidden_size`, `embed_dim`, ... The names `fan_in` and `fan_out` in a
promise mean the true fans (measured on the layer itself where it can be), `shape_fan_in` and `shape_fan_out` the
convention that reads them off the weight's shape.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Case = Mapping[str, Any]
Array = Any  # of any array-API library
Floats = NDArray[np.float64]
Draws = Callable[[Case, str, str, int, int], Iterator[Mapping[str, Array]]]
UNPROMISED = "without a law"  # the role of a parameter that has none, where each should have one


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A library under test: how to find it, which version it is, and where it can run."""

    name: str
    version: Callable[[], str]  # raises ImportError when the framework is not there
    devices: Callable[[], tuple[str, ...]]
    hardware: Callable[[str], str] = lambda device: ""  # of a device: name, and switches that change its arithmetic
    release: Callable[[], None] = lambda: None  # called after each subject: lets go of what would fill the memory


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where a row is asked: as it stands, in every case of its op and in every dtype.

    `cases(claim, cases of its op, dtype)` are those in which one claim is asked.
    """

    cases: Callable[[str, Sequence[Case], str], Sequence[Case]] | None = None
    dtypes: tuple[str, ...] = ()  # empty: every one
    as_: str | None = None  # a row of another framework whose documented deviations are this one's, too


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


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a whole model's parameters of one kind promise, e.g. the matrices of its linear layers."""

    role: str  # linear, conv, embedding, residual, head, bias, ...
    documented: str  # in ASCII over the model's config and the shape's fans, e.g. "Normal(initializer_range)"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter or buffer of a built model: which role it plays, its own fans, what it knows of the configuration.

    The roles "norm_scale", "vector" and "buffer" carry no promise; whatever is of another role and bears no `meant`
    should be random.
    """

    role: str
    shape: tuple[int, ...]
    fan_in: float | None = None
    fan_out: float | None = None
    names: Mapping[str, Any] = field(default_factory=dict)  # further names for the promise of its role
    zero_rows: tuple[int, ...] = ()  # along the first axis: promised to be zero, as the vector of a padding token
    stacked: bool = False  # matrices of several experts, heads or gates along the first axis, drawn separately
    meant: str = ""  # why it is constant, or equal to another, on purpose


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


class Passage(NamedTuple):
    """One signal through one linear map of a network, there and back, as float64 vectors."""

    inputs: Floats  # (fan_in,), what the map is fed
    outputs: Floats  # (fan_out,), before the activation
    output_gradient: Floats  # (fan_out,), at the outputs
    input_gradient: Floats  # (fan_in,), at the inputs, through this map alone


@dataclass(frozen=True, kw_only=True)
class Network(Asked):
    """A network of linear maps with activations between, as a framework initialises and runs it.

    `draws(case, dtype, device, seed, count)` yields `count` freshly initialised networks, each as the passages of one
    random input through its maps in their order; the gradient at the network's end is random too, and knows no weight.
    Biases are zero.
    """

    name: str
    framework: Framework
    op: str  # network
    documented: str  # of the weights of every map, over fan_in and fan_out
    draws: Callable[[Case, str, str, int, int], Iterator[Sequence[Passage]]]
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


Subject = (
    Sampler
    | Norm
    | Clipper
    | Normaliser
    | Gain
    | Loss
    | Dropout
    | Adapter
    | Model
    | Network
    | Sharded
    | Activation
    | Numbers
    | Experiment
)
