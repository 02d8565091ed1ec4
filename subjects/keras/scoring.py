"""Keras's losses of real numbers, as functions: they average over the last axis, of one number here."""

from typing import Any

from varlaw.subjects import scoring
from varlaw.subjects.arguments import fixed
from varlaw.subjects.keras.framework import KERAS, keras
from varlaw.subjects.subject import Experiment


def _losses() -> Any:
    return keras().losses


# In float64 Keras casts labels and scalars to float32 on torch and JAX.
SCORES: tuple[Experiment, ...] = (
    scoring.binary(
        KERAS,
        "losses.binary_crossentropy",
        lambda z, y, w: _losses().binary_crossentropy(y, z, from_logits=True),
        cases=fixed(weight=1.0),
        dtypes=("float32", "float16", "bfloat16"),
    ),
    scoring.distance(KERAS, "losses.huber", "loss_huber", lambda x, t, d: _losses().huber(t, x, delta=d)),
    scoring.cosine(KERAS, "losses.cosine_similarity", lambda x, y: -_losses().cosine_similarity(x, y)),
)
