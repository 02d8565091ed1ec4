"""haiku: initialisers, the default initialisation of every layer with parameters, norms and dropout."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.jax.dropouts import dropout
from varlaw.subjects.jax.framework import flat, framework, measure_fans, ones_like, sampler
from varlaw.subjects.jax.initialisers import measure, read_shape, stored_shape
from varlaw.subjects.jax.norms import norm
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.subject import Case, Dropout, Norm, Sampler, Subject

HAIKU = framework("haiku")

Make = Callable[[Any, Case], Any]  # (haiku, case) -> module, inside a transform
Shape = Callable[[Case], tuple[int, ...]]  # of one input, zero where a spatial side goes
_ZEROS, _ONES = "Constant(0)", "Constant(1)"


def _layer(
    name: str,
    op: str,
    make: Make,
    shape: Shape,
    tensors: Mapping[str, str],
    *,
    dims: int | None = None,
    layout: str = "",
    **rest: Any,
) -> Sampler:
    """A row for the module that `make` builds, called on one input; `dims` is set where it measures its own fan."""

    def transformed(case: Case) -> Any:
        import haiku as hk

        return hk.transform_with_state(lambda x: make(hk, case)(x))

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax.numpy as jnp

        function, x = transformed(case), jnp.zeros([side or 8 for side in shape(case)], dtype)
        return lambda key: _named(function.init(key, x)[0])

    def forward(case: Case) -> tuple[Callable[[Any], Any], tuple[int, ...]]:
        import jax
        import jax.numpy as jnp

        function = transformed(case)
        x = jnp.zeros([side or 8 for side in shape(case)])
        weights, state = ones_like(jax.eval_shape(function.init, jax.random.key(0), x))
        return lambda x: function.apply(weights, state, None, x)[0], shape(case)

    measured = {"measure": measure_fans(forward, dims)} if dims is not None else {}
    layouts = {"w": layout} if layout else {}
    return sampler(HAIKU, f"haiku.{name}", op, build, tensors, layouts=layouts, **measured, **rest)


def _named(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Names below the outermost module: {"lstm/linear": {"w": ...}} becomes {"linear.w": ...}."""
    tree = {module.partition("/")[2].replace("~/", "").replace("/", "."): x for module, x in weights.items()}
    return {n.lstrip("."): x for n, x in flat(tree).items()}


# Documented: truncated normal with stddev 1/sqrt(fan_in), the parameter of the normal law before it is cut.
def _default(fan: str) -> str:
    return f"TruncatedNormal(1/sqrt({fan}), -2, 2)"


def _linear() -> Sampler:
    shape: Shape = lambda c: (1, c["in_features"])  # noqa: E731 - a table's entry
    tensors = {"w": _default("in_features"), "b": _ZEROS}
    return _layer(
        "Linear", "linear", lambda hk, c: hk.Linear(c["out_features"]), shape, tensors, dims=0, layout="jax.dense"
    )


def _spatial(dims: int) -> Shape:
    return lambda c: (1, *[0] * dims, c["in_channels"])


def _conv(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        moves = {"stride": c["stride"], "feature_group_count": c["groups"]}
        return getattr(hk, f"Conv{dims}D")(c["out_channels"], c["kernel_size"], **moves)

    tensors = {"w": _default(f"in_channels*kernel_size**{dims}/groups"), "b": _ZEROS}
    name, op = f"Conv{dims}D", f"conv{dims}d"
    return _layer(name, op, make, _spatial(dims), tensors, dims=dims, layout="jax.conv")


def _conv_transpose(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        return getattr(hk, f"Conv{dims}DTranspose")(c["out_channels"], c["kernel_size"], stride=c["stride"])

    tensors = {"w": _default(f"in_channels*kernel_size**{dims}"), "b": _ZEROS}
    name, op = f"Conv{dims}DTranspose", f"conv_transpose{dims}d_ungrouped"
    return _layer(name, op, make, _spatial(dims), tensors, dims=dims, layout="keras.conv_transpose")


def _depthwise(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        return getattr(hk, f"DepthwiseConv{dims}D")(c["depth_multiplier"], c["kernel_size"], c["stride"])

    tensors = {"w": _default(f"kernel_size**{dims}"), "b": _ZEROS}
    claims = {"w": {"init.true_fan": "lecun_truncated(fan_in)"}}
    op = f"depthwise_conv{min(dims, 2)}d"
    return _layer(f"DepthwiseConv{dims}D", op, make, _spatial(dims), tensors, dims=dims, claims=claims)


def _separable() -> Sampler:
    """Two depthwise convolutions, one along each side of the kernel; only the second has a bias."""

    def make(hk: Any, c: Case) -> Any:
        return hk.SeparableDepthwiseConv2D(c["depth_multiplier"], c["kernel_size"], c["stride"])

    tensors = {f"depthwise_conv2_d{n}.w": _default("kernel_size") for n in ("", "_1")}
    tensors["depthwise_conv2_d_1.b"] = _ZEROS
    return _layer("SeparableDepthwiseConv2D", "depthwise_conv2d", make, _spatial(2), tensors)


# -- recurrent and attention -------------------------------------------------------------------------------------------


def _cell(name: str, tensors: Mapping[str, str]) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        cell = getattr(hk, name)(c["hidden_size"])
        return lambda x: cell(x, cell.initial_state(1))[0]

    return _layer(name, "recurrent", make, lambda c: (1, c["input_size"]), tensors)


def _conv_lstm(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        cell = getattr(hk, f"Conv{dims}DLSTM")([6] * dims, c["out_channels"], c["kernel_size"])
        return lambda x: cell(x, cell.initial_state(1))[0]

    tensors = {
        "input_to_hidden.w": _default(f"in_channels*kernel_size**{dims}"),
        "input_to_hidden.b": _ZEROS,
        "hidden_to_hidden.w": _default(f"out_channels*kernel_size**{dims}"),
        "hidden_to_hidden.b": _ZEROS,
    }
    shape: Shape = lambda c: (1, *[6] * dims, c["in_channels"])  # noqa: E731
    return _layer(f"Conv{dims}DLSTM", f"conv_lstm{dims}d", make, shape, tensors)


def _attention() -> Sampler:
    """Its `w_init` must be given: here VarianceScaling, as the deprecated `w_init_scale=1` gave."""

    def make(hk: Any, c: Case) -> Any:
        width = c["embed_dim"] // c["num_heads"]
        layer = hk.MultiHeadAttention(c["num_heads"], width, w_init=hk.initializers.VarianceScaling())
        return lambda x: layer(x, x, x)

    names = ("query", "key", "value", "linear")
    tensors = {f"{n}.w": "lecun_truncated(embed_dim)" for n in names} | {f"{n}.b": _ZEROS for n in names}
    return _layer("MultiHeadAttention", "attention", make, lambda c: (1, 3, c["embed_dim"]), tensors)


def _features(name: str, tensors: Mapping[str, str], *arguments: Any, **more: Any) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        module = getattr(hk, name)(*arguments, **more)
        return (lambda x: module(x, True)) if name == "BatchNorm" else module

    return _layer(name, "features", make, lambda c: (2, 4, c["num_features"]), tensors)


def _embed() -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        module = hk.Embed(c["num_embeddings"], c["embedding_dim"])
        return lambda x: module(x.astype(int))

    # The matrix is always drawn in float32, whatever the input's dtype.
    only = dict.fromkeys(("float64", "float16", "bfloat16"), "haiku.Embed draws in float32 unless a policy says otherwise")
    tensors = {"embeddings": "TruncatedNormal(1, -2, 2)"}
    return _layer("Embed", "embedding", make, lambda c: (1,), tensors, unsupported=only)


_AFFINE = {"scale": _ONES, "offset": _ZEROS}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    *(_depthwise(d) for d in (1, 2, 3)),
    _separable(),
    _embed(),
    _features("Bias", {"b": _ZEROS}),
    _cell(
        "VanillaRNN",
        {
            "linear.w": _default("input_size"),
            "linear.b": _ZEROS,
            "linear_1.w": _default("hidden_size"),
            "linear_1.b": _ZEROS,
        },
    ),
    _cell("LSTM", {"linear.w": _default("input_size + hidden_size"), "linear.b": _ZEROS}),
    _cell("GRU", {"w_i": "lecun_truncated(input_size)", "w_h": "lecun_truncated(hidden_size)", "b": _ZEROS}),
    *(_conv_lstm(d) for d in (1, 2, 3)),
    _attention(),
    _features("BatchNorm", _AFFINE, True, True, 0.9),
    _features("LayerNorm", _AFFINE, -1, True, True),
    _features("RMSNorm", {"scale": _ONES}, -1),
    _features("GroupNorm", _AFFINE, 1),
    _features("InstanceNorm", _AFFINE, True, True),
)

# -- initialisers ------------------------------------------------------------------------------------------------------

Init = Callable[[Any, Case], Any]  # (haiku.initializers, case) -> initialiser


def _initialiser(name: str, op: str, documented: str, make: Init, true: str = "", **rest: Any) -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import haiku as hk

        function = hk.transform(lambda: make(hk.initializers, case)(stored_shape(case), dtype))
        return lambda key: {"": function.apply({}, key)}

    layered: dict[str, Any] = {"shape": read_shape, "measure": measure} if op == "fill" else {}
    claims = {"": {"init.true_fan": true}} if true else {}
    return sampler(HAIKU, f"haiku.initializers.{name}", op, build, {"": documented}, claims=claims, **layered, **rest)


def _scaling(mode: str, distribution: str) -> Sampler:
    law = f"variance_scaling(2.0, {{}}fan('{mode}'), '{distribution}')"
    name = f"VarianceScaling({mode}, {distribution})"
    make: Init = lambda m, c: m.VarianceScaling(2.0, mode, distribution)  # noqa: E731
    return _initialiser(name, "fill", law.format("shape_"), make, law.format(""))


INITIALISERS: tuple[Sampler, ...] = (
    _initialiser("RandomNormal", "shape", "Normal(scale)", lambda m, c: m.RandomNormal(c["scale"])),
    _initialiser("RandomUniform", "shape", "Uniform(scale)", lambda m, c: m.RandomUniform(-c["scale"], c["scale"])),
    _initialiser(
        "TruncatedNormal", "shape", "TruncatedNormal(scale, -2, 2)", lambda m, c: m.TruncatedNormal(c["scale"])
    ),
    _initialiser("Constant", "shape", "Constant(scale)", lambda m, c: m.Constant(c["scale"])),
    _initialiser("Identity", "matrix", "Identity()", lambda m, c: m.Identity()),
    _initialiser(
        "Orthogonal", "matrix", "Orthogonal(scale)", lambda m, c: m.Orthogonal(c["scale"]), unsupported=NO_QR
    ),
    _initialiser(
        "UniformScaling",
        "fill",
        "lecun_uniform(shape_fan_in)",
        lambda m, c: m.UniformScaling(),
        "lecun_uniform(fan_in)",
    ),
    _scaling("fan_in", "truncated_normal"),
    _scaling("fan_out", "normal"),
    _scaling("fan_avg", "uniform"),
)

# -- norms and dropout -------------------------------------------------------------------------------------------------


def _norm(name: str, op: str, make: Make, statistics: str = "") -> Norm:
    """`statistics` names the module whose running averages are looked at after one step."""

    def call(x: Any, case: Case, dtype: Any) -> Any:
        import haiku as hk
        import jax

        function = hk.transform_with_state(lambda x: make(hk, case)(x))
        y, state = function.apply(*function.init(jax.random.key(0), x), None, x)
        if not statistics:
            return y
        return (y, *(state[f"{statistics}/~/{n}_ema"]["average"] for n in ("mean", "var")))

    return norm(HAIKU, f"haiku.{name}.__call__", op, call)


def _batch(hk: Any, c: Case) -> Any:
    module = hk.BatchNorm(True, True, 1 - c["momentum"], eps=c["eps"])
    return lambda x: module(x, is_training=True)


NORMS: tuple[Norm, ...] = (
    _norm("BatchNorm", "batch_norm", _batch, "batch_norm"),
    _norm("LayerNorm", "layer_norm", lambda hk, c: hk.LayerNorm(-1, True, True, eps=c["eps"])),
    _norm(
        "LayerNorm(fast)",
        "layer_norm",
        lambda hk, c: hk.LayerNorm(-1, True, True, eps=c["eps"], use_fast_variance=True),
    ),
    _norm("RMSNorm", "rms_norm", lambda hk, c: hk.RMSNorm(-1, eps=c["eps"])),
    _norm("GroupNorm", "group_norm", lambda hk, c: hk.GroupNorm(c["groups"], eps=c["eps"])),
    _norm("InstanceNorm", "instance_norm", lambda hk, c: hk.InstanceNorm(True, True, eps=c["eps"])),
)


def _drop(x: Any, p: float, key: Any) -> Any:
    import haiku as hk

    return hk.dropout(key, p, x)


DROPOUTS: tuple[Dropout, ...] = (dropout(HAIKU, "haiku.dropout", "dropout", _drop),)

SUBJECTS: tuple[Subject, ...] = (*INITIALISERS, *LAYERS, *NORMS, *DROPOUTS)

# -- what there is -----------------------------------------------------------------------------------------------------


def PUBLIC() -> Iterator[str]:  # noqa: N802 - the name that the registry's contract gives it
    """Every module class under haiku, every initialiser, and the functions that drop or draw."""
    import haiku as hk

    for name, value in vars(hk).items():
        if inspect.isclass(value) and issubclass(value, hk.Module) and not name.startswith("_"):
            yield f"haiku.{name}"
    yield from (f"haiku.initializers.{name}" for name in dir(hk.initializers) if name[0].isupper())
    yield from (f"haiku.{name}" for name in ("dropout", "multinomial"))


_BASE = "base class of the classes that have rows"
_CONTAINER = "wraps or chains other modules, without parameters of its own"
LEFT_OUT: Mapping[str, str] = {
    "haiku.AvgPool": "holds no parameters",
    "haiku.MaxPool": "holds no parameters",
    "haiku.Flatten": "holds no parameters",
    "haiku.Reshape": "holds no parameters",
    "haiku.BatchApply": _CONTAINER,
    "haiku.ConvND": _BASE,
    "haiku.ConvNDTranspose": _BASE,
    "haiku.RNNCore": _BASE,
    "haiku.Module": _BASE,
    "haiku.DeepRNN": _CONTAINER,
    "haiku.ResetCore": _CONTAINER,
    "haiku.Sequential": _CONTAINER,
    "haiku.Deferred": _CONTAINER,
    "haiku.IdentityCore": "holds no parameters",
    "haiku.EMAParamsTree": "averages parameters that other modules drew",
    "haiku.ExponentialMovingAverage": "held through haiku.BatchNorm's running statistics",
    "haiku.SNParamsTree": "divides parameters that other modules drew by their largest singular value",
    "haiku.SpectralNorm": "divides a matrix that another module drew by its largest singular value",
    "haiku.initializers.Initializer": "the type of an initialiser",
    "haiku.multinomial": "draws classes, not weights",
}
