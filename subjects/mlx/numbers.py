"""mlx.core.random's numbers that are no weights: uniforms, extremes, counts, categories, orders."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.mlx.framework import MLX, NO_FLOAT64, dtype_of
from varlaw.subjects.subject import Numbers

Draw = Callable[[Any, int, Any], Any]  # (mlx.core, count, dtype) -> count numbers

_ORDERS = 1 << 16  # permutations, each of which is a row of one call
_RARE = (1, 1e-30, 1e-4, 4, 0.5)


def _row(name: str, documented: str, draw: Draw, *without: float, **rest: Any) -> Numbers:
    def drawn(count: int, dtype: str, device: str, key: Any) -> Any:
        import mlx.core as mx

        return draw(mx, count, dtype_of(dtype))

    unsupported = {} if rest.get("whole") else NO_FLOAT64
    return rows.numbers(
        MLX, f"mlx.core.random.{name}", documented, drawn, *without, **{"unsupported": unsupported, **rest}
    )


def _orders(mx: Any, n: int) -> Any:
    import numpy as np

    return rows.rank(np.stack([np.array(mx.random.permutation(5)) for _ in range(n)]))


NUMBERS: tuple[Numbers, ...] = (
    _row("uniform(0, 1)", "UniformRange(0, 1)", lambda mx, n, d: mx.random.uniform(shape=(n,), dtype=d), 1.0),
    _row("uniform(1, 2)", "UniformRange(1, 2)", lambda mx, n, d: mx.random.uniform(1, 2, (n,), dtype=d), 2.0),
    _row("normal(numbers)", "Normal(1)", lambda mx, n, d: mx.random.normal((n,), dtype=d)),
    _row("gumbel", "Gumbel()", lambda mx, n, d: mx.random.gumbel((n,), dtype=d)),
    _row("laplace", "Laplace(1)", lambda mx, n, d: mx.random.laplace((n,), dtype=d)),
    _row("bernoulli", "Binomial(1, 0.1)", lambda mx, n, d: mx.random.bernoulli(0.1, (n,)), whole=True),
    _row(
        "categorical", "Categorical(1, 0, 1e-4, 4, 0.5)",
        lambda mx, n, d: mx.random.categorical(mx.log(mx.array(_RARE)), num_samples=n), whole=True,
    ),
    _row("randint(10)", "Integers(0, 10)", lambda mx, n, d: mx.random.randint(0, 10, (n,)), whole=True),
    _row(
        "randint(3 * 2^29)", "Integers(0, 3 << 29)", lambda mx, n, d: mx.random.randint(0, 3 << 29, (n,)), whole=True
    ),
    _row(
        "randint(3 * 2^29, modulo 8)", "Integers(0, 8)", lambda mx, n, d: mx.random.randint(0, 3 << 29, (n,)) % 8,
        whole=True,
    ),
    _row("permutation(5)", "Integers(0, 120)", lambda mx, n, d: _orders(mx, n), whole=True, count=_ORDERS),
)  # fmt: skip
