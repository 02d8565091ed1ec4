"""equinox: norms, each of one sample and mapped over the rest, and dropout."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.defaults import constants_of
from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.rows import Call, dropout
from varlaw.subjects.subject import Case, Dropout, Norm


def _rows(make: Callable[[Any, Case, Any], Any], batch: int = 2) -> Call:
    """A norm of one sample, mapped over as many axes as stand before it."""

    def call(x: Any, case: Case) -> Any:
        import equinox as eqx
        import jax

        layer = make(eqx.nn, case, x.dtype)
        for _ in range(batch):
            layer = jax.vmap(layer)
        return layer(x)

    return call


def _batch_norm(mode: str) -> Call:
    """Running statistics as inference uses them: the average after its correction, if it has one."""

    def call(x: Any, case: Case) -> Any:
        import equinox as eqx
        import jax

        sizes = {**constants_of(case, eps="eps", kept="momentum"), "dtype": x.dtype, "mode": mode}
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
        _rows(lambda nn, c, d: nn.LayerNorm(c["length"], **constants_of(c, eps="eps"), dtype=d)),
    ),
    (
        "equinox.nn.RMSNorm.__call__",
        "rms_norm",
        _rows(lambda nn, c, d: nn.RMSNorm(c["length"], **constants_of(c, eps="eps"), dtype=d)),
    ),
)

NORMS: tuple[Norm, ...] = (
    *(norm(EQUINOX, *row) for row in _OF_ROWS),
    *(imaginary(EQUINOX, *row) for row in _OF_ROWS),
    norm(
        EQUINOX,
        "equinox.nn.GroupNorm.__call__",
        "group_norm",
        _rows(lambda nn, c, d: nn.GroupNorm(c["groups"], c["channels"], **constants_of(c, eps="eps"), dtype=d), 1),
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
