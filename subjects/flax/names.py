"""The public names of flax that hold parameters, normalise or drop, and the reasons for those without a row."""

import inspect
from collections.abc import Iterator, Mapping


def PUBLIC() -> Iterator[str]:
    """Every module class of linen and nnx, and the initialisers of both."""
    import flax.linen as nn
    from flax import nnx as new

    for prefix, namespace, kind in (("flax.linen", nn, nn.Module), ("flax.nnx", new, new.Module)):
        for name, value in vars(namespace).items():
            if inspect.isclass(value) and issubclass(value, kind) and not name.startswith("_"):
                yield f"{prefix}.{name}"
        yield from (f"{prefix}.initializers.{n}" for n in dir(namespace.initializers) if not n.startswith("_"))
    yield "flax.linen.standardize"
    yield "flax.nnx.standardize"
    yield "flax.linen.dot_product_attention"
    yield "flax.nnx.dot_product_attention"


_SAME = "the function of jax.nn, which has a row there"
_WRAPS = "wraps other modules, without parameters of its own"
_BASE = "base class"
LEFT_OUT: Mapping[str, str] = {
    "flax.*.initializers.*": "the functions of jax.nn.initializers, which have rows there",
    "flax.*.standardize": _SAME,
    "flax.*.Module": _BASE,
    "flax.*.RNNCellBase": _BASE,
    "flax.*.RNN": _WRAPS,
    "flax.*.Bidirectional": _WRAPS,
    "flax.*.Sequential": _WRAPS,
    "flax.nnx.Dict": _WRAPS,
    "flax.nnx.List": _WRAPS,
    "flax.linen.*Fp8*": "a matrix product in 8 bits, which is none of the formats tried here",
}
