"""keras.layers: default initialisation of the layers that are linear maps, embeddings and norms."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.keras.framework import KERAS, keras
from varlaw.subjects.namespace import Make, Namespace
from varlaw.subjects.rows import ONES, ZEROS, sampler
from varlaw.subjects.subject import Case, Sampler

Named = Callable[[Case], Mapping[str, Any]]  # the arguments of a constructor
Widths = Callable[[Case], tuple[int, ...]]  # of an input, without the batch

_NAME = "layer"  # of every layer built here; the paths of its weights begin with it


def built(name: str, arguments: Named, inputs: Widths) -> Make:
    """The layer of that name, built on inputs of a shape."""

    def make(layers: Any, c: Case, f: Mapping[str, Any]) -> Any:
        layer = getattr(layers, name)(**arguments(c), **f)
        layer.build((None, *inputs(c)))
        return layer

    return make


def _weights(layer: Any, dtype: str) -> dict[str, Any]:
    """Every weight of a built layer, by its path below the layer."""
    return {w.path.removeprefix(f"{_NAME}/").replace("/", "."): w.value for w in layer.weights}


def convolution(name: str, dims: int, *, filters: bool = True) -> Make:
    """Keras's convolution `name`; it gets what the case knows of groups and of the multiplier of depth."""

    def arguments(c: Case) -> dict[str, Any]:
        grouped = {} if "Transpose" in name or "depth_multiplier" in c else {"groups": c["groups"]}
        wide = {"filters": c["out_channels"]} if filters else {}
        deep = {"depth_multiplier": c["depth_multiplier"]} if "depth_multiplier" in c else {}
        return {"kernel_size": c["kernel_size"], "strides": c["stride"], **wide, **grouped, **deep}

    def inputs(c: Case) -> tuple[int, ...]:
        return (*[2 * c["kernel_size"] + 4 * c["stride"]] * dims, c["in_channels"])

    return built(name, arguments, inputs)


def _dense(inputs: str, outputs: str) -> Make:
    return built("Dense", lambda c: {"units": c[outputs]}, lambda c: (c[inputs],))


NN = Namespace(
    of=KERAS,
    name="keras.layers",
    find=lambda: keras().layers,
    parameters=_weights,
    keywords=lambda dtype, device: {"dtype": dtype, "name": _NAME},
    linear=_dense("in_channels", "out_channels"),
    conv=lambda dims, transposed: convolution(f"Conv{dims}D{'Transpose' * transposed}", dims),
    weight="kernel",
    channels_last=True,
)


def in_parts(
    name: str, op: str, make: Make, tensors: Mapping[str, str], *, seen: Callable[[dict[str, Any]], Any], **rest: Any
) -> Sampler:
    """A layer whose weights `seen` shows in parts."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        parts: Mapping[str, Any] = seen(_weights(make(NN.find(), case, NN.keywords(dtype, device)), dtype))
        return parts

    return sampler(KERAS, f"keras.layers.{name}", op, build, tensors, **rest)


def _simple(name: str, op: str, tensors: Mapping[str, str], inputs: Widths, arguments: Named = lambda c: {}) -> Sampler:
    """A layer without a measured map of its own."""
    return NN.layer(name, op, built(name, arguments, inputs), tensors)


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------


def _true_fan(weight: str = "kernel", law: str = "glorot_uniform(fan_in, fan_out)") -> Mapping[str, Mapping[str, str]]:
    return {weight: {"init.true_fan": law}}


_EINSUM: dict[str, tuple[str, Callable[[Case], tuple[Any, ...]], str, str]] = {
    "": ("abc,cd->abd", lambda c: (None, c["out_features"]), "in_features", "out_features"),
    # The projections of an attention: to heads, and from heads.
    "heads": ("abc,cde->abde", lambda c: (None, c["num_heads"], c["head_dim"]), "embed_dim", "num_heads*head_dim"),
    "merge": ("abde,dec->abc", lambda c: (None, c["embed_dim"]), "num_heads*head_dim", "embed_dim"),
}


def _einsum(kind: str) -> Sampler:
    equation, output, fan_in, fan_out = _EINSUM[kind]

    def inputs(c: Case) -> tuple[int, ...]:
        if kind == "merge":
            return (8, c["num_heads"], c["head_dim"])
        return (8, c["embed_dim" if kind else "in_features"])

    def arguments(c: Case) -> dict[str, Any]:
        return {"equation": equation, "output_shape": output(c), "bias_axes": equation.rpartition("->")[2][2:]}

    make = built("EinsumDense", arguments, inputs)
    tensors = {"kernel": f"glorot_uniform({fan_in}, {fan_out})", "bias": ZEROS}
    label, op = (f"({equation})", "heads") if kind else ("", "linear")
    measure = NN.measured_on(make, lambda c: [(1, *inputs(c))])  # every position alike: none is at a border
    return NN.layer(f"EinsumDense{label}", op, make, tensors, claims=_true_fan(), measure=measure)


def _conv(dims: int, *, transposed: bool) -> Sampler:
    # Fans as compute_fans reads them off the kernel (taps, in_channels/groups, out_channels).
    taps = f"kernel_size**{dims}"
    law = f"glorot_uniform(in_channels/groups*{taps}, out_channels*{taps})"
    name, op, layout = f"Conv{dims}D", f"conv{dims}d", "keras.conv"
    if transposed:
        law = f"glorot_uniform(out_channels*{taps}, in_channels*{taps})"
        name, op, layout = f"{name}Transpose", f"conv_transpose{dims}d_ungrouped", "keras.conv_transpose"
    tensors = {"kernel": law, "bias": ZEROS}
    return NN.convolution(name, op, tensors, dims, transposed=transposed, layout=layout, claims=_true_fan())


def _depthwise(dims: int) -> Sampler:
    name, taps = f"DepthwiseConv{dims}D", f"kernel_size**{dims}"
    # compute_fans reads the channels, each of which is convolved by itself, as inputs of one sum.
    tensors = {"kernel": f"glorot_uniform(in_channels*{taps}, depth_multiplier*{taps})", "bias": ZEROS}
    return NN.layer(
        name, f"depthwise_conv{dims}d", convolution(name, dims, filters=False), tensors,
        inputs=("in_channels",), dims=dims, layout="keras.depthwise_conv", claims=_true_fan(),
    )  # fmt: skip


def _separable(dims: int) -> Sampler:
    name, taps = f"SeparableConv{dims}D", f"kernel_size**{dims}"
    tensors = {
        "depthwise_kernel": f"glorot_uniform(in_channels*{taps}, depth_multiplier*{taps})",
        "pointwise_kernel": "glorot_uniform(in_channels*depth_multiplier, out_channels)",
        "bias": ZEROS,
    }
    # The depthwise kernel alone sums one channel's taps.
    claims = _true_fan("depthwise_kernel", f"glorot_uniform({taps}, depth_multiplier*{taps}/stride**{dims})")
    return NN.layer(name, f"separable_conv{dims}d", convolution(name, dims), tensors, claims=claims)


def _around_dense(name: str, inputs: Widths, **tensors: str) -> Sampler:
    """A layer around a dense one."""

    def make(layers: Any, c: Case, f: Mapping[str, Any]) -> Any:
        layer = getattr(layers, name)(layers.Dense(c["out_features"], name="dense", dtype=f["dtype"]), **f)
        layer.build((None, *inputs(c)))
        return layer

    inner = {"dense.kernel": "glorot_uniform(in_features, out_features)", "dense.bias": ZEROS}
    return NN.layer(name, "linear", make, inner | tensors)


def _vocabulary(c: Case) -> dict[str, Any]:
    return {"input_dim": c["num_embeddings"], "output_dim": c["embedding_dim"]}


def _one(c: Case) -> tuple[int]:
    return (1,)


def _features(c: Case) -> tuple[int]:
    return (c["num_features"],)


_AFFINE = {"gamma": ONES, "beta": ZEROS}
_RUNNING = {"moving_mean": ZEROS, "moving_variance": ONES}
_TABLE = "Uniform(0.05)"

LAYERS: tuple[Sampler, ...] = (
    NN.layer(
        "Dense", "linear", _dense("in_features", "out_features"),
        {"kernel": "glorot_uniform(in_features, out_features)", "bias": ZEROS},
        inputs=("in_features",), layout="keras.dense",
    ),
    *(_einsum(kind) for kind in _EINSUM),
    *(_conv(d, transposed=transposed) for transposed in (False, True) for d in (1, 2, 3)),
    *(_depthwise(d) for d in (1, 2)),
    *(_separable(d) for d in (1, 2)),
    _simple("Embedding", "embedding", {"embeddings": _TABLE}, _one, _vocabulary),
    _simple(
        "ReversibleEmbedding", "embedding", {"embeddings": _TABLE, "reverse_embeddings": _TABLE}, _one,
        lambda c: {**_vocabulary(c), "tie_weights": False},
    ),
    _around_dense("SpectralNormalization", lambda c: (c["in_features"],), vector_u="TruncatedNormal(0.02, -2, 2)"),
    _around_dense("TimeDistributed", lambda c: (4, c["in_features"])),
    _simple("PReLU", "features", {"alpha": ZEROS}, _features),
    _simple("BatchNormalization", "features", _AFFINE | _RUNNING, _features),
    _simple("LayerNormalization", "features", _AFFINE, _features),
    _simple("GroupNormalization", "features", _AFFINE, _features, lambda c: {"groups": 1}),
    _simple("RMSNormalization", "features", {"scale": ONES}, _features),
)  # fmt: skip
