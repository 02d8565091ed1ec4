"""flax.linen: the default initialisation of every layer with parameters, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.boundary import measure_fans
from varlaw.subjects.flax.framework import FLAX
from varlaw.subjects.jax.framework import flat, ones_like, sampler
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.rows import ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler

Make = Callable[[Any, Case, Mapping[str, Any]], Any]  # (flax.linen, case, dtype arguments) -> module
Shape = Callable[[Case], tuple[int, ...]]  # of one input, zero where a spatial side goes


def _layer(
    name: str,
    op: str,
    make: Make,
    shape: Shape,
    tensors: Mapping[str, str],
    *,
    layout: str = "",
    dims: int | None = None,
    **rest: Any,
) -> Sampler:
    """A row for the module that `make` builds, called on one input; `dims` is set where it measures its own fan."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import flax.linen as nn
        import jax.numpy as jnp

        module = make(nn, case, {"param_dtype": dtype})
        x = jnp.zeros([side or case.get("length", 8) for side in shape(case)], dtype)
        return lambda key: _named(module.init(key, x))

    def forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
        import flax.linen as nn
        import jax
        import jax.numpy as jnp

        module = make(nn, case, {"param_dtype": jnp.float64})
        length = case.get("length", 8)
        x = jnp.zeros([side or length for side in shape(case)])
        variables = ones_like(jax.eval_shape(module.init, jax.random.key(0), x))
        return lambda x: module.apply(variables, x), [shape(case)]

    measured = {"measure": measure_fans(FLAX, forward, dims, channels_last=True)} if dims is not None else {}
    layouts = {"kernel": layout} if layout else {}
    return sampler(FLAX, f"flax.linen.{name}", op, build, tensors, layouts=layouts, **measured, **rest)


def _named(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {n: x for collection in variables.values() for n, x in flat(collection).items()}


# -- linear maps: they measure their own fan ---------------------------------------------------------------------------

_TRUE_FAN = {"kernel": {"init.true_fan": "lecun_truncated(fan_in)"}}


def _dense() -> Sampler:
    tensors = {"kernel": "lecun_truncated(in_features)", "bias": ZEROS}
    shape: Shape = lambda c: (1, c["in_features"])  # noqa: E731 - a table's entry
    make: Make = lambda nn, c, f: nn.Dense(c["out_features"], **f)  # noqa: E731
    return _layer("Dense", "linear", make, shape, tensors, layout="jax.dense", dims=0)


def _dense_general(batched: bool) -> Sampler:
    """Two input axes are summed into two output axes; with `batched` one of the inputs has weights of its own."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        if batched:
            return nn.DenseGeneral(c["out_features"], axis=-1, batch_dims=(0,), **f)
        return nn.DenseGeneral((2, c["out_features"]), axis=(-2, -1), **f)

    law = "lecun_truncated(in1_features*in2_features)"  # the kernel is drawn flattened, batch axes and all
    shape: Shape = lambda c: (c["in1_features"], c["in2_features"]) if batched else (1, *_pair(c))  # noqa: E731
    name = "DenseGeneral(batch_dims)" if batched else "DenseGeneral"
    return _layer(name, "bilinear", make, shape, {"kernel": law, "bias": ZEROS}, dims=0, claims=_TRUE_FAN)


def _pair(c: Case) -> tuple[int, int]:
    return c["in1_features"], c["in2_features"]


def _einsum() -> Sampler:
    """The same map as DenseGeneral's; its initialiser is given the kernel's shape as it stands."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.Einsum((*_pair(c), 2, c["out_features"]), "...ab,abcd->...cd", use_bias=False, **f)

    law = {"kernel": "lecun_truncated(in1_features*in2_features*2)"}
    return _layer("Einsum", "bilinear", make, lambda c: (1, *_pair(c)), law, dims=0, claims=_TRUE_FAN)


def _conv(dims: int) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        kernel, strides = (c["kernel_size"],) * dims, (c["stride"],) * dims
        return nn.Conv(c["out_channels"], kernel, strides, feature_group_count=c["groups"], **f)

    tensors = {"kernel": f"lecun_truncated(in_channels*kernel_size**{dims}/groups)", "bias": ZEROS}
    shape: Shape = lambda c: (1, *[0] * dims, c["in_channels"])  # noqa: E731
    return _layer(f"Conv({dims}d)", f"conv{dims}d", make, shape, tensors, layout="jax.conv", dims=dims)


def _conv_transpose(dims: int) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        kernel, strides = (c["kernel_size"],) * dims, (c["stride"],) * dims
        return nn.ConvTranspose(c["out_channels"], kernel, strides, **f)

    tensors = {"kernel": f"lecun_truncated(in_channels*kernel_size**{dims})", "bias": ZEROS}
    shape: Shape = lambda c: (1, *[0] * dims, c["in_channels"])  # noqa: E731
    op = f"conv_transpose{dims}d_ungrouped"
    return _layer(f"ConvTranspose({dims}d)", op, make, shape, tensors, layout="jax.conv_transpose", dims=dims)


def _conv_local() -> Sampler:
    """Weights of its own at each of 12 positions; the kernel is stored (positions, taps * in, out)."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.ConvLocal(c["out_channels"], (c["kernel_size"],), use_bias=False, **f)

    law = {"kernel": "lecun_truncated(12*in_channels*kernel_size)"}
    shape: Shape = lambda c: (1, 12, c["in_channels"])  # noqa: E731
    return _layer("ConvLocal", "conv_lstm1d", make, shape, law, dims=1, claims=_TRUE_FAN)


# -- recurrent cells and attention -------------------------------------------------------------------------------------

_INPUT, _RECURRENT = "lecun_truncated(input_size)", "Orthogonal()"


def _cell(name: str, inputs: Mapping[str, str | None], hidden: Mapping[str, str | None]) -> Sampler:
    """Gates by name, with the law of the bias or None."""
    tensors = {}
    for gates, law in ((inputs, _INPUT), (hidden, _RECURRENT)):
        for gate, bias in gates.items():
            tensors[f"{gate}.kernel"] = law
            tensors |= {f"{gate}.bias": bias} if bias else {}

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import flax.linen as nn
        import jax.numpy as jnp

        cell = getattr(nn, name)(case["hidden_size"], param_dtype=dtype)
        x = jnp.zeros((1, case["input_size"]), dtype)
        return lambda key: _named(cell.init(key, cell.initialize_carry(key, x.shape), x))

    return sampler(FLAX, f"flax.linen.{name}", "recurrent", build, tensors, unsupported=NO_QR)


def _conv_lstm() -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import flax.linen as nn
        import jax.numpy as jnp

        cell = nn.ConvLSTMCell(case["out_channels"], (case["kernel_size"],) * 2, param_dtype=dtype)
        x = jnp.zeros((1, 6, 6, case["in_channels"]), dtype)
        return lambda key: _named(cell.init(key, cell.initialize_carry(key, x.shape), x))

    tensors = {
        "ih.kernel": "lecun_truncated(in_channels*kernel_size**2)",
        "ih.bias": ZEROS,
        "hh.kernel": "lecun_truncated(out_channels*kernel_size**2)",
        "hh.bias": ZEROS,
    }
    return sampler(FLAX, "flax.linen.ConvLSTMCell", "conv_lstm2d", build, tensors)


_LSTM = ({f"i{g}": None for g in "ifgo"}, {f"h{g}": ZEROS for g in "ifgo"})


def _attention(name: str) -> Sampler:
    """Kernels of the projections are stored by head; flax flattens them before it draws."""
    tensors = {f"{n}.kernel": "lecun_truncated(embed_dim)" for n in ("query", "key", "value", "out")}
    tensors |= {f"{n}.bias": ZEROS for n in ("query", "key", "value", "out")}

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(num_heads=c["num_heads"], **f)

    return _layer(name, "attention", make, lambda c: (1, 3, c["embed_dim"]), tensors)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _features(name: str, tensors: Mapping[str, str], **arguments: Any) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(**arguments, **f)

    return _layer(name, "features", make, lambda c: (2, 4, c["num_features"]), tensors)


def _embed() -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import flax.linen as nn
        import jax.numpy as jnp

        module = nn.Embed(case["num_embeddings"], case["embedding_dim"], param_dtype=dtype)
        return lambda key: _named(module.init(key, jnp.zeros((1,), jnp.int32)))

    return sampler(FLAX, "flax.linen.Embed", "embedding", build, {"embedding": "Normal(1/sqrt(embedding_dim))"})


def _wrapped(name: str, more: Mapping[str, str]) -> Sampler:
    """A wrapper around Dense: the weights below it must still start as Dense's do."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(nn.Dense(c["out_features"], **f), **f)

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import flax.linen as nn
        import jax.numpy as jnp

        module, x = make(nn, case, {"param_dtype": dtype}), jnp.zeros((1, case["in_features"]), dtype)
        call = {"update_stats": False} if name == "SpectralNorm" else {}
        return lambda key: _named(module.init(key, x, **call))

    tensors = {"layer_instance.kernel": "lecun_truncated(in_features)", "layer_instance.bias": ZEROS, **more}
    lost = {"float16": "its epsilon, 1e-12, is 0 in float16: a column of zeros, which a fan of 1 gives, starts as NaN"}
    unsupported = lost if name == "WeightNorm" else {}
    return sampler(FLAX, f"flax.linen.{name}", "linear", build, tensors, unsupported=unsupported)


_AFFINE = {"scale": ONES, "bias": ZEROS}

LAYERS: tuple[Sampler, ...] = (
    _dense(),
    _dense_general(batched=False),
    _dense_general(batched=True),
    _einsum(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    _conv_local(),
    _embed(),
    _cell("LSTMCell", *_LSTM),
    _cell("OptimizedLSTMCell", *_LSTM),
    _cell("SimpleCell", {"i": ZEROS}, {"h": None}),
    _cell("GRUCell", {"ir": ZEROS, "iz": ZEROS, "in": ZEROS}, {"hr": None, "hz": None, "hn": ZEROS}),
    _cell("MGUCell", {"if": ONES, "in": ZEROS}, {"hf": None, "hn": ZEROS}),
    _conv_lstm(),
    *(_attention(n) for n in ("MultiHeadDotProductAttention", "MultiHeadAttention", "SelfAttention")),
    _features("PReLU", {"negative_slope": "Constant(0.01)"}),
    _features("BatchNorm", {**_AFFINE, "mean": ZEROS, "var": ONES}, use_running_average=False),
    _features("LayerNorm", _AFFINE),
    _features("RMSNorm", {"scale": ONES}),
    _features("GroupNorm", _AFFINE, num_groups=1),
    _features("InstanceNorm", _AFFINE),
    _wrapped("WeightNorm", {"layer_instance/kernel/scale": ONES}),
    _wrapped("SpectralNorm", {"layer_instance/kernel/u": "Normal(1)", "layer_instance/kernel/sigma": ONES}),
)
