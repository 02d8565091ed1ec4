"""equinox, complex weights: layers whose documentation promises a uniform law: its variance, in halves."""

from typing import Any

from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.jax.complex_rows import dense, row
from varlaw.subjects.subject import Case, Sampler


def _linear(key: Any, c: Case, dtype: Any) -> Any:
    import equinox as eqx

    return eqx.nn.Linear(*dense(c), dtype=dtype, key=key).weight


def _embedding(key: Any, c: Case, dtype: Any) -> Any:
    import equinox as eqx

    return eqx.nn.Embedding(c["num_embeddings"], c["embedding_dim"], dtype=dtype, key=key).weight


COMPLEX: tuple[Sampler, ...] = (
    row(EQUINOX, "equinox.nn.Linear", "Uniform(1/sqrt(2*in_features))", _linear),
    row(EQUINOX, "equinox.nn.Embedding", "Normal(sqrt(1/2))", _embedding, "embedding"),
)
