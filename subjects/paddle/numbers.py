"""Paddle's random numbers that are no weights: uniforms, waiting times, heavy tails, counts, categories, orders."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, top
from varlaw.subjects.subject import Numbers

Draw = Callable[[int, str], Any]  # (count, dtype) -> count numbers

_ORDERS = 1 << 16  # permutations, each of which takes a call


def _row(name: str, documented: str, draw: Draw, *without: float, **rest: Any) -> Numbers:
    unsupported = {} if rest.get("whole") else NO_HALF_KERNEL
    return rows.numbers(
        PADDLE, f"paddle.{name}", documented, lambda n, dtype, device, key: draw(n, dtype), *without,
        **{"unsupported": unsupported, **rest},
    )  # fmt: skip


def _distribution(name: str, documented: str, *arguments: float, more: int = 0) -> Numbers:
    def draw(n: int, dtype: str) -> Any:
        given = [top("to_tensor")(a, dtype=dtype) for a in arguments]
        return getattr(top("distribution"), name)(*given).sample((n,)).reshape([-1]) + more

    return _row(f"distribution.{name}", documented, draw)


def _orders(n: int) -> Any:
    import numpy as np

    return rows.rank(np.stack([top("randperm")(5).numpy() for _ in range(n)]))


NUMBERS: tuple[Numbers, ...] = (
    _row("rand", "UniformRange(0, 1)", lambda n, d: top("rand")([n], dtype=d), 1.0),
    _row("uniform(1, 2)", "UniformRange(1, 2)", lambda n, d: top("uniform")([n], dtype=d, min=1.0, max=2.0), 2.0),
    _row("standard_normal(numbers)", "Normal(1)", lambda n, d: top("standard_normal")([n], dtype=d)),
    _row("Tensor.exponential_", "Exponential(1)", lambda n, d: top("empty")([n], dtype=d).exponential_(1.0)),
    _row("Tensor.cauchy_", "Cauchy()", lambda n, d: top("empty")([n], dtype=d).cauchy_()),
    _row("Tensor.log_normal_", "LogNormal(0.5)", lambda n, d: top("empty")([n], dtype=d).log_normal_(0.0, 0.5)),
    _row("Tensor.geometric_", "Geometric(0.3)", lambda n, d: top("empty")([n], dtype=d).geometric_(0.3)),
    _row("standard_gamma", "Gamma(2.5)", lambda n, d: top("standard_gamma")(top("full")([n], 2.5, dtype=d))),
    _row("bernoulli", "Binomial(1, 0.1)", lambda n, d: top("bernoulli")(top("full")([n], 0.1, dtype=d))),
    _row("poisson", "Poisson(4)", lambda n, d: top("poisson")(top("full")([n], 4.0, dtype=d))),
    _row(
        "binomial", "Binomial(10, 0.25)",
        lambda n, d: top("binomial")(top("full")([n], 10, dtype="int64"), top("full")([n], 0.25)), whole=True,
    ),
    _row(
        "multinomial", "Categorical(1, 0, 1e-4, 4, 0.5)",
        lambda n, d: top("multinomial")(top("to_tensor")([1, 0, 1e-4, 4, 0.5]), n, replacement=True), whole=True,
    ),
    _row("randint(10)", "Integers(0, 10)", lambda n, d: top("randint")(0, 10, [n]), whole=True),
    _row("randint(3 * 2^29)", "Integers(0, 3 << 29)", lambda n, d: top("randint")(0, 3 << 29, [n]), whole=True),
    _row("randperm(5)", "Integers(0, 120)", lambda n, d: _orders(n), whole=True, count=_ORDERS),
    _distribution("Gumbel", "Gumbel()", 0.0, 1.0),
    _distribution("Laplace", "Laplace(2)", 0.0, 2.0),
    _distribution("Beta", "Beta(2, 3)", 2.0, 3.0),
    _distribution("Exponential", "Exponential(2)", 0.5),
    _distribution("StudentT", "StudentT(5)", 5.0, 0.0, 1.0),
    _distribution("Geometric", "Geometric(0.25)", 0.25, more=1),
)  # fmt: skip
