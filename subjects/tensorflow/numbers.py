"""tf.random's numbers that are no weights: uniforms, gamma numbers, counts, categories, orders."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.subject import Numbers
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf

Draw = Callable[[Any, Any, int, str], Any]  # (tf.random, seed, count, dtype) -> count numbers

_ORDERS = 1 << 13  # permutations, each of which takes a call
_WEIGHTS = (1.0, 1e-4, 4.0, 0.5)
_RARE = "Categorical(1, 1e-4, 4, 0.5)"


def _row(name: str, documented: str, draw: Draw, *without: float, **rest: Any) -> Numbers:
    def drawn(count: int, dtype: str, device: str, key: int) -> Any:
        return draw(tf().random, [key, 1], count, dtype)

    return rows.numbers(TENSORFLOW, f"tensorflow.random.{name}", documented, drawn, *without, **rest)


def _orders(r: Any, n: int) -> Any:
    import numpy as np

    return rows.rank(np.stack([r.shuffle(tf().range(5)).numpy() for _ in range(n)]))


def _logits(d: str) -> Any:
    return tf().math.log(tf().constant([_WEIGHTS], dtype=d))


def _whole_uniform(r: Any, n: int, high: int) -> Any:
    return r.uniform((n,), 0, high, dtype="int32")


NUMBERS: tuple[Numbers, ...] = (
    _row("uniform(0, 1)", "UniformRange(0, 1)", lambda r, s, n, d: r.uniform((n,), dtype=d), 1.0),
    _row("uniform(1, 2)", "UniformRange(1, 2)", lambda r, s, n, d: r.uniform((n,), 1, 2, dtype=d), 2.0),
    _row(
        "stateless_uniform(0, 1)", "UniformRange(0, 1)", lambda r, s, n, d: r.stateless_uniform((n,), s, dtype=d), 1.0
    ),
    _row("normal(numbers)", "Normal(1)", lambda r, s, n, d: r.normal((n,), dtype=d)),
    _row(
        "gamma", "Gamma(2.5)", lambda r, s, n, d: r.gamma((n,), 2.5, dtype=d),
        unsupported={"bfloat16": "RandomGamma has no bfloat16 kernel"},
    ),
    _row(
        "stateless_gamma", "Gamma(2.5)", lambda r, s, n, d: r.stateless_gamma((n,), s, 2.5, dtype=d),
        unsupported={"bfloat16": "StatelessRandomGamma has no bfloat16 kernel"},
    ),
    _row("poisson", "Poisson(4)", lambda r, s, n, d: r.poisson((n,), 4.0), whole=True),
    _row("stateless_poisson", "Poisson(4)", lambda r, s, n, d: r.stateless_poisson((n,), s, [4.0][0]), whole=True),
    _row(
        "stateless_binomial", "Binomial(10, 0.25)",
        lambda r, s, n, d: r.stateless_binomial((n,), s, 10.0, 0.25), whole=True,
    ),
    _row("categorical", _RARE, lambda r, s, n, d: r.categorical(_logits(d), n)[0]),
    _row("stateless_categorical", _RARE, lambda r, s, n, d: r.stateless_categorical(_logits(d), n, s)[0]),
    _row("uniform(int32, 10)", "Integers(0, 10)", lambda r, s, n, d: _whole_uniform(r, n, 10), whole=True),
    _row(
        "uniform(int32, 3 * 2^29)", "Integers(0, 3 << 29)", lambda r, s, n, d: _whole_uniform(r, n, 3 << 29),
        whole=True,
    ),
    _row("shuffle(5)", "Integers(0, 120)", lambda r, s, n, d: _orders(r, n), whole=True, count=_ORDERS),
)  # fmt: skip
