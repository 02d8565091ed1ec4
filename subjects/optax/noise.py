"""optax: the noise that gradient transformations add."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.jax.framework import sampler
from varlaw.subjects.optax.framework import OPTAX
from varlaw.subjects.subject import Case, Sampler

Noise = Callable[[Any, Any, Case, Any], Any]  # (optax, key, case, two leaves of zeros) -> two leaves of noise


def _noise(name: str, draw: Noise) -> Sampler:
    """What is added to two leaves of one shape."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax.numpy as jnp
        import optax

        zeros = jnp.zeros(case["shape"], dtype)
        return lambda key: dict(draw(optax, key, case, {"first": zeros, "second": zeros}))

    return sampler(OPTAX, f"optax.{name}", "shape", build, dict.fromkeys(("first", "second"), "Normal(scale)"))


def _gradient_noise(optax: Any, key: Any, case: Case, leaves: Any) -> Any:
    """The variance of the first step is eta/1."""
    rule = optax.add_noise(case["scale"] ** 2, 0.55, key)
    return rule.update(leaves, rule.init(leaves))[0]


def _private_noise(optax: Any, key: Any, case: Case, leaves: Any) -> Any:
    """Of a batch of one example, whose noise is the limit of its norm times the multiplier."""
    rule = optax.contrib.differentially_private_aggregate(1.0, case["scale"], key)
    examples = {name: leaf[None] for name, leaf in leaves.items()}
    return rule.update(examples, rule.init(leaves))[0]


def _random_like(optax: Any, key: Any, case: Case, leaves: Any) -> Any:
    noise = optax.tree.random_like(key, leaves)
    return {name: case["scale"] * leaf for name, leaf in noise.items()}


NOISES: tuple[Sampler, ...] = (
    _noise("add_noise", _gradient_noise),
    _noise("contrib.differentially_private_aggregate(noise)", _private_noise),
    _noise("tree.random_like", _random_like),
)
