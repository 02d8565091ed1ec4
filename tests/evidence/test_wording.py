"""Every test of a decision has a name in a user's words, and a violation says which one fell."""

import numpy as np
import pytest

from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import SamplerError, decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.evidence.wording import in_words
from varlaw.theory.variates import Normal, Uniform

Array = np.ndarray


def test_no_process_is_left_without_words() -> None:
    battery = Battery(Normal(1.0), FORMATS["float32"], 100_000)
    rng = np.random.default_rng(0)
    battery.update([rng.standard_normal((24, 24)) for _ in range(2)], rng)
    same = [name for name in battery.processes() if in_words(name) == name]
    assert same == []


@pytest.mark.parametrize(
    ("law", "draw", "fell"),
    [
        (Normal(1.0), lambda rng: rng.standard_normal((64, 16)) + 0.1, "the mean"),
        (Normal(1.0), lambda rng: rng.uniform(-(3**0.5), 3**0.5, (64, 16)), "the largest value"),
        (Uniform(1.0), lambda rng: rng.standard_normal((64, 16)) / 3**0.5, "the largest value"),
        (Normal(1.0), lambda rng: np.repeat(rng.standard_normal((32, 16)), 2, axis=0), "values that come again"),
    ],
)
def test_the_test_that_fell_is_named(law: Normal, draw: object, fell: str) -> None:
    def source(seed: int, count: int) -> object:
        return (draw(np.random.default_rng([seed, i])) for i in range(count))  # type: ignore[operator]

    decision = decide(law, source, POLICIES["pr"], Key("t", "fell"))  # type: ignore[arg-type]
    assert (decision.outcome, decision.detail) == ("VIOLATES", f"test that fell: {fell}")


def test_the_least_bad_of_a_list_is_no_explanation() -> None:
    def source(seed: int, count: int) -> object:
        return (50 * np.random.default_rng([seed, i]).standard_normal(64) for i in range(count))

    key, mutants = Key("t", "least bad"), {"a tenth more": Normal(1.1), "fifty times": Normal(50.0)}
    named = decide(Normal(1.0), source, POLICIES["pr"], key, mutants=mutants)  # type: ignore[arg-type]
    unnamed = decide(Normal(1.0), source, POLICIES["pr"], key, mutants={"a tenth more": Normal(1.1)})  # type: ignore[arg-type]
    assert (named.likely, unnamed.likely) == ("fifty times", None)


def test_a_broken_contract_carries_its_seeds() -> None:
    with pytest.raises(SamplerError) as caught:
        decide(Normal(1.0), lambda seed, count: (np.ones(8) for _ in range(count)), POLICIES["pr"], Key("t", "same"))
    assert all(str(seed) in str(caught.value) for seed in caught.value.seeds)
    assert len(caught.value.seeds) == 2
