"""haiku: norms, with their running averages as a state, and dropout."""

from collections.abc import Iterator, Sequence
from typing import Any

from varlaw.subjects import axes
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.haiku.layers import Make
from varlaw.subjects.jax.norms import imaginary, norm, weighted
from varlaw.subjects.norm_rows import Affine, Call
from varlaw.subjects.rows import dropout
from varlaw.subjects.subject import Case, Dropout, Norm


def _called(make: Make, statistics: str = "") -> Call:
    """`statistics` names the module whose running averages are looked at after one step."""

    def call(x: Any, case: Case) -> Any:
        import haiku as hk
        import jax

        function = hk.transform_with_state(lambda x: make(hk, case)(x))
        y, state = function.apply(*function.init(jax.random.key(0), x), None, x)
        if not statistics or "momentum" not in case:
            return y
        return (y, *_averages(state, statistics))

    return call


def _weighted(make: Make) -> Affine:
    def call(x: Any, weight: Any, bias: Any, case: Case) -> Any:
        import haiku as hk
        import jax

        function = hk.transform_with_state(lambda x: make(hk, case)(x))
        parameters, state = function.init(jax.random.key(0), x)
        return function.apply(weighted(parameters, weight, bias), state, None, x)[0]

    return call


def _norm(name: str, op: str, make: Make) -> Norm:
    return norm(HAIKU, f"haiku.{name}.__call__", op, _called(make), affine=_weighted(make), documented_eps="1e-5")


def _batch(hk: Any, c: Case, training: bool = True) -> Any:
    decay = 1 - c.get("momentum", 0.1)  # an argument without a default
    module = hk.BatchNorm(True, True, decay, **constants_of(c, eps="eps"))
    return lambda x: module(x, is_training=training)


def _evaluated(x: Any, case: Case) -> Any:
    """The output in evaluation mode after a training step, with the running averages of that step."""
    import haiku as hk
    import jax

    trained, evaluated = (hk.transform_with_state(lambda x, t=t: _batch(hk, case, t)(x)) for t in (True, False))
    parameters, state = trained.init(jax.random.key(0), x)
    _, state = trained.apply(parameters, state, None, x)
    y, _ = evaluated.apply(parameters, state, None, x)
    return (y, *_averages(state, "batch_norm"))


def _decaying(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """The documentation of its averages excludes a decay of 1."""
    return tuple(case for case in usual if case.get("momentum", 0.5) > 0)


def _averages(state: Any, module: str) -> Iterator[Any]:
    return (state[f"{module}/~/{n}_ema"]["average"] for n in ("mean", "var"))


_LAYER: Make = lambda hk, c: hk.LayerNorm(-1, True, True, **constants_of(c, eps="eps"))  # noqa: E731 - a table's entry
_RMS: Make = lambda hk, c: hk.RMSNorm(-1, **constants_of(c, eps="eps"))  # noqa: E731


def _told(name: str, op: str, order: str, make: Make, label: str, affine: bool = False) -> Norm:
    """A norm that is told its axes, which lie as `order` says."""
    more: dict[str, Any] = {"affine": _weighted(make)} if affine else {}
    title = f"haiku.{name}.__call__({label})"
    return axes.norm(HAIKU, title, op, _called(make), order, running_variance="biased", **more)


_TOLD: tuple[Norm, ...] = (
    _told(
        "LayerNorm", "layer_norm", "bpcq", lambda hk, c: hk.LayerNorm((1, 3), True, True, **constants_of(c, eps="eps")),
        "axis=(1, 3)",
    ),
    _told(
        "LayerNorm", "layer_norm", "blc",
        lambda hk, c: hk.LayerNorm(1, True, True, param_axis=1, **constants_of(c, eps="eps")),
        "axis=1, param_axis=1", affine=True,
    ),
    _told("RMSNorm", "rms_norm", "bpcq", lambda hk, c: hk.RMSNorm((1, 3), **constants_of(c, eps="eps")), "axis=(1, 3)"),
    _told(
        "RMSNorm", "rms_norm", "blc", lambda hk, c: hk.RMSNorm(1, param_axis=1, **constants_of(c, eps="eps")),
        "axis=1, param_axis=1", affine=True,
    ),
    *(
        _told(name, op, "bcl", make, "channels_first", affine=True)
        for name, op, make in (
            (
                "GroupNorm", "group_norm",
                lambda hk, c: hk.GroupNorm(c["groups"], data_format="channels_first", **constants_of(c, eps="eps")),
            ),
            (
                "InstanceNorm", "instance_norm",
                lambda hk, c: hk.InstanceNorm(True, True, data_format="channels_first", **constants_of(c, eps="eps")),
            ),
        )
    ),
)  # fmt: skip

NORMS: tuple[Norm, ...] = (
    *_TOLD,
    norm(
        HAIKU,
        "haiku.BatchNorm.__call__",
        "batch_norm",
        _called(_batch, "batch_norm"),
        affine=_weighted(_batch),
        evaluated=_evaluated,
        documented_eps="1e-5",
        cases=_decaying,
    ),
    _norm("LayerNorm", "layer_norm", _LAYER),
    imaginary(HAIKU, "haiku.LayerNorm.__call__", "layer_norm", _called(_LAYER)),
    _norm(
        "LayerNorm(fast)",
        "layer_norm",
        lambda hk, c: hk.LayerNorm(-1, True, True, **constants_of(c, eps="eps"), use_fast_variance=True),
    ),
    _norm("RMSNorm", "rms_norm", _RMS),
    imaginary(HAIKU, "haiku.RMSNorm.__call__", "rms_norm", _called(_RMS)),
    _norm("GroupNorm", "group_norm", lambda hk, c: hk.GroupNorm(c["groups"], **constants_of(c, eps="eps"))),
    _norm("InstanceNorm", "instance_norm", lambda hk, c: hk.InstanceNorm(True, True, **constants_of(c, eps="eps"))),
)


def _drop(x: Any, p: float, key: Any) -> Any:
    import haiku as hk

    return hk.dropout(key, p, x)


DROPOUTS: tuple[Dropout, ...] = (dropout(HAIKU, "haiku.dropout", "dropout", _drop),)
