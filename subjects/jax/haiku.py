"""haiku: initialisers, layers, norms and dropout, and the list of what there is."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.defaults import given
from varlaw.subjects.jax import complex_rows, weight_norms
from varlaw.subjects.jax.dropouts import dropout
from varlaw.subjects.jax.framework import sampler
from varlaw.subjects.jax.haiku_layers import HAIKU, LAYERS, Make
from varlaw.subjects.jax.haiku_nets import NETS
from varlaw.subjects.jax.initialisers import measure, read_shape, stored_shape
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.subject import Case, Dropout, Norm, Sampler, Subject

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
    _initialiser("Orthogonal", "matrix", "Orthogonal(scale)", lambda m, c: m.Orthogonal(c["scale"]), unsupported=NO_QR),
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


def _called(make: Make, statistics: str = "") -> Callable[[Any, Case, Any], Any]:
    """`statistics` names the module whose running averages are looked at after one step."""

    def call(x: Any, case: Case, dtype: Any) -> Any:
        import haiku as hk
        import jax

        function = hk.transform_with_state(lambda x: make(hk, case)(x))
        y, state = function.apply(*function.init(jax.random.key(0), x), None, x)
        if not statistics or "momentum" not in case:
            return y
        return (y, *(state[f"{statistics}/~/{n}_ema"]["average"] for n in ("mean", "var")))

    return call


def _norm(name: str, op: str, make: Make, statistics: str = "") -> Norm:
    return norm(HAIKU, f"haiku.{name}.__call__", op, _called(make, statistics))


def _batch(hk: Any, c: Case) -> Any:
    decay = 1 - c.get("momentum", 0.1)  # an argument without a default
    module = hk.BatchNorm(True, True, decay, **given(c, eps="eps"))
    return lambda x: module(x, is_training=True)


_LAYER: Make = lambda hk, c: hk.LayerNorm(-1, True, True, **given(c, eps="eps"))  # noqa: E731 - a table's entry
_RMS: Make = lambda hk, c: hk.RMSNorm(-1, **given(c, eps="eps"))  # noqa: E731

NORMS: tuple[Norm, ...] = (
    _norm("BatchNorm", "batch_norm", _batch, "batch_norm"),
    _norm("LayerNorm", "layer_norm", _LAYER),
    imaginary(HAIKU, "haiku.LayerNorm.__call__", "layer_norm", _called(_LAYER)),
    _norm(
        "LayerNorm(fast)",
        "layer_norm",
        lambda hk, c: hk.LayerNorm(-1, True, True, **given(c, eps="eps"), use_fast_variance=True),
    ),
    _norm("RMSNorm", "rms_norm", _RMS),
    imaginary(HAIKU, "haiku.RMSNorm.__call__", "rms_norm", _called(_RMS)),
    _norm("GroupNorm", "group_norm", lambda hk, c: hk.GroupNorm(c["groups"], **given(c, eps="eps"))),
    _norm("InstanceNorm", "instance_norm", lambda hk, c: hk.InstanceNorm(True, True, **given(c, eps="eps"))),
)


def _drop(x: Any, p: float, key: Any) -> Any:
    import haiku as hk

    return hk.dropout(key, p, x)


DROPOUTS: tuple[Dropout, ...] = (dropout(HAIKU, "haiku.dropout", "dropout", _drop),)

SUBJECTS: tuple[Subject, ...] = (
    *INITIALISERS,
    *complex_rows.of_haiku(HAIKU),
    *LAYERS,
    *NETS,
    *NORMS,
    *weight_norms.of_haiku(HAIKU),
    *DROPOUTS,
)

# -- what there is -----------------------------------------------------------------------------------------------------


def PUBLIC() -> Iterator[str]:
    """Every module class under haiku, every initialiser, and the functions that drop or draw."""
    import haiku as hk

    for name, value in vars(hk).items():
        if inspect.isclass(value) and issubclass(value, hk.Module) and not name.startswith("_"):
            yield f"haiku.{name}"
    yield from (f"haiku.nets.{name}" for name in dir(hk.nets) if name[0].isupper())
    yield from (f"haiku.initializers.{name}" for name in dir(hk.initializers) if name[0].isupper())
    yield from (f"haiku.{name}" for name in ("dropout", "multinomial"))


_BASE = "base class of the classes that have rows"
_CONTAINER = "wraps or chains other modules, without parameters of its own"
LEFT_OUT: Mapping[str, str] = {
    "haiku.AvgPool": "holds no parameters",
    "haiku.MaxPool": "holds no parameters",
    "haiku.Flatten": "holds no parameters",
    "haiku.Reshape": "holds no parameters",
    "haiku.ConvND": _BASE,
    "haiku.ConvNDTranspose": _BASE,
    "haiku.RNNCore": _BASE,
    "haiku.Module": _BASE,
    "haiku.DeepRNN": _CONTAINER,
    "haiku.ResetCore": _CONTAINER,
    "haiku.Sequential": _CONTAINER,
    "haiku.IdentityCore": "holds no parameters",
    "haiku.EMAParamsTree": "averages parameters that other modules drew",
    "haiku.ExponentialMovingAverage": "held through haiku.BatchNorm's running statistics",
    "haiku.SNParamsTree": "divides parameters that other modules drew by their largest singular value",
    "haiku.initializers.Initializer": "the type of an initialiser",
    "haiku.nets.ResNet*": "haiku.nets.ResNet of a given depth and width",
    "haiku.nets.VectorQuantizerEMA": "keeps its embeddings as a state, drawn as VectorQuantizer draws them",
    "haiku.multinomial": "draws classes, not weights",
}
