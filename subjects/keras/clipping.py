"""keras.optimizers and keras.constraints: clipping on the path that a training step takes.

What an optimiser does to gradients is read off one step of SGD at learning rate 1, from variables that are zero.
"""

from typing import Any

from varlaw.subjects.keras.framework import KERAS, dtype_of, keras
from varlaw.subjects.rows import clipper
from varlaw.subjects.subject import Clipper


def _optimiser(argument: str, op: str, *, single: bool = False) -> Clipper:
    """`single`: the optimiser clips each variable by itself, so all leaves are put into one."""

    def clip(grads: list[Any], limit: float) -> tuple[list[Any], None]:
        variables = [keras().Variable(keras().ops.zeros_like(g), dtype=dtype_of(g)) for g in grads]
        keras().optimizers.SGD(learning_rate=1.0, **{argument: limit}).apply(grads, variables)
        return [-v.value for v in variables], None

    return clipper(KERAS, f"keras.optimizers.Optimizer({argument})", op, clip, single=single)


def _constraint(name: str, **fixed: float) -> Clipper:
    """A constraint on weights, applied to one vector of all leaves: a bound on its norm."""

    def clip(grads: list[Any], limit: float) -> tuple[list[Any], None]:
        return [getattr(keras().constraints, name)(**fixed, max_value=limit, axis=0)(grads[0][:, None])[:, 0]], None

    return clipper(KERAS, f"keras.constraints.{name}", "clip_norm", clip, single=True)


CLIPPERS: tuple[Clipper, ...] = (
    _optimiser("global_clipnorm", "clip_norm"),
    _optimiser("clipnorm", "clip_norm", single=True),
    _optimiser("clipvalue", "clip_value"),
    _constraint("MaxNorm"),
    _constraint("MinMaxNorm", min_value=0.0),
)
