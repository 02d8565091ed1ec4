"""keras.layers and keras.ops: normalisation, called on inputs of shape (batch, channels, length) in training mode."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects import axes
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.keras.framework import KERAS, dtype_of, keras
from varlaw.subjects.norm_rows import masked, norm
from varlaw.subjects.subject import Case, Norm

Arguments = Callable[[Case], Mapping[str, Any]]


def _function(name: str, op: str) -> Norm:
    def call(x: Any, case: Case) -> Any:
        return getattr(keras().ops, name)(x, **constants_of(case, eps="epsilon"))

    return norm(KERAS, f"keras.ops.{name}", op, call)


def _layer(name: str, op: str, arguments: Arguments = lambda c: {}, label: str = "") -> Norm:
    """A layer with its default parameters, after as many training steps as the case says."""

    def call(x: Any, case: Case) -> tuple[Any, ...]:
        constants = constants_of(case, eps="epsilon")
        layer = getattr(keras().layers, name)(**arguments(case), **constants, dtype=dtype_of(x))
        for _ in range(case.get("steps", 1)):
            y = layer(x, training=True)
        running = [getattr(layer, n).value for n in ("moving_mean", "moving_variance") if hasattr(layer, n)]
        return (y, *running)

    title = f"keras.layers.{name}.call{label}"
    # The running variance is "var(batch)", as the layer normalises with.
    return norm(KERAS, title, op, call, running_variance="biased", steps=op == "batch_norm")


def _batch(case: Case) -> Mapping[str, Any]:
    """Keras's momentum is the weight of the old value."""
    return {"axis": 1, **constants_of(case, kept="momentum")}


def _masked_batch(x: Any, case: Case) -> tuple[Any, ...]:
    """With a place more in each sample, of 1e4, which the mask hides; channels are last."""
    ops, constants = keras().ops, constants_of(case, eps="epsilon", kept="momentum")
    layer = keras().layers.BatchNormalization(axis=-1, dtype=dtype_of(x), **constants)
    seen = ops.concatenate([ops.ones(x.shape[:2]), ops.zeros((x.shape[0], 1))], axis=1) > 0
    y = layer(ops.concatenate([x, 0 * x[:, :1] + 1e4], axis=1), training=True, mask=seen)
    return (y[:, :-1], layer.moving_mean.value, layer.moving_variance.value)


def _told(name: str, op: str, order: str, weight: str = "", **where: Any) -> Norm:
    """A layer that is told its axes; its parameter `weight` is asked where the law knows it, and its bias with it."""

    def made(x: Any, case: Case) -> Any:
        constants = constants_of(case, eps="epsilon", kept="momentum" if op == "batch_norm" else "")
        groups = {"groups": case["groups"]} if op == "group_norm" else {}
        layer = getattr(keras().layers, name)(**where, **groups, **constants, dtype=dtype_of(x))
        layer.build(x.shape)
        return layer

    def call(x: Any, case: Case) -> tuple[Any, ...]:
        layer = made(x, case)
        y = layer(x, training=True)
        return (y, *(getattr(layer, n).value for n in ("moving_mean", "moving_variance") if hasattr(layer, n)))

    def affine(x: Any, scale: Any, bias: Any, case: Case) -> Any:
        layer = made(x, case)
        getattr(layer, weight).assign(scale)
        if hasattr(layer, "beta"):
            layer.beta.assign(bias)
        return layer(x)

    title = f"keras.layers.{name}.call({', '.join(f'{n}={value}' for n, value in where.items())})"
    more: dict[str, Any] = {"affine": affine} if weight else {}
    return axes.norm(KERAS, title, op, call, order, running_variance="biased", **more)


def _function_told(name: str, op: str, order: str, axis: Any) -> Norm:
    def call(x: Any, case: Case) -> Any:
        return getattr(keras().ops, name)(x, axis=axis, **constants_of(case, eps="epsilon"))

    return axes.norm(KERAS, f"keras.ops.{name}(axis={axis})", op, call, order)


NORMS: tuple[Norm, ...] = (
    _told("LayerNormalization", "layer_norm", "blc", "gamma", axis=1),
    _told("LayerNormalization", "layer_norm", "bpcq", axis=(1, 3)),
    _told("RMSNormalization", "rms_norm", "blc", "scale", axis=1),
    _told("GroupNormalization", "group_norm", "blc", "gamma", axis=-1),
    _told("GroupNormalization", "group_norm", "bpqc1", axis=3),
    _told("BatchNormalization", "batch_norm", "pbcq", axis=2),
    _function_told("layer_normalization", "layer_norm", "blc", 1),
    _function_told("rms_normalization", "rms_norm", "blc", 1),
    _function_told("rms_normalization", "rms_norm", "bpcq", (1, 3)),
    masked(
        KERAS, "keras.layers.BatchNormalization.call", "batch_norm", _masked_batch, channels_last=True,
        channels=2,  # of one, keras.ops.squeeze takes the last axis of the moments too, and the call raises IndexError
        running_variance="biased",
    ),
    _function("layer_normalization", "layer_norm"),
    _function("rms_normalization", "rms_norm"),
    _layer("LayerNormalization", "layer_norm"),
    _layer("LayerNormalization", "rms_norm", lambda c: {"rms_scaling": True}, label="(rms_scaling)"),
    _layer("RMSNormalization", "rms_norm"),
    _layer("BatchNormalization", "batch_norm", _batch),
    _layer("GroupNormalization", "group_norm", lambda c: {"groups": c["groups"], "axis": 1}),
    _layer("GroupNormalization", "instance_norm", lambda c: {"groups": -1, "axis": 1}, label="(groups=-1)"),
)  # fmt: skip
