"""JAX itself: its samplers, initialisers, norm and clipping; the libraries on it have rooms of their own."""

import inspect
from collections.abc import Iterator, Mapping

from varlaw.subjects.jax import stax
from varlaw.subjects.jax.activations import ACTIVATIONS, GATED
from varlaw.subjects.jax.arguments import ARGUMENTS
from varlaw.subjects.jax.attention import ATTENTION
from varlaw.subjects.jax.clipping import CLIPPERS
from varlaw.subjects.jax.complex_rows import COMPLEX
from varlaw.subjects.jax.computations import EXPERIMENTS
from varlaw.subjects.jax.initialisers import INITIALISERS
from varlaw.subjects.jax.norms import NORMS
from varlaw.subjects.jax.numbers import NUMBERS
from varlaw.subjects.jax.samplers import SAMPLERS
from varlaw.subjects.subject import Subject

SUBJECTS: tuple[Subject, ...] = (
    *SAMPLERS, *INITIALISERS, *ARGUMENTS, *COMPLEX, *stax.LAYERS, *NORMS, *CLIPPERS, *stax.DROPOUTS,
    *ACTIVATIONS, *GATED, *NUMBERS, *EXPERIMENTS, *ATTENTION,
)  # fmt: skip


def PUBLIC() -> Iterator[str]:
    """Every public name of jax.random, jax.nn.initializers jax.nn and stax, and the clipping of the example library."""
    import jax

    for module in (jax.random, jax.nn.initializers, jax.nn):
        for name, value in vars(module).items():
            if not name.startswith("_") and callable(value) and not inspect.ismodule(value):
                yield f"{module.__name__}.{name}"
    yield "jax.example_libraries.optimizers.clip_grads"
    yield from stax.public()


_KEYS = ("PRNGKey", "bits", "clone", "fold_in", "key", "key_data", "key_dtype", "key_impl", "split", "wrap_key_data")
_OTHERS = ("double_sided_maxwell", "f", "triangular", "wald")
_ACTIVATIONS = (
    *("celu", "elu", "gelu", "glu", "hard_*", "identity", "leaky_relu", "log1mexp", "log_sigmoid", "mish", "relu*"),
    *("selu", "sigmoid", "silu", "soft_sign", "softplus", "sparse_*", "squareplus", "swish", "tanh"),
)
_SUMS = ("log_softmax", "logmeanexp", "logsumexp", "one_hot", "softmax", "scaled_*")

LEFT_OUT: Mapping[str, str] = {
    **stax.LEFT_OUT,
    **dict.fromkeys((f"jax.random.{n}" for n in _KEYS), "makes keys, not numbers"),
    **dict.fromkeys((f"jax.random.{n}" for n in _OTHERS), "a law that is not stated here, of numbers that have rows"),
    "jax.random.multinomial": "sums of binomial numbers, which have a row",
    "jax.nn.initializers.Initializer": "the type of an initialiser",
    "jax.nn.initializers.xavier_*": "the same function as glorot_*",
    "jax.nn.initializers.kaiming_*": "the same function as he_*",
    **dict.fromkeys((f"jax.nn.{n}" for n in _ACTIVATIONS), "an activation without parameters"),
    **dict.fromkeys((f"jax.nn.{n}" for n in _SUMS), "neither draws, normalises by a variance, clips nor drops"),
    "jax.nn.get_scaled_dot_general_config": "a setting of matrix products in 8 bits",
}
