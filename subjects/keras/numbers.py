"""keras.random's numbers that are no weights: uniforms, gamma and beta numbers, counts, categories, orders."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from varlaw.subjects.keras.framework import KERAS, keras
from varlaw.subjects.rows import numbers
from varlaw.subjects.subject import Numbers

Draw = Callable[[Any, int, str, int], Any]  # (keras.random, count, dtype, seed) -> count numbers


@contextmanager
def _seed(seed: int, dtype: str, device: str) -> Iterator[int]:
    """Its functions take a seed, and no key."""
    with KERAS.place(dtype, device):
        yield seed % (2**31 - 1)


_OF_A_SEED = replace(KERAS, chance=_seed)


def _row(name: str, documented: str, draw: Draw, *without: float, **rest: Any) -> Numbers:
    return numbers(
        _OF_A_SEED, f"keras.random.{name}", documented,
        lambda count, dtype, device, seed: draw(keras().random, count, dtype, seed), *without, **rest,
    )  # fmt: skip


def _logits() -> Any:
    return keras().ops.log(keras().ops.convert_to_tensor([[1.0, 1e-4, 4.0, 0.5]]))


NUMBERS: tuple[Numbers, ...] = (
    _row("uniform(0, 1)", "UniformRange(0, 1)", lambda r, n, d, s: r.uniform((n,), dtype=d, seed=s), 1.0),
    _row("uniform(1, 2)", "UniformRange(1, 2)", lambda r, n, d, s: r.uniform((n,), 1.0, 2.0, dtype=d, seed=s), 2.0),
    _row("normal(numbers)", "Normal(1)", lambda r, n, d, s: r.normal((n,), dtype=d, seed=s)),
    _row("gamma", "Gamma(2.5)", lambda r, n, d, s: r.gamma((n,), 2.5, dtype="float32", seed=s), dtypes=("float32",)),
    _row("beta", "Beta(2, 3)", lambda r, n, d, s: r.beta((n,), 2.0, 3.0, dtype="float32", seed=s), dtypes=("float32",)),
    _row("binomial", "Binomial(10, 0.25)", lambda r, n, d, s: r.binomial((n,), 10.0, 0.25, seed=s), whole=True),
    _row(
        "categorical", "Categorical(1, 1e-4, 4, 0.5)", lambda r, n, d, s: r.categorical(_logits(), n, seed=s)[0],
        whole=True,
    ),
    _row("randint(10)", "Integers(0, 10)", lambda r, n, d, s: r.randint((n,), 0, 10, seed=s), whole=True),
    _row(
        "randint(3 * 2^29)", "Integers(0, 3 << 29)", lambda r, n, d, s: r.randint((n,), 0, 3 << 29, seed=s),
        whole=True,
    ),
)  # fmt: skip
