"""keras.layers and keras.ops: normalisation, called on inputs of shape (batch, channels, length) in training mode."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.defaults import constants_of, with_default
from varlaw.subjects.keras.framework import KERAS, floats, keras, place, tensor
from varlaw.subjects.keras.measure import detached
from varlaw.subjects.subject import Case, Floats, Norm

Call = Callable[[Any, Case], Any]
Arguments = Callable[[Case], Mapping[str, Any]]


def _function(name: str, op: str, call: Call) -> Norm:
    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        with place(dtype, device):
            return {"output": floats(detached(call(tensor(x, dtype), case)))}

    return with_default(Norm(name=f"keras.ops.{name}", framework=KERAS, op=op, apply=apply))


def _layer(name: str, op: str, arguments: Arguments, label: str = "") -> Norm:
    """A layer with its default parameters, on one training step."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        with place(dtype, device):
            layer = getattr(keras().layers, name)(**arguments(case), **constants_of(case, eps="epsilon"), dtype=dtype)
            for _ in range(case.get("steps", 1)):
                y = floats(detached(layer(tensor(x, dtype), training=True)))
            running = {
                f"running_{ours}": floats(getattr(layer, f"moving_{theirs}").value)
                for ours, theirs in (("mean", "mean"), ("var", "variance"))
                if hasattr(layer, f"moving_{theirs}")
            }
        return {"output": y} | running

    row = Norm(
        name=f"keras.layers.{name}.call{label}", framework=KERAS, op=op, apply=apply,
        running_variance="biased",  # "var(batch)", as the layer normalises with
        steps=op == "batch_norm",
    )  # fmt: skip
    return with_default(row)


def _batch(case: Case) -> Mapping[str, Any]:
    """Keras's momentum is the weight of the old value."""
    return {"axis": 1, **constants_of(case, kept="momentum")}


NORMS: tuple[Norm, ...] = (
    _function(
        "layer_normalization",
        "layer_norm",
        lambda x, c: keras().ops.layer_normalization(x, **constants_of(c, eps="epsilon")),
    ),
    _function(
        "rms_normalization", "rms_norm", lambda x, c: keras().ops.rms_normalization(x, **constants_of(c, eps="epsilon"))
    ),
    _layer("LayerNormalization", "layer_norm", lambda c: {}),
    _layer("RMSNormalization", "rms_norm", lambda c: {}),
    _layer("BatchNormalization", "batch_norm", _batch),
    _layer("GroupNormalization", "group_norm", lambda c: {"groups": c["groups"], "axis": 1}),
    _layer("GroupNormalization", "instance_norm", lambda c: {"groups": -1, "axis": 1}, label="(groups=-1)"),
)
