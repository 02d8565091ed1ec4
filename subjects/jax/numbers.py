"""jax.random's numbers that are no weights: uniforms, waiting times, heavy tails, counts, categories, orders."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.jax.framework import JAX, dtype_of
from varlaw.subjects.subject import Numbers

Draw = Callable[[Any, Any, int, Any], Any]  # (jax.random, key, count, dtype) -> count numbers

_ORDERS = 1 << 16  # permutations, each of which sorts
# What is computed from the numbers would be rounded again in 16 bits; and where sums of such numbers are rejected or
# divided, the coarse uniform numbers under them say it all.
_WIDE = {"dtypes": ("float64", "float32")}


def _row(name: str, documented: str, draw: Draw, *without: float, **rest: Any) -> Numbers:
    def drawn(count: int, dtype: str, device: str, key: Any) -> Any:
        import jax

        return draw(jax.random, key, count, dtype_of(dtype))

    return rows.numbers(JAX, f"jax.random.{name}", documented, drawn, *without, **rest)


def _log(weights: tuple[float, ...], d: Any) -> Any:
    import jax.numpy as jnp

    return jnp.log(jnp.array(weights, d))


def _orders(r: Any, k: Any, n: int, size: int) -> Any:
    import jax

    return jax.vmap(lambda one: r.permutation(one, size))(r.split(k, n))


_RARE = "Categorical(1, 0, 1e-4, 4, 0.5)"
_WEIGHTS = (1, 0, 1e-4, 4, 0.5)


def _choice(r: Any, k: Any, n: int, d: Any) -> Any:
    import jax.numpy as jnp

    weights = jnp.array(_WEIGHTS)
    return r.choice(k, 5, (n,), p=weights / weights.sum())


NUMBERS: tuple[Numbers, ...] = (
    _row("uniform(0, 1)", "UniformRange(0, 1)", lambda r, k, n, d: r.uniform(k, (n,), d), 1.0),
    _row("uniform(1, 2)", "UniformRange(1, 2)", lambda r, k, n, d: r.uniform(k, (n,), d, 1, 2), 2.0),
    _row("normal(numbers)", "Normal(1)", lambda r, k, n, d: r.normal(k, (n,), d)),
    _row("exponential", "Exponential(1)", lambda r, k, n, d: r.exponential(k, (n,), d)),
    _row("gumbel", "Gumbel()", lambda r, k, n, d: r.gumbel(k, (n,), d)),
    _row("gumbel(high)", "Gumbel()", lambda r, k, n, d: r.gumbel(k, (n,), d, mode="high")),
    _row("laplace", "Laplace(1)", lambda r, k, n, d: r.laplace(k, (n,), d)),
    _row("logistic", "Logistic()", lambda r, k, n, d: r.logistic(k, (n,), d)),
    _row("cauchy", "Cauchy()", lambda r, k, n, d: r.cauchy(k, (n,), d)),
    _row("lognormal", "LogNormal(0.5)", lambda r, k, n, d: r.lognormal(k, 0.5, (n,), d)),
    _row("gamma", "Gamma(2.5)", lambda r, k, n, d: r.gamma(k, 2.5, (n,), d)),
    _row("loggamma", "Gamma(2.5)", lambda r, k, n, d: _exp(r.loggamma(k, 2.5, (n,), d)), **_WIDE),
    _row("chisquare", "Gamma(2)", lambda r, k, n, d: r.chisquare(k, 4.0, shape=(n,), dtype=d) / 2, **_WIDE),
    _row("beta", "Beta(2, 3)", lambda r, k, n, d: r.beta(k, 2.0, 3.0, (n,), d), **_WIDE),
    _row("dirichlet", "Beta(2, 3)", lambda r, k, n, d: r.dirichlet(k, _pair(d), (n,), d)[:, 0], **_WIDE),
    _row("t", "StudentT(5)", lambda r, k, n, d: r.t(k, 5.0, (n,), d), **_WIDE),
    _row("pareto", "Exponential(0.5)", lambda r, k, n, d: _logarithm(r.pareto(k, 2.0, (n,), d)), **_WIDE),
    _row("weibull_min", "Exponential(1)", lambda r, k, n, d: r.weibull_min(k, 1.0, 2.0, (n,), d) ** 2, **_WIDE),
    _row("rayleigh", "Exponential(2)", lambda r, k, n, d: r.rayleigh(k, 1.0, (n,), d) ** 2, **_WIDE),
    _row("maxwell", "Gamma(1.5)", lambda r, k, n, d: r.maxwell(k, (n,), d) ** 2 / 2, **_WIDE),
    _row("rademacher", "Binomial(1, 0.5)", lambda r, k, n, d: (r.rademacher(k, (n,), d) + 1) / 2),
    _row("bernoulli", "Binomial(1, 0.1)", lambda r, k, n, d: r.bernoulli(k, 0.1, (n,)), whole=True),
    _row("bernoulli(high)", "Binomial(1, 0.1)", lambda r, k, n, d: r.bernoulli(k, 0.1, (n,), mode="high"), whole=True),
    _row("bernoulli(dtype)", "Binomial(1, 13/1024)", lambda r, k, n, d: r.bernoulli(k, d.type(13 / 1024), (n,))),
    _row("geometric", "Geometric(0.3)", lambda r, k, n, d: r.geometric(k, 0.3, (n,)), whole=True),
    _row("geometric(rare)", "Geometric(1e-9)", lambda r, k, n, d: r.geometric(k, 1e-9, (n,)), whole=True),
    _row("poisson", "Poisson(4)", lambda r, k, n, d: r.poisson(k, 4.0, (n,)), whole=True),
    _row("poisson(many)", "Poisson(1e10)", lambda r, k, n, d: r.poisson(k, 1e10, (n,)), whole=True),
    _row("binomial", "Binomial(10, 0.25)", lambda r, k, n, d: r.binomial(k, 10.0, 0.25, (n,), d)),
    _row("categorical", _RARE, lambda r, k, n, d: r.categorical(k, _log(_WEIGHTS, d), shape=(n,))),
    _row("choice", _RARE, _choice, whole=True),
    _row("randint(10)", "Integers(0, 10)", lambda r, k, n, d: r.randint(k, (n,), 0, 10), whole=True),
    _row("randint(3 * 2^29)", "Integers(0, 3 << 29)", lambda r, k, n, d: r.randint(k, (n,), 0, 3 << 29), whole=True),
    _row("randint(uint8)", "Integers(0, 255)", lambda r, k, n, d: r.randint(k, (n,), 0, 255, "uint8"), whole=True),
    _row(
        "permutation(5)", "Integers(0, 120)", lambda r, k, n, d: rows.rank(_orders(r, k, n, 5)), whole=True,
        count=_ORDERS,
    ),
    _row(
        "permutation(200)", "Integers(0, 200)", lambda r, k, n, d: _orders(r, k, n, 200)[:, 0], whole=True,
        count=_ORDERS,
    ),
)  # fmt: skip


def _exp(x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.exp(x)


def _logarithm(x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.log(x)


def _pair(d: Any) -> Any:
    import jax.numpy as jnp

    return jnp.array([2.0, 3.0], d)
