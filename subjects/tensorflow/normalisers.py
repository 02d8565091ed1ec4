"""TensorFlow: vectors divided by their norm."""

from varlaw.subjects.rows import normaliser
from varlaw.subjects.subject import Normaliser
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf

NORMALISERS: tuple[Normaliser, ...] = (
    normaliser(TENSORFLOW, "tensorflow.linalg.normalize", "normalise", lambda x, key: tf().linalg.normalize(x)[0]),
    normaliser(TENSORFLOW, "tensorflow.nn.l2_normalize", "normalise", lambda x, key: tf().nn.l2_normalize(x)),
)
