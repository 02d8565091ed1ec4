"""haiku: the default initialisation of every layer with parameters, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.boundary import measure_fans
from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.jax.framework import flat, ones_like, sampler
from varlaw.subjects.rows import ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler

Make = Callable[[Any, Case], Any]  # (haiku, case) -> module, inside a transform
Shape = Callable[[Case], tuple[int, ...]]  # of one input, zero where a spatial side goes


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

    def forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
        import jax
        import jax.numpy as jnp

        function = transformed(case)
        x = jnp.zeros([side or 8 for side in shape(case)])
        weights, state = ones_like(jax.eval_shape(function.init, jax.random.key(0), x))
        return lambda x: function.apply(weights, state, None, x)[0], [shape(case)]

    measured = {"measure": measure_fans(HAIKU, forward, dims, channels_last=True)} if dims is not None else {}
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
    tensors = {"w": _default("in_features"), "b": ZEROS}
    return _layer(
        "Linear", "linear", lambda hk, c: hk.Linear(c["out_features"]), shape, tensors, dims=0, layout="jax.dense"
    )


def _spatial(dims: int) -> Shape:
    return lambda c: (1, *[0] * dims, c["in_channels"])


def _conv(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        moves = {"stride": c["stride"], "feature_group_count": c["groups"]}
        return getattr(hk, f"Conv{dims}D")(c["out_channels"], c["kernel_size"], **moves)

    tensors = {"w": _default(f"in_channels*kernel_size**{dims}/groups"), "b": ZEROS}
    name, op = f"Conv{dims}D", f"conv{dims}d"
    return _layer(name, op, make, _spatial(dims), tensors, dims=dims, layout="jax.conv")


def _conv_transpose(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        return getattr(hk, f"Conv{dims}DTranspose")(c["out_channels"], c["kernel_size"], stride=c["stride"])

    tensors = {"w": _default(f"in_channels*kernel_size**{dims}"), "b": ZEROS}
    name, op = f"Conv{dims}DTranspose", f"conv_transpose{dims}d_ungrouped"
    return _layer(name, op, make, _spatial(dims), tensors, dims=dims, layout="keras.conv_transpose")


def _depthwise(dims: int) -> Sampler:
    def make(hk: Any, c: Case) -> Any:
        return getattr(hk, f"DepthwiseConv{dims}D")(c["depth_multiplier"], c["kernel_size"], c["stride"])

    tensors = {"w": _default(f"kernel_size**{dims}"), "b": ZEROS}
    claims = {"w": {"init.true_fan": "lecun_truncated(fan_in)"}}
    op = f"depthwise_conv{min(dims, 2)}d"
    return _layer(f"DepthwiseConv{dims}D", op, make, _spatial(dims), tensors, dims=dims, claims=claims)


def _separable() -> Sampler:
    """Two depthwise convolutions, one along each side of the kernel; only the second has a bias."""

    def make(hk: Any, c: Case) -> Any:
        return hk.SeparableDepthwiseConv2D(c["depth_multiplier"], c["kernel_size"], c["stride"])

    tensors = {f"depthwise_conv2_d{n}.w": _default("kernel_size") for n in ("", "_1")}
    tensors["depthwise_conv2_d_1.b"] = ZEROS
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
        "input_to_hidden.b": ZEROS,
        "hidden_to_hidden.w": _default(f"out_channels*kernel_size**{dims}"),
        "hidden_to_hidden.b": ZEROS,
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
    tensors = {f"{n}.w": "lecun_truncated(embed_dim)" for n in names} | {f"{n}.b": ZEROS for n in names}
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
    only = dict.fromkeys(
        ("float64", "float16", "bfloat16"), "haiku.Embed draws in float32 unless a policy says otherwise"
    )
    tensors = {"embeddings": "TruncatedNormal(1, -2, 2)"}
    return _layer("Embed", "embedding", make, lambda c: (1,), tensors, unsupported=only)


_AFFINE = {"scale": ONES, "offset": ZEROS}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    *(_depthwise(d) for d in (1, 2, 3)),
    _separable(),
    _embed(),
    _features("Bias", {"b": ZEROS}),
    _cell(
        "VanillaRNN",
        {
            "linear.w": _default("input_size"),
            "linear.b": ZEROS,
            "linear_1.w": _default("hidden_size"),
            "linear_1.b": ZEROS,
        },
    ),
    _cell("LSTM", {"linear.w": _default("input_size + hidden_size"), "linear.b": ZEROS}),
    _cell("GRU", {"w_i": "lecun_truncated(input_size)", "w_h": "lecun_truncated(hidden_size)", "b": ZEROS}),
    *(_conv_lstm(d) for d in (1, 2, 3)),
    _attention(),
    _features("BatchNorm", _AFFINE, True, True, 0.9),
    _features("LayerNorm", _AFFINE, -1, True, True),
    _features("RMSNorm", {"scale": ONES}, -1),
    _features("GroupNorm", _AFFINE, 1),
    _features("InstanceNorm", _AFFINE, True, True),
)
