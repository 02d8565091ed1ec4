"""equinox: the default initialisation of every layer with parameters, norms and dropout, with what it documents."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.defaults import given
from varlaw.subjects.jax import complex_rows, weight_norms
from varlaw.subjects.jax.dropouts import dropout
from varlaw.subjects.jax.framework import framework, measure_fans, ones_like, sampler
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.subject import Case, Dropout, Norm, Sampler, Subject

EQUINOX = framework("equinox")

Make = Callable[[Any, Case, Mapping[str, Any]], Any]  # (equinox.nn, case, dtype and key) -> module
_ZEROS, _ONES = "Constant(0)", "Constant(1)"
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

    def forward(case: Case) -> tuple[Callable[[Any], Any], tuple[int, ...]]:
        import equinox as eqx
        import jax
        import jax.numpy as jnp

        made = eqx.filter_eval_shape(lambda k: make(eqx.nn, case, {"dtype": jnp.float64, "key": k}), jax.random.key(0))
        weights, static = eqx.partition(made, lambda x: isinstance(x, jax.ShapeDtypeStruct))
        return eqx.combine(ones_like(weights), static), (case[inputs], *[0] * dims)

    measured = {"measure": measure_fans(forward, dims, channels_last=not dims)} if inputs else {}
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
    states = {f"batch_state_index.init[{i}]": law for i, law in enumerate((_ZEROS, _ONES))}
    return _layer("BatchNorm", "features", make, {"weight": _ONES, "bias": _ZEROS, **states})


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


_AFFINE = {"weight": _ONES, "bias": _ZEROS}

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
    _without_key("LayerNorm", _AFFINE),
    _without_key("RMSNorm", _AFFINE),
    _without_key("GroupNorm", _AFFINE, 1),
    _wrapped("WeightNorm", {}),
    _wrapped("SpectralNorm", {}),
)

# -- norms and dropout -------------------------------------------------------------------------------------------------


def _rows(make: Callable[[Any, Case, Any], Any], batch: int = 2) -> Callable[[Any, Case, Any], Any]:
    """A norm of one sample, mapped over as many axes as stand before it."""

    def call(x: Any, case: Case, dtype: Any) -> Any:
        import equinox as eqx
        import jax

        layer = make(eqx.nn, case, dtype)
        for _ in range(batch):
            layer = jax.vmap(layer)
        return layer(x)

    return call


def _batch_norm(mode: str) -> Callable[[Any, Case, Any], Any]:
    """Running statistics as inference uses them: the average after its correction, if it has one."""

    def call(x: Any, case: Case, dtype: Any) -> Any:
        import equinox as eqx
        import jax

        sizes = {**given(case, eps="eps", kept="momentum"), "dtype": dtype, "mode": mode}
        layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(case["channels"], "batch", **sizes)
        axes: dict[str, Any] = {"axis_name": "batch", "in_axes": (0, None), "out_axes": (0, None)}
        y, state = jax.vmap(layer, **axes)(x, state)
        if mode == "ema":
            return (y, *state.get(layer.ema_state_index))
        correction = 1 - layer.momentum ** state.get(layer.batch_counter)
        return (y, *(s / correction for s in state.get(layer.batch_state_index)))

    return call


_OF_ROWS = (
    (
        "equinox.nn.LayerNorm.__call__",
        "layer_norm",
        _rows(lambda nn, c, d: nn.LayerNorm(c["length"], **given(c, eps="eps"), dtype=d)),
    ),
    (
        "equinox.nn.RMSNorm.__call__",
        "rms_norm",
        _rows(lambda nn, c, d: nn.RMSNorm(c["length"], **given(c, eps="eps"), dtype=d)),
    ),
)

NORMS: tuple[Norm, ...] = (
    *(norm(EQUINOX, *row) for row in _OF_ROWS),
    *(imaginary(EQUINOX, *row) for row in _OF_ROWS),
    norm(
        EQUINOX,
        "equinox.nn.GroupNorm.__call__",
        "group_norm",
        _rows(lambda nn, c, d: nn.GroupNorm(c["groups"], c["channels"], **given(c, eps="eps"), dtype=d), 1),
        channels_last=False,
    ),
    *(
        norm(EQUINOX, f"equinox.nn.BatchNorm.__call__({m})", "batch_norm", _batch_norm(m), channels_last=False)
        for m in ("ema", "batch")
    ),
)


def _drop(x: Any, p: float, key: Any) -> Any:
    import equinox as eqx

    return eqx.nn.Dropout(p)(x, key=key)


DROPOUTS: tuple[Dropout, ...] = (dropout(EQUINOX, "equinox.nn.Dropout.__call__", "dropout", _drop),)

SUBJECTS: tuple[Subject, ...] = (
    *LAYERS,
    *complex_rows.of_equinox(EQUINOX),
    *NORMS,
    *DROPOUTS,
    *weight_norms.of_equinox(EQUINOX),
)

# -- what there is -----------------------------------------------------------------------------------------------------


def PUBLIC() -> Iterator[str]:
    """Every module class under equinox.nn."""
    import equinox as eqx

    for name, value in vars(eqx.nn).items():
        if inspect.isclass(value) and issubclass(value, eqx.Module) and not name.startswith("_"):
            yield f"equinox.nn.{name}"


_PLAIN = "holds no parameters and draws nothing"
LEFT_OUT: Mapping[str, str] = {
    "equinox.nn.*Pool*": _PLAIN,
    "equinox.nn.Conv": "base class of the classes that have rows",
    "equinox.nn.ConvTranspose": "base class of the classes that have rows",
    "equinox.nn.Identity": _PLAIN,
    "equinox.nn.Lambda": _PLAIN,
    "equinox.nn.RotaryPositionalEmbedding": _PLAIN,
    "equinox.nn.Sequential": "a container",
    "equinox.nn.Shared": "a container",
    "equinox.nn.State*": "a container of running statistics",
}
