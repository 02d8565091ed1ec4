"""equinox: the default initialisation of every layer with parameters, with what it documents."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.boundary import measure_fans
from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.jax.framework import ones_like, sampler
from varlaw.subjects.rows import AFFINE, ONES, ZEROS
from varlaw.subjects.subject import Case, Sampler

Make = Callable[[Any, Case, Mapping[str, Any]], Any]  # (equinox.nn, case, dtype and key) -> module
_DERIVED = ("g", "uv_index")  # of the wrapped weight: the norms of its rows, and its first singular vectors


def _layer(
    name: str,
    op: str,
    make: Make,
    tensors: Mapping[str, str],
    *,
    inputs: str = "",
    dims: int = 0,
    layout: str = "",
    **rest: Any,
) -> Sampler:
    """A row for the module that `make` builds; where `inputs` names the width of an input it measures its own fan."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import equinox as eqx

        def draw(key: Any) -> dict[str, Any]:
            found = _named(make(eqx.nn, case, {"dtype": dtype, "key": key}))
            return {n: x for n, x in found.items() if not n.startswith(_DERIVED)}

        return draw

    def forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
        import equinox as eqx
        import jax
        import jax.numpy as jnp

        made = eqx.filter_eval_shape(lambda k: make(eqx.nn, case, {"dtype": jnp.float64, "key": k}), jax.random.key(0))
        weights, static = eqx.partition(made, lambda x: isinstance(x, jax.ShapeDtypeStruct))
        return eqx.combine(ones_like(weights), static), [(case[inputs], *[0] * dims)]

    measured = {"measure": measure_fans(EQUINOX, forward, dims, channels_last=not dims)} if inputs else {}
    layouts = {"weight": layout} if layout else {}
    return sampler(EQUINOX, f"equinox.nn.{name}", op, build, tensors, layouts=layouts, **measured, **rest)


def _named(module: Any) -> dict[str, Any]:
    import equinox as eqx
    import jax

    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(module, eqx.is_inexact_array))
    return {jax.tree_util.keystr(path).lstrip("."): x for path, x in leaves}


def _linear() -> Sampler:
    law = "Uniform(1/sqrt(in_features))"
    make: Make = lambda nn, c, f: nn.Linear(c["in_features"], c["out_features"], **f)  # noqa: E731 - a table's entry
    return _layer("Linear", "linear", make, {"weight": law, "bias": law}, inputs="in_features", layout="equinox.linear")


def _conv(dims: int) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        shape = (c["in_channels"], c["out_channels"], c["kernel_size"])
        return getattr(nn, f"Conv{dims}d")(*shape, stride=c["stride"], groups=c["groups"], **f)

    law = f"Uniform(sqrt(groups/(in_channels*kernel_size**{dims})))"
    tensors = {"weight": law, "bias": law}
    name, op = f"Conv{dims}d", f"conv{dims}d"
    return _layer(name, op, make, tensors, inputs="in_channels", dims=dims, layout="equinox.conv")


def _conv_transpose(dims: int) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        shape = (c["in_channels"], c["out_channels"], c["kernel_size"])
        return getattr(nn, f"ConvTranspose{dims}d")(*shape, stride=c["stride"], groups=c["groups"], **f)

    law = f"Uniform(sqrt(groups/(in_channels*kernel_size**{dims})))"
    tensors = {"weight": law, "bias": law}
    name, op = f"ConvTranspose{dims}d", f"conv_transpose{dims}d"
    return _layer(name, op, make, tensors, inputs="in_channels", dims=dims, layout="equinox.conv_transpose")


_HIDDEN = "Uniform(1/sqrt(hidden_size))"


def _cell(name: str, tensors: tuple[str, ...]) -> Sampler:
    make: Make = lambda nn, c, f: getattr(nn, name)(c["input_size"], c["hidden_size"], **f)  # noqa: E731
    return _layer(name, "recurrent", make, dict.fromkeys(tensors, _HIDDEN))


def _attention() -> Sampler:
    law = "Uniform(1/sqrt(embed_dim))"
    make: Make = lambda nn, c, f: nn.MultiheadAttention(c["num_heads"], c["embed_dim"], **f)  # noqa: E731
    names = ("query_proj", "key_proj", "value_proj", "output_proj")
    return _layer("MultiheadAttention", "attention", make, {f"{n}.weight": law for n in names})


def _mlp() -> Sampler:
    """Input, one hidden layer of `dim_feedforward` units, output."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.MLP(c["embed_dim"], c["embed_dim"], c["dim_feedforward"], 2, **f)

    widths = ("embed_dim", "dim_feedforward", "dim_feedforward")
    laws = {f"layers[{i}]": f"Uniform(1/sqrt({width}))" for i, width in enumerate(widths)}
    tensors = {f"{n}.{part}": law for n, law in laws.items() for part in ("weight", "bias")}
    return _layer("MLP", "transformer", make, tensors)


def _without_key(name: str, tensors: Mapping[str, str], *arguments: Any) -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return getattr(nn, name)(*arguments, c["num_features"], dtype=f["dtype"])

    return _layer(name, "features", make, tensors)


def _batch_norm_layer() -> Sampler:
    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.BatchNorm(c["num_features"], "batch", mode="batch", dtype=f["dtype"])

    # Running statistics wait inside a `StateIndex`, the mean before the variance.
    states = {f"batch_state_index.init[{i}]": law for i, law in enumerate((ZEROS, ONES))}
    return _layer("BatchNorm", "features", make, {"weight": ONES, "bias": ZEROS, **states})


def _prelu() -> Sampler:
    make: Make = lambda nn, c, f: nn.PReLU(0.25)  # noqa: E731
    return _layer("PReLU", "features", make, {"negative_slope": "Constant(0.25)"}, unsupported=_PRELU)


_PRELU = dict.fromkeys(("float64", "float16", "bfloat16"), "equinox.nn.PReLU takes no dtype")


def _wrapped(name: str, more: Mapping[str, str]) -> Sampler:
    """A wrapper around Linear: the weights below it must still start as Linear's do."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        linear = nn.Linear(c["in_features"], c["out_features"], **f)
        if name == "WeightNorm":
            return nn.WeightNorm(linear)
        return nn.SpectralNorm(linear, "weight", key=f["key"])

    law = "Uniform(1/sqrt(in_features))"
    return _layer(name, "linear", make, {"layer.weight": law, "layer.bias": law, **more})


LAYERS: tuple[Sampler, ...] = (
    _linear(),
    *(_conv(d) for d in (1, 2, 3)),
    *(_conv_transpose(d) for d in (1, 2, 3)),
    _layer(
        "Embedding",
        "embedding",
        lambda nn, c, f: nn.Embedding(c["num_embeddings"], c["embedding_dim"], **f),
        {"weight": "Normal(1)"},
    ),
    _cell("LSTMCell", ("weight_ih", "weight_hh", "bias")),
    _cell("GRUCell", ("weight_ih", "weight_hh", "bias", "bias_n")),
    _attention(),
    _mlp(),
    _prelu(),
    _batch_norm_layer(),
    _without_key("LayerNorm", AFFINE),
    _without_key("RMSNorm", AFFINE),
    _without_key("GroupNorm", AFFINE, 1),
    _wrapped("WeightNorm", {}),
    _wrapped("SpectralNorm", {}),
)
