"""Random numbers: healthy sources conform in every dtype, and each known way to spoil one is refuted by its claim."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Finding, Trial
from varlaw.claims.documented import resolve
from varlaw.claims.numbers import claims
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Framework, Numbers

HERE = Framework(name="here", version=lambda: "1", devices=lambda: ("cpu",))
Draw = Callable[[np.random.Generator, int], Any]


def source(documented: str, draw: Draw, *without: float, count: int = 1 << 19) -> Numbers:
    """Numbers of a NumPy generator, rounded to the dtype."""

    def drawn(many: int, dtype: str, device: str, seed: int) -> Any:
        x = np.asarray(draw(np.random.default_rng(seed), many), dtype=np.float64)
        return FORMATS[dtype].round_all(x)

    return Numbers(name="here.numbers", framework=HERE, documented=documented, draw=drawn, without=without, count=count)


def found(row: Numbers, name: str, dtype: str = "float32") -> Finding:
    (claim,) = (c for c in claims(row) if c.name == name)
    return claim.judge(Trial({}, dtype, "cpu", POLICIES["pr"], Key("teeth", f"{claim.name}:{row.name}")))


def right(documented: str) -> Numbers:
    """The law itself, by inversion."""
    law = resolve(documented, {})
    return source(documented, lambda rng, n: law.quantile(rng.random(n)))


LAWS = (
    "UniformRange(0, 1)", "Normal(1)", "Exponential(2)", "Gumbel()", "Laplace(1)", "Logistic()", "Cauchy()",
    "LogNormal(1)", "Gamma(2.5)", "Beta(2, 3)", "StudentT(5)", "Geometric(0.3)", "Poisson(4)", "Binomial(10, 0.2)",
    "Binomial(1, 0.01)", "Categorical(1, 0, 1e-4, 4)", "Integers(0, 10)", "Integers(0, 3 << 29)",
)  # fmt: skip


@pytest.mark.parametrize("documented", LAWS)
def test_the_law_itself_conforms(documented: str) -> None:
    row = right(documented)
    dtypes = FORMATS if len(claims(row)) == 4 and documented[:4] in ("Unif", "Gumb", "Cauc") else ("float32",)
    outcomes = {(d, c.name): found(row, c.name, d) for d in dtypes for c in claims(row)}
    assert {key: f for key, f in outcomes.items() if f.outcome != "CONFORMS"} == {}
    assert all(f.certified == f.delta > 0 for (_, name), f in outcomes.items() if name != "random.grid")


def _few_bits(bits: int) -> Draw:
    return lambda rng, n: rng.integers(0, 1 << bits, n) / (1 << bits)


def _waiting(bits: int) -> Draw:
    return lambda rng, n: -np.log((rng.integers(0, 1 << bits, n) + 1) / (1 << bits))


def _modulo(rng: np.random.Generator, n: int) -> Any:
    return rng.integers(0, 1 << 32, n) % (3 << 29)


def _chance_in_8_bits(rng: np.random.Generator, n: int) -> Any:
    return rng.integers(0, 256, n) < 256 * 0.01


def _echo(lag: int) -> Draw:
    """A tenth of the numbers come up again `lag` places later."""

    def draw(rng: np.random.Generator, n: int) -> Any:
        x = rng.random(n)
        again = rng.random(n - lag) < 0.1
        x[lag:] = np.where(again, x[:-lag], x[lag:])
        return x

    return draw


def _same_half(rng: np.random.Generator, n: int) -> Any:
    return np.tile(rng.random(n // 2), 2)


def _one_seed(rng: np.random.Generator, n: int) -> Any:
    return np.random.default_rng(1).random(n)


def _now_and_then(value: float) -> Draw:
    return lambda rng, n: np.where(rng.random(n) < 1e-5, value, 0.5)


# What goes wrong -> the claim that says so, the dtype, the law, the source, and what the documentation excludes.
MUTANTS: dict[str, tuple[Any, ...]] = {
    "1 of [0, 1) by rounding": ("random.range", "bfloat16", "UniformRange(0, 1)", lambda r, n: r.random(n), 1.0),
    "log of 0": ("random.range", "float32", "Exponential(1)", _now_and_then(np.inf)),
    "not a number": ("random.range", "float32", "Normal(1)", _now_and_then(np.nan)),
    "a class without weight": ("random.range", "float32", "Categorical(1, 0, 2)", lambda r, n: r.integers(0, 3, n)),
    "not whole": ("random.range", "float32", "Poisson(4)", lambda r, n: r.poisson(4, n) + 0.5),
    "the end is drawn": ("random.range", "float32", "Integers(0, 10)", lambda r, n: r.integers(0, 11, n)),
    "8 random bits": ("random.law", "bfloat16", "UniformRange(0, 1)", _few_bits(8), 1.0),
    "a tail that ends": ("random.law", "float32", "Exponential(1)", _waiting(12)),
    "a tail that is cut": (
        "random.law",
        "float32",
        "Exponential(1)",
        lambda r, n: np.minimum(r.exponential(size=n), 8.0),
    ),
    "range and random bits": ("random.law", "float32", "Integers(0, 3 << 29)", _modulo),
    "a chance of 3/256": ("random.law", "float32", "Binomial(1, 0.01)", _chance_in_8_bits),
    "a curve a little off": ("random.law", "float32", "UniformRange(0, 1)", lambda r, n: r.random(n) ** 0.98),
    "rate for scale": ("random.law", "float32", "Exponential(2)", lambda r, n: r.exponential(0.5, n)),
    "failures for trials": ("random.law", "float32", "Geometric(0.3)", lambda r, n: r.geometric(0.3, n) + 1.0),
    "a rare class forgotten": (
        "random.law",
        "float32",
        "Categorical(1, 0, 2e-4, 1)",
        lambda r, n: 3 * r.integers(0, 2, n),
    ),
    "12 random bits": ("random.grid", "float32", "UniformRange(0, 1)", _few_bits(12)),
    "many ties": ("random.grid", "float32", "Gumbel()", lambda r, n: np.round(r.gumbel(size=n), 3)),
    "pairs in float64": ("random.grid", "float64", "Gumbel()", lambda r, n: np.repeat(r.gumbel(size=n // 2), 2)),
    "echo": ("random.independent", "float32", "UniformRange(0, 1)", _echo(1)),
    "half a call again": ("random.independent", "float32", "UniformRange(0, 1)", _same_half),
    "one seed for all": ("random.independent", "float32", "UniformRange(0, 1)", _one_seed),
}


def mutant(name: str) -> Numbers:
    _, _, documented, draw, *without = MUTANTS[name]
    return source(documented, draw, *without)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_spoiled_source_is_refuted(name: str) -> None:
    claim, dtype, *_ = MUTANTS[name]
    verdict = found(mutant(name), claim, dtype)
    assert verdict.outcome == "VIOLATES"
    assert verdict.size is None or verdict.size > 0


def test_what_a_finding_tells() -> None:
    tail = found(mutant("a tail that is cut"), "random.law")
    assert tail.quantity.startswith("share above ")
    assert tail.observed == 0 < (tail.expected or 0)
    rare = found(mutant("a rare class forgotten"), "random.law")
    assert (rare.quantity, rare.observed) == ("share of 2", 0.0)
    class_of_0 = found(mutant("a class without weight"), "random.range")
    assert (class_of_0.detail, class_of_0.expected) == ("1 comes up", 0.0)
    assert "without 1" in found(mutant("1 of [0, 1) by rounding"), "random.range", "bfloat16").quantity


def test_a_wrong_law_is_no_dependence() -> None:
    row = source("UniformRange(0, 1)", lambda r, n: r.random(n) ** 0.5)
    assert [found(row, name).outcome for name in ("random.law", "random.independent")] == ["VIOLATES", "CONFORMS"]


def test_few_numbers_promise_less() -> None:
    row = source("Integers(0, 120)", lambda r, n: r.integers(0, 120, n), count=1 << 14)
    few, many = (found(r, "random.law") for r in (row, right("Integers(0, 120)")))
    assert (few.outcome, few.samples) == ("CONFORMS", 1 << 14)
    assert few.delta > many.delta


def test_what_does_not_repeat_is_refused() -> None:
    row = source("UniformRange(0, 1)", lambda r, n: np.random.default_rng().random(n))
    with pytest.raises(SamplerError, match="others when seed"):
        found(row, "random.law")
    short = source("UniformRange(0, 1)", lambda r, n: r.random(3))
    with pytest.raises(SamplerError, match="should be"):
        found(short, "random.range")
