"""mlx.optimizers under constant gradients."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.mlx.framework import MLX
from varlaw.subjects.optimising import RATE_IN_32_BITS, Optimisers, Walk
from varlaw.subjects.subject import Case, Experiment, Floats

Make = Callable[[Any, Case], Any]  # (mlx.optimizers, case) -> an optimiser


def _walk(make: Make) -> Walk:
    def walk(w: Floats, g: Floats, case: Case, dtype: str, device: str) -> Floats:
        import mlx.optimizers

        weights, gradient = {"w": MLX.array(w, dtype, device)}, {"w": MLX.array(g, dtype, device)}
        optimiser = make(mlx.optimizers, case)
        for _ in range(case.get("steps", 1)):
            weights = optimiser.apply_gradients(gradient, weights)
        return MLX.floats(weights["w"])

    return walk


_of = Optimisers(MLX, "optimizers.", _walk, RATE_IN_32_BITS)

EXPERIMENTS: tuple[Experiment, ...] = (
    _of.moved("Adam", "adam_plain", lambda o, c: o.Adam(c["rate"], eps=c["eps"])),
    _of.moved("Adam(corrected)", "adam", lambda o, c: o.Adam(c["rate"], eps=c["eps"], bias_correction=True)),
    _of.moved(
        "AdamW(corrected)", "adam",
        lambda o, c: o.AdamW(c["rate"], eps=c["eps"], weight_decay=0.0, bias_correction=True),
    ),
    _of.moved(
        "Adafactor", "sign",
        lambda o, c: o.Adafactor(c["rate"], eps=(1e-40, 1e-3), scale_parameter=False, relative_step=False),
    ),
    _of.moved("RMSprop", "rmsprop", lambda o, c: o.RMSprop(c["rate"], alpha=c["decay"], eps=c["eps"])),
    _of.moved("SGD", "momentum", lambda o, c: o.SGD(c["rate"], momentum=c["momentum"])),
    _of.moved("SGD(nesterov)", "nesterov", lambda o, c: o.SGD(c["rate"], momentum=c["momentum"], nesterov=True)),
    _of.moved(
        "SGD(dampening)", "dampened",
        lambda o, c: o.SGD(c["rate"], momentum=c["momentum"], dampening=c["dampening"]),
    ),
    _of.moved("AdaDelta", "adadelta", lambda o, c: o.AdaDelta(c["rate"], rho=c["decay"], eps=c["eps"])),
    _of.moved("Adamax", "adamax_plain", lambda o, c: o.Adamax(c["rate"], eps=c["eps"])),
    _of.moved("Lion", "sign", lambda o, c: o.Lion(c["rate"])),
    _of.decayed("AdamW", lambda o, c: o.AdamW(c["rate"], weight_decay=c["decay"])),
    _of.decayed("Lion", lambda o, c: o.Lion(c["rate"], weight_decay=c["decay"])),
    _of.decayed("SGD", lambda o, c: o.SGD(c["rate"], weight_decay=c["decay"])),
)  # fmt: skip
