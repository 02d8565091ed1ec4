"""TensorFlow: `tf.random`, `tf.clip_by_*`, norms, dropout and cross-entropy of `tf.nn`, as rows.

Its layers and initialisers are Keras's, which has rows of its own.
"""

from varlaw.subjects.subject import Subject
from varlaw.subjects.tensorflow.activations import ACTIVATIONS
from varlaw.subjects.tensorflow.clipping import CLIPPERS
from varlaw.subjects.tensorflow.computations import EXPERIMENTS
from varlaw.subjects.tensorflow.normalisers import NORMALISERS
from varlaw.subjects.tensorflow.norms import NORMS
from varlaw.subjects.tensorflow.numbers import NUMBERS
from varlaw.subjects.tensorflow.public import LEFT_OUT, PUBLIC
from varlaw.subjects.tensorflow.sampling import SAMPLERS
from varlaw.subjects.tensorflow.training import DROPOUTS, LOSSES

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]

SUBJECTS: tuple[Subject, ...] = (
    *SAMPLERS, *NORMS, *CLIPPERS, *NORMALISERS, *DROPOUTS, *LOSSES, *ACTIVATIONS, *EXPERIMENTS, *NUMBERS,
)  # fmt: skip
