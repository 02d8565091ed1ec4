"""TensorFlow: vectors divided by their norm."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.subject import Floats, Normaliser
from varlaw.subjects.tensorflow.framework import TENSORFLOW, floats, place, tensor, tf


def _row(name: str, call: Callable[[Any], Any]) -> Normaliser:
    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        with place(device):
            return floats(call(tensor(x, dtype)))

    return Normaliser(name=f"tensorflow.{name}", framework=TENSORFLOW, op="normalise", apply=apply)


NORMALISERS: tuple[Normaliser, ...] = (
    _row("linalg.normalize", lambda x: tf().linalg.normalize(x)[0]),
    _row("nn.l2_normalize", lambda x: tf().nn.l2_normalize(x)),
)
