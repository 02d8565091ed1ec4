"""keras.optimizers under constant gradients."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.keras.framework import KERAS, OnBackend, keras
from varlaw.subjects.optimising import RATE_IN_32_BITS, Optimisers, Walk
from varlaw.subjects.subject import Case, Experiment, Floats

Make = Callable[[Any, Case], Any]  # (keras.optimizers, case) -> an optimiser


def _walk(make: Make) -> Walk:
    def walk(w: Floats, g: Floats, case: Case, dtype: str, device: str) -> Floats:
        with KERAS.place(dtype, device):
            weights = keras().Variable(KERAS.array(w, dtype, device), dtype=dtype)
            optimiser = make(keras().optimizers, case)
            for _ in range(case.get("steps", 1)):
                optimiser.apply([KERAS.array(g, dtype, device)], [weights])
            return KERAS.floats(weights.value)

    return walk


class _Accumulated:
    """Four calls for a step, of half and of one and a half times the gradient in turns: their mean is the gradient."""

    def __init__(self, optimiser: Any) -> None:
        self.inner = optimiser

    def apply(self, gradients: Any, weights: Any) -> None:
        for share in (0.5, 1.5, 0.5, 1.5):
            self.inner.apply([share * g for g in gradients], weights)


_of = Optimisers(KERAS, "optimizers.", _walk, RATE_IN_32_BITS)
_NADAM = OnBackend(**{
    name: {**RATE_IN_32_BITS, **({"bfloat16": "TypeError: a NumPy scalar of ml_dtypes"} if name == "torch" else {})}
    for name in ("torch", "jax", "tensorflow")
})  # fmt: skip

EXPERIMENTS: tuple[Experiment, ...] = (
    _of.moved("Adam", "adam_hat", lambda o, c: o.Adam(c["rate"], epsilon=c["eps"])),
    _of.moved("Adam(amsgrad)", "adam_hat", lambda o, c: o.Adam(c["rate"], epsilon=c["eps"], amsgrad=True)),
    _of.moved("AdamW", "adam_hat", lambda o, c: o.AdamW(c["rate"], epsilon=c["eps"], weight_decay=0.0)),
    _of.moved("Adamax", "adam", lambda o, c: o.Adamax(c["rate"], epsilon=c["eps"])),
    _of.moved("Nadam", "nadam", lambda o, c: o.Nadam(c["rate"], epsilon=c["eps"]), _NADAM),
    _of.moved(
        "Adafactor", "sign", lambda o, c: o.Adafactor(c["rate"], epsilon_1=1e-40, epsilon_2=1.0, relative_step=False)
    ),
    _of.moved("RMSprop", "rmsprop", lambda o, c: o.RMSprop(c["rate"], rho=c["decay"], epsilon=c["eps"])),
    _of.moved(
        "Adagrad", "adagrad",
        lambda o, c: o.Adagrad(c["rate"], initial_accumulator_value=c["start"], epsilon=c["eps"]),
    ),
    _of.moved(
        "RMSprop(centered)", "rmsprop_centred",
        lambda o, c: o.RMSprop(c["rate"], rho=c["decay"], epsilon=c["eps"], centered=True),
    ),
    _of.moved("Adadelta", "adadelta", lambda o, c: o.Adadelta(c["rate"], rho=c["decay"], epsilon=c["eps"])),
    _of.moved("SGD", "momentum", lambda o, c: o.SGD(c["rate"], momentum=c["momentum"])),
    _of.moved("SGD(nesterov)", "nesterov", lambda o, c: o.SGD(c["rate"], momentum=c["momentum"], nesterov=True)),
    _of.moved("Lion", "sign", lambda o, c: o.Lion(c["rate"])),
    _of.moved(
        "Adam(accumulated)", "adam_hat",
        lambda o, c: _Accumulated(o.Adam(c["rate"], epsilon=c["eps"], gradient_accumulation_steps=4)),
    ),
    _of.decayed("AdamW", lambda o, c: o.AdamW(c["rate"], weight_decay=c["decay"])),
    _of.decayed("Lion", lambda o, c: o.Lion(c["rate"], weight_decay=c["decay"])),
    _of.decayed("SGD", lambda o, c: o.SGD(c["rate"], weight_decay=c["decay"])),
    _of.trusted("Lamb", lambda o, c: o.Lamb(c["rate"])),
)  # fmt: skip
