"""flax.nnx: the default initialisation of every layer with parameters, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.boundary import measure_fans
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.framework import flat, ones_like, sampler
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.rows import ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler

Make = Callable[[Any, Case, Mapping[str, Any]], Any]  # (flax.nnx, case, dtype and rngs) -> module
Shape = Callable[[Case], tuple[int, ...]]


def _layer(
    name: str,
    op: str,
    make: Make,
    tensors: Mapping[str, str],
    *,
    shape: Shape | None = None,
    dims: int = 0,
    layout: str = "",
    views: Callable[[dict[str, Any], Case], Mapping[str, Any]] = lambda tensors, case: {},
    **rest: Any,
) -> Sampler:
    """A row for the module that `make` builds; with the `shape` of an input it measures its own fan.

    `views` are parts of the tensors that have a promise of their own.
    """

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        from flax import nnx

        def draw(key: Any) -> dict[str, Any]:
            module = make(nnx, case, {"param_dtype": dtype, "rngs": nnx.Rngs(params=key)})
            found = _named(nnx, module)
            return found | dict(views(found, case))

        return draw

    def forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
        import jax.numpy as jnp
        from flax import nnx

        assert shape
        graph, state = nnx.split(
            nnx.eval_shape(lambda: make(nnx, case, {"param_dtype": jnp.float64, "rngs": nnx.Rngs(0)}))
        )
        return nnx.merge(graph, ones_like(state)), [shape(case)]

    measured = {"measure": measure_fans(FLAX, forward, dims, channels_last=True)} if shape else {}
    layouts = {"kernel": layout} if layout else {}
    return sampler(FLAX, f"flax.nnx.{name}", op, build, tensors, layouts=layouts, **measured, **rest)


def _named(nnx: Any, module: Any) -> dict[str, Any]:
    """Parameters and running statistics by name."""
    states = nnx.state(module, nnx.Any(nnx.Param, nnx.BatchStat, nnx.LoRAParam))
    return flat(nnx.to_pure_dict(states))


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------

_TRUE_FAN = {"kernel": {"init.true_fan": "lecun_truncated(fan_in)"}}


def _linear() -> Sampler:
    tensors = {"kernel": "lecun_truncated(in_features)", "bias": ZEROS}
    make: Make = lambda nn, c, f: nn.Linear(c["in_features"], c["out_features"], **f)  # noqa: E731 - a table's entry
    shape: Shape = lambda c: (1, c["in_features"])  # noqa: E731
    return _layer("Linear", "linear", make, tensors, shape=shape, layout="jax.dense")


def _pair(c: Case) -> tuple[int, int]:
    return c["in1_features"], c["in2_features"]


def _linear_general(batched: bool) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        if batched:
            axes = {"axis": -1, "batch_axis": {0: c["in1_features"]}}
            return nn.LinearGeneral(c["in2_features"], c["out_features"], **axes, **f)
        return nn.LinearGeneral(_pair(c), (2, c["out_features"]), axis=(-2, -1), **f)

    law = "lecun_truncated(in1_features*in2_features)"  # the kernel is drawn flattened, batch axes and all
    shape: Shape = lambda c: _pair(c) if batched else (1, *_pair(c))  # noqa: E731
    name = "LinearGeneral(batch_axis)" if batched else "LinearGeneral"
    return _layer(name, "bilinear", make, {"kernel": law, "bias": ZEROS}, shape=shape, claims=_TRUE_FAN)


def _einsum() -> Sampler:
    """The same map as LinearGeneral's; its initialiser is given the kernel's shape as it stands."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.Einsum("...ab,abcd->...cd", (*_pair(c), 2, c["out_features"]), **f)

    law = {"kernel": "lecun_truncated(in1_features*in2_features*2)"}
    return _layer("Einsum", "bilinear", make, law, shape=lambda c: (1, *_pair(c)), claims=_TRUE_FAN)


def _conv(dims: int) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        kernel, strides = (c["kernel_size"],) * dims, (c["stride"],) * dims
        return nn.Conv(c["in_channels"], c["out_channels"], kernel, strides, feature_group_count=c["groups"], **f)

    tensors = {"kernel": f"lecun_truncated(in_channels*kernel_size**{dims}/groups)", "bias": ZEROS}
    shape: Shape = lambda c: (1, *[0] * dims, c["in_channels"])  # noqa: E731
    return _layer(f"Conv({dims}d)", f"conv{dims}d", make, tensors, shape=shape, dims=dims, layout="jax.conv")


def _conv_transpose(dims: int) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        kernel, strides = (c["kernel_size"],) * dims, (c["stride"],) * dims
        return nn.ConvTranspose(c["in_channels"], c["out_channels"], kernel, strides, **f)

    tensors = {"kernel": f"lecun_truncated(in_channels*kernel_size**{dims})", "bias": ZEROS}
    shape: Shape = lambda c: (1, *[0] * dims, c["in_channels"])  # noqa: E731
    op = f"conv_transpose{dims}d_ungrouped"
    layout = "jax.conv_transpose"
    return _layer(f"ConvTranspose({dims}d)", op, make, tensors, shape=shape, dims=dims, layout=layout)


# -- recurrent cells, attention, adapters ------------------------------------------------------------------------------

_INPUT, _RECURRENT = "lecun_truncated(input_size)", "Orthogonal()"


def _cell(name: str, tensors: Mapping[str, str], views: int = 0) -> Sampler:
    """A recurrent cell; `views` counts the gates that it packs into one recurrent kernel."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(c["input_size"], c["hidden_size"], **f)

    def gates(found: dict[str, Any], case: Case) -> Mapping[str, Any]:
        h = case["hidden_size"]
        return {f"dense_h.kernel[gate {i}]": found["dense_h.kernel"][:, i * h : (i + 1) * h] for i in range(views)}

    # Documented for "the kernels that transform the hidden state": one for each gate.
    packed = {f"dense_h.kernel[gate {i}]": _RECURRENT for i in range(views)}
    unsupported = {} if name == "LSTMCell" else NO_QR  # LSTMCell draws in float32 and casts
    return _layer(name, "recurrent", make, {**tensors, **packed}, views=gates, unsupported=unsupported)


def _lstm() -> Sampler:
    tensors: dict[str, str] = {}
    for gate in ("i", "f", "g", "o"):
        name = {"f": "if_"}.get(gate, f"i{gate}")
        tensors |= {f"{name}.kernel": _INPUT, f"h{gate}.kernel": _RECURRENT, f"h{gate}.bias": ZEROS}
    return _cell("LSTMCell", tensors)


_DENSE_CELL = {"dense_i.kernel": _INPUT, "dense_h.kernel": _RECURRENT}


def _attention() -> Sampler:
    names = ("query", "key", "value", "out")
    tensors = {f"{n}.kernel": "lecun_truncated(embed_dim)" for n in names} | {f"{n}.bias": ZEROS for n in names}
    make: Make = lambda nn, c, f: nn.MultiHeadAttention(c["num_heads"], c["embed_dim"], **f)  # noqa: E731
    return _layer("MultiHeadAttention", "attention", make, tensors)


def _lora(name: str, make: Make, more: Mapping[str, str]) -> Sampler:
    prefix = "lora." if name == "LoRALinear" else ""
    tensors = {f"{prefix}lora_a": "he_uniform(in_features)", f"{prefix}lora_b": ZEROS, **more}
    return _layer(name, "adapter", make, tensors)


def _lora_linear(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
    lora = {"lora_rank": c["rank"], "lora_param_dtype": f["param_dtype"]}
    return nn.LoRALinear(c["in_features"], c["out_features"], **lora, **f)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _features(name: str, tensors: Mapping[str, str], **arguments: Any) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(c["num_features"], **arguments, **f)

    return _layer(name, "features", make, tensors)


def _embed() -> Sampler:
    make: Make = lambda nn, c, f: nn.Embed(c["num_embeddings"], c["embedding_dim"], **f)  # noqa: E731
    return _layer("Embed", "embedding", make, {"embedding": "Normal(1/sqrt(embedding_dim))"})


def _prelu() -> Sampler:
    make: Make = lambda nn, c, f: nn.PReLU(param_dtype=f["param_dtype"])  # noqa: E731
    return _layer("PReLU", "features", make, {"negative_slope": "Constant(0.01)"})


def _wrapped(name: str, more: Mapping[str, str]) -> Sampler:
    """A wrapper around Linear: the weights below it must still start as Linear's do."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(nn.Linear(c["in_features"], c["out_features"], **f), **f)

    prefix = "layer_instance."
    tensors = {f"{prefix}kernel": "lecun_truncated(in_features)", f"{prefix}bias": ZEROS, **more}
    return _layer(name, "linear", make, tensors)


_SPECTRAL = {"batch_stats.('kernel', 'u')": "Normal(0.01)", "batch_stats.('kernel', 'sigma')": ONES}
_AFFINE = {"scale": ONES, "bias": ZEROS}

LAYERS: tuple[Sampler, ...] = (
    _linear(),
    _linear_general(batched=False),
    _linear_general(batched=True),
    _einsum(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    _embed(),
    _lstm(),
    _cell("OptimizedLSTMCell", {**_DENSE_CELL, "dense_h.bias": ZEROS}, views=4),
    _cell("SimpleCell", {**_DENSE_CELL, "dense_i.bias": ZEROS}),
    _cell("GRUCell", {**_DENSE_CELL, "dense_i.bias": ZEROS}, views=3),
    _attention(),
    _lora("LoRA", lambda nn, c, f: nn.LoRA(c["in_features"], c["rank"], c["out_features"], **f), {}),
    _lora("LoRALinear", _lora_linear, {"kernel": "lecun_truncated(in_features)", "bias": ZEROS}),
    _prelu(),
    _features("BatchNorm", {**_AFFINE, "mean": ZEROS, "var": ONES}),
    _features("LayerNorm", _AFFINE),
    _features("RMSNorm", {"scale": ONES}),
    _features("GroupNorm", _AFFINE, num_groups=1),
    _features("InstanceNorm", _AFFINE),
    _wrapped("WeightNorm", {}),
    _wrapped("SpectralNorm", _SPECTRAL),
)
