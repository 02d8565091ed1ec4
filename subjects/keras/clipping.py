"""keras.optimizers and keras.constraints: clipping on the path that a training step takes.

What an optimiser does to gradients is read off one step of SGD at learning rate 1, from variables that are zero.
"""

from collections.abc import Sequence

import numpy as np

from varlaw.subjects.keras.framework import KERAS, floats, keras, place, tensor
from varlaw.subjects.keras.measure import detached
from varlaw.subjects.leaves import flatten, unflatten
from varlaw.subjects.subject import Clipper, Floats


def _stepped(grads: Sequence[Floats], dtype: str, **clip: float) -> list[Floats]:
    """The gradients as the optimiser applies them: minus what variables that were zero hold after one step."""
    variables = [keras().Variable(np.zeros(g.shape), dtype=dtype) for g in grads]
    optimiser = keras().optimizers.SGD(learning_rate=1.0, **clip)
    optimiser.apply([tensor(g, dtype) for g in grads], variables)
    return [-floats(detached(v.value)) for v in variables]


def _clipper(argument: str, op: str, together: bool = False) -> Clipper:
    """`together`: the optimiser clips each variable by itself, so all leaves are put into one."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        with place(dtype, device):
            if not together:
                return _stepped(grads, dtype, **{argument: limit}), None
            (one,) = _stepped([flatten(grads)], dtype, **{argument: limit})
        return unflatten(one, grads), None

    return Clipper(name=f"keras.optimizers.Optimizer({argument})", framework=KERAS, op=op, apply=apply)


def _constraint(name: str, **fixed: float) -> Clipper:
    """A constraint on weights, applied to one vector of all leaves: a bound on its norm."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        column = flatten(grads)[:, None]
        with place(dtype, device):
            rule = getattr(keras().constraints, name)(**fixed, max_value=limit, axis=0)
            one = floats(rule(tensor(column, dtype)))[:, 0]
        return unflatten(one, grads), None

    return Clipper(name=f"keras.constraints.{name}", framework=KERAS, op="clip_norm", apply=apply)


CLIPPERS: tuple[Clipper, ...] = (
    _clipper("global_clipnorm", "clip_norm"),
    _clipper("clipnorm", "clip_norm", together=True),
    _clipper("clipvalue", "clip_value"),
    _constraint("MaxNorm"),
    _constraint("MinMaxNorm", min_value=0.0),
)
