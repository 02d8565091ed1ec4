"""haiku: norms, with their running averages as a state, and dropout."""

from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.haiku.layers import Make
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.rows import Call, dropout
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
        return (y, *(state[f"{statistics}/~/{n}_ema"]["average"] for n in ("mean", "var")))

    return call


def _norm(name: str, op: str, make: Make, statistics: str = "") -> Norm:
    return norm(HAIKU, f"haiku.{name}.__call__", op, _called(make, statistics))


def _batch(hk: Any, c: Case) -> Any:
    decay = 1 - c.get("momentum", 0.1)  # an argument without a default
    module = hk.BatchNorm(True, True, decay, **constants_of(c, eps="eps"))
    return lambda x: module(x, is_training=True)


_LAYER: Make = lambda hk, c: hk.LayerNorm(-1, True, True, **constants_of(c, eps="eps"))  # noqa: E731 - a table's entry
_RMS: Make = lambda hk, c: hk.RMSNorm(-1, **constants_of(c, eps="eps"))  # noqa: E731

NORMS: tuple[Norm, ...] = (
    _norm("BatchNorm", "batch_norm", _batch, "batch_norm"),
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
