"""keras.layers: default initialisation of the layers that are linear maps, embeddings and norms."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import KERAS, drawn, keras
from varlaw.subjects.keras.measure import Build, measured
from varlaw.subjects.subject import Case, Sampler, Tensor

Measure = Callable[[Case], tuple[float, float]]

ZEROS, ONES = "Constant(0)", "Constant(1)"
_NAME = "layer"  # of every layer built here; the paths of its weights begin with it


def weights(layer: Any) -> dict[str, Any]:
    """Every weight of a built layer, by its path below the layer."""
    return {w.path.removeprefix(f"{_NAME}/").replace("/", "."): w.value for w in layer.weights}


def made(name: str, dtype: str, *arguments: Any, **named: Any) -> Any:
    """A layer of `keras.layers`, not yet built."""
    return getattr(keras().layers, name)(*arguments, name=_NAME, dtype=dtype, **named)


def layer_row(
    name: str,
    op: str,
    build: Build,
    tensors: Mapping[str, str],
    *,
    layouts: Mapping[str, str] | None = None,
    measure: Measure | None = None,
    claims: Mapping[str, Mapping[str, str]] | None = None,
    seen: Callable[[dict[str, Any]], Mapping[str, Any]] = lambda w: w,
    unsupported: Mapping[str, str] | None = None,
) -> Sampler:
    """A row for the layer that `build` makes; `layouts` and `claims` go by tensor, `seen` shows weights in parts."""
    rows = tuple(
        Tensor(name=n, documented=law, layout=(layouts or {}).get(n), claims=(claims or {}).get(n, {}))
        for n, law in tensors.items()
    )
    draws = drawn(lambda case, dtype: seen(weights(build(case, dtype))))
    return Sampler(
        name=f"keras.layers.{name}", framework=KERAS, op=op, tensors=rows, draws=draws, measure=measure,
        unsupported=unsupported or {},
    )  # fmt: skip


def simple(
    name: str,
    op: str,
    tensors: Mapping[str, str],
    arguments: Callable[[Case], tuple[Any, ...]],
    inputs: Callable[[Case], tuple[int, ...]],
    label: str = "",
    **fixed: Any,
) -> Sampler:
    """A layer without a measured map of its own: positional `arguments`, built on `inputs` (without the batch)."""

    def build(case: Case, dtype: str) -> Any:
        layer = made(name, dtype, *arguments(case), **fixed)
        layer.build((None, *inputs(case)))
        return layer

    return layer_row(name + label, op, build, tensors)


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _dense() -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        layer = made("Dense", dtype, c["out_features"])
        layer.build((None, c["in_features"]))
        return layer

    tensors = {"kernel": "glorot_uniform(in_features, out_features)", "bias": ZEROS}
    measure = measured(build, 0, lambda c: (c["in_features"],))
    return layer_row("Dense", "linear", build, tensors, layouts={"kernel": "keras.dense"}, measure=measure)


_EINSUM: dict[str, tuple[str, Callable[[Case], tuple[Any, ...]], str, str]] = {
    "": ("abc,cd->abd", lambda c: (None, c["out_features"]), "in_features", "out_features"),
    # The projections of an attention: to heads, and from heads.
    "heads": ("abc,cde->abde", lambda c: (None, c["num_heads"], c["head_dim"]), "embed_dim", "num_heads*head_dim"),
    "merge": ("abde,dec->abc", lambda c: (None, c["embed_dim"]), "num_heads*head_dim", "embed_dim"),
}


def _einsum(kind: str) -> Sampler:
    equation, output, fan_in, fan_out = _EINSUM[kind]

    def channels(c: Case) -> tuple[int, ...]:
        if kind == "merge":
            return (c["num_heads"], c["head_dim"])
        return (c["embed_dim" if kind else "in_features"],)

    def build(c: Case, dtype: str) -> Any:
        letters = equation.rpartition("->")[2][2:]
        layer = made("EinsumDense", dtype, equation, output_shape=output(c), bias_axes=letters)
        layer.build((None, 8, *channels(c)))
        return layer

    tensors = {"kernel": f"glorot_uniform({fan_in}, {fan_out})", "bias": ZEROS}
    claims = {"kernel": {"init.true_fan": "glorot_uniform(fan_in, fan_out)"}}
    label, op = (f"({equation})", "heads") if kind else ("", "linear")
    measure = measured(build, 1, channels)
    return layer_row(f"EinsumDense{label}", op, build, tensors, claims=claims, measure=measure)


def convolution(name: str, dims: int) -> Build:
    """A builder of Keras's convolution `name` from a case; transposed ones take no groups."""

    def build(c: Case, dtype: str) -> Any:
        grouped = {} if "Transpose" in name else {"groups": c["groups"]}
        layer = made(name, dtype, c["out_channels"], c["kernel_size"], strides=c["stride"], **grouped)
        layer.build((None, *[2 * c["kernel_size"] + 4 * c["stride"]] * dims, c["in_channels"]))
        return layer

    return build


def _conv(dims: int) -> Sampler:
    name, taps = f"Conv{dims}D", f"kernel_size**{dims}"
    build = convolution(name, dims)
    # Fans as compute_fans reads them off the kernel (taps, in_channels/groups, out_channels).
    law = f"glorot_uniform(in_channels/groups*{taps}, out_channels*{taps})"
    claims = {"kernel": {"init.true_fan": "glorot_uniform(fan_in, fan_out)"}}
    return layer_row(
        name, f"conv{dims}d", build, {"kernel": law, "bias": ZEROS},
        layouts={"kernel": "keras.conv"}, measure=measured(build, dims, _in_channels), claims=claims,
    )  # fmt: skip


def _conv_transpose(dims: int) -> Sampler:
    name, taps = f"Conv{dims}DTranspose", f"kernel_size**{dims}"
    build = convolution(name, dims)
    law = f"glorot_uniform(out_channels*{taps}, in_channels*{taps})"
    claims = {"kernel": {"init.true_fan": "glorot_uniform(fan_in, fan_out)"}}
    return layer_row(
        name, f"conv_transpose{dims}d_ungrouped", build, {"kernel": law, "bias": ZEROS},
        layouts={"kernel": "keras.conv_transpose"}, measure=measured(build, dims, _in_channels), claims=claims,
    )  # fmt: skip


def _in_channels(case: Case) -> tuple[int, ...]:
    return (case["in_channels"],)


def _depthwise(dims: int) -> Sampler:
    name, taps = f"DepthwiseConv{dims}D", f"kernel_size**{dims}"

    def build(c: Case, dtype: str) -> Any:
        layer = made(name, dtype, c["kernel_size"], strides=c["stride"], depth_multiplier=c["depth_multiplier"])
        layer.build((None, *[2 * c["kernel_size"] + 4 * c["stride"]] * dims, c["in_channels"]))
        return layer

    # compute_fans reads the channels, each of which is convolved by itself, as inputs of one sum.
    tensors = {"kernel": f"glorot_uniform(in_channels*{taps}, depth_multiplier*{taps})", "bias": ZEROS}
    claims = {"kernel": {"init.true_fan": "glorot_uniform(fan_in, fan_out)"}}
    return layer_row(
        name, f"depthwise_conv{dims}d", build, tensors,
        layouts={"kernel": "keras.depthwise_conv"}, measure=measured(build, dims, _in_channels), claims=claims,
    )  # fmt: skip


def _separable(dims: int) -> Sampler:
    name, taps = f"SeparableConv{dims}D", f"kernel_size**{dims}"

    def build(c: Case, dtype: str) -> Any:
        arguments = {"strides": c["stride"], "depth_multiplier": c["depth_multiplier"]}
        layer = made(name, dtype, c["out_channels"], c["kernel_size"], **arguments)
        layer.build((None, *[2 * c["kernel_size"] + 4 * c["stride"]] * dims, c["in_channels"]))
        return layer

    tensors = {
        "depthwise_kernel": f"glorot_uniform(in_channels*{taps}, depth_multiplier*{taps})",
        "pointwise_kernel": "glorot_uniform(in_channels*depth_multiplier, out_channels)",
        "bias": ZEROS,
    }
    # The depthwise kernel alone sums one channel's taps.
    of_one = f"glorot_uniform({taps}, depth_multiplier*{taps}/stride**{dims})"
    claims = {"depthwise_kernel": {"init.true_fan": of_one}}
    return layer_row(name, f"separable_conv{dims}d", build, tensors, claims=claims)


def _reversible_embedding() -> Sampler:
    tensors = {"embeddings": "Uniform(0.05)", "reverse_embeddings": "Uniform(0.05)"}
    return simple("ReversibleEmbedding", "embedding", tensors, _vocabulary, lambda c: (1,), tie_weights=False)


def _vocabulary(c: Case) -> tuple[int, int]:
    return (c["num_embeddings"], c["embedding_dim"])


def _features(c: Case) -> tuple[int]:
    return (c["num_features"],)


def _nothing(c: Case) -> tuple[()]:
    return ()


_AFFINE = {"gamma": ONES, "beta": ZEROS}
_RUNNING = {"moving_mean": ZEROS, "moving_variance": ONES}
_RENORM = {"moving_stddev": ONES, "renorm_mean": ZEROS, "renorm_stddev": ONES}


def _spectral() -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        inner = keras().layers.Dense(c["out_features"], name="dense", dtype=dtype)
        layer = made("SpectralNormalization", dtype, inner)
        layer.build((None, c["in_features"]))
        return layer

    tensors = {
        "dense.kernel": "glorot_uniform(in_features, out_features)",
        "dense.bias": ZEROS,
        "vector_u": "TruncatedNormal(0.02, -2, 2)",
    }
    return layer_row("SpectralNormalization", "linear", build, tensors)


def _time_distributed() -> Sampler:
    def build(c: Case, dtype: str) -> Any:
        layer = made("TimeDistributed", dtype, keras().layers.Dense(c["out_features"], name="dense", dtype=dtype))
        layer.build((None, 4, c["in_features"]))
        return layer

    tensors = {"dense.kernel": "glorot_uniform(in_features, out_features)", "dense.bias": ZEROS}
    return layer_row("TimeDistributed", "linear", build, tensors)


LAYERS: tuple[Sampler, ...] = (
    _dense(),
    *(_einsum(kind) for kind in _EINSUM),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    *(_depthwise(d) for d in (1, 2)),
    *(_separable(d) for d in (1, 2)),
    simple("Embedding", "embedding", {"embeddings": "Uniform(0.05)"}, _vocabulary, lambda c: (1,)),
    _reversible_embedding(),
    _spectral(),
    _time_distributed(),
    simple("PReLU", "features", {"alpha": ZEROS}, _nothing, _features),
    simple("BatchNormalization", "features", _AFFINE | _RUNNING, _nothing, _features),
    simple("LayerNormalization", "features", _AFFINE, _nothing, _features),
    simple("GroupNormalization", "features", _AFFINE, lambda c: (1,), _features),
    simple("RMSNormalization", "features", {"scale": ONES}, _nothing, _features),
)
