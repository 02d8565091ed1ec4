"""A failure says why, unasked: each usual mistake is named, on fresh draws, and nothing that does not explain."""

import json
from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

import varlaw
from varlaw.claims import causes
from varlaw.claims.causes.facts import found, never_written
from varlaw.claims.verdict import explained
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Constant, Normal, Uniform

from .mistakes import HE, MISTAKES, UNIT, normal, orthogonal, rng

JARGON = ("Legendre", "ln e", "QR)", "e-value", "LR")


@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_is_named(name: str) -> None:
    draw, law, words, shape = MISTAKES[name]
    verdict = varlaw.check(draw, law, shape=shape, name="mine")
    text = explained(verdict)
    assert verdict.outcome == "VIOLATES"
    assert any(word in text for word in words), text
    assert not any(word in text for word in JARGON)
    assert len(text.splitlines()) <= 4


@pytest.mark.parametrize("shape", [(64, 64), (3,), (1, 1), (4096,)])
@pytest.mark.parametrize("size", [1e150, 1e300, 1e-150, 5e-324])
def test_values_of_any_size_have_a_reason(size: float, shape: tuple[int, ...]) -> None:
    verdict = varlaw.check(lambda s, k: size * normal(s, k), UNIT, shape=shape, name="mine")
    assert verdict.outcome == "VIOLATES"
    assert verdict.detail


@pytest.mark.parametrize("shape", [(64, 64), (8, 8), (4096,)])
def test_one_value_at_another_place_each_time_does_not_ignore_its_seed(shape: tuple[int, ...]) -> None:
    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        x = np.zeros(shape)
        x.flat[seed % x.size] = 1.0
        return x

    verdict = varlaw.check(draw, UNIT, shape=shape, name="mine")
    assert verdict.outcome == "VIOLATES"
    assert "only 2 different values" in explained(verdict)


@pytest.mark.parametrize("seed", range(8))
def test_lawful_entries_are_given_no_cause(seed: int) -> None:
    """On lawful draws nothing is found: what is named after a violation is not named by chance."""
    laws = (UNIT, Uniform(1.0), varlaw.TruncatedNormal(1.0), Normal(0.5, mean=2.0))
    law = laws[seed % len(laws)]

    def source(seed: int, count: int) -> object:
        return (np.asarray(law.quantile(rng(seed + i).random((32, 48)))) for i in range(count))

    why = causes.explain(source, law, "float64", Key("t", f"lawful {seed}"), 65_536, (32, 48))  # type: ignore[arg-type]
    assert (why.likely, why.facts) == (None, ())


def test_a_users_wrong_law_comes_first_if_the_draws_bear_it() -> None:
    def wide(shape: tuple[int, ...], seed: int) -> np.ndarray:
        return 50 * normal(shape, seed)

    near, far = {"a tenth more": Normal(1.1)}, {"fifty times": Normal(50.0)}
    named = varlaw.check(wide, UNIT, shape=(64, 64), mutants=near | far)
    unnamed = varlaw.check(wide, UNIT, shape=(64, 64), mutants=near)
    assert (named.likely, unnamed.likely) == ("fifty times", None)
    assert "50" in unnamed.detail


def test_the_finding_comes_first_and_the_address_last() -> None:
    verdict = varlaw.check(lambda s, k: 0.138 * normal(s, k), Normal(0.125), shape=(64, 64), name="mine")
    head, numbers, cause, address = explained(verdict).splitlines()
    assert head == f"std x{verdict.ratio:.4g} of Normal(0.125)"
    assert numbers.startswith("VIOLATES: std expected 0.125, observed")
    assert "times the law's; no usual mistake gives that" in cause
    assert address.endswith("replay: salt '2026-11-22', name 'mine'")


def test_the_cause_is_found_again() -> None:
    first, again = (varlaw.check(MISTAKES["Laplace"].draw, UNIT, shape=(64, 64), name="mine") for _ in range(2))
    assert first == again


def test_printed_seeds_are_those_that_the_function_got() -> None:
    got: list[int] = []

    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        got.append(seed)
        x = normal(shape, seed)
        x[0, 0] = np.nan if seed % 3 == 0 else x[0, 0]
        return x

    verdict = varlaw.check(draw, UNIT, shape=(8, 8), name="mine")
    assert "1 of 64 values is NaN (seed " in verdict.detail
    seed = int(verdict.detail.split("seed ")[1].rstrip(")"))
    assert seed in got
    assert seed % 3 == 0

    def changing(shape: tuple[int, ...], seed: int) -> np.ndarray:
        got.append(seed)
        return np.random.default_rng().standard_normal(shape)

    with pytest.raises(varlaw.SamplerError, match="when seed") as caught:
        varlaw.check(changing, UNIT, shape=(8, 8), name="mine")
    assert int(str(caught.value).split("seed ")[1].split()[0]) in got


def test_memory_that_nobody_wrote() -> None:
    assert "never written" in found([np.array([[0.0, 6.9e-310, 6.9e-310, 6.9e-310]])] * 2, UNIT)
    assert never_written(lambda: normal((64, 64), 0), (64, 64)) == ""
    kept = np.full((64, 64), np.nan)
    assert "were in memory before the call" in never_written(lambda: np.full((64, 64), -1.2345678e-3), (64, 64))
    assert np.isnan(kept).all()


def test_a_run_explains_a_violation_that_no_row_foresaw(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from varlaw.evidence.budget import policy
    from varlaw.subjects.registry import select
    from varlaw.verify import plan, workers

    real = torch.nn.init.normal_
    tasks = [
        task
        for task in plan.tasks(select(["torch.nn.init.normal_"]), ["float32"], "cpu", "t")
        if task.claim == "init.documented"
    ][:1]
    assert policy("pr").delta == 0.05
    for wrong, words in (
        (
            lambda x, mean=0.0, std=1.0, generator=None: x.uniform_(-(3**0.5) * std, 3**0.5 * std),
            "uniform in place of normal",
        ),
        (lambda x, mean=0.0, std=1.0, generator=None: x.zero_(), "values are 0"),
        (lambda x, mean=0.0, std=1.0, generator=None: real(x, mean, std).mul_(float("nan")), "values are NaN"),
    ):
        monkeypatch.setattr(torch.nn.init, "normal_", lambda x, *a, wrong=wrong, **k: wrong(x.detach(), *a, **k))
        (verdict,) = workers.in_order(tasks, "pr", "t")
        assert verdict.outcome == "VIOLATES", json.dumps(verdict.case)
        assert words in f"{verdict.likely}; {verdict.detail}"


def test_a_function_of_he_is_lawful() -> None:
    assert varlaw.check(lambda s, k: HE.std * normal(s, k), HE, shape=(32, 64)).outcome == "CONFORMS"


@pytest.mark.parametrize(
    ("dtype", "mean", "wrong"), [("float32", 1000.0, 0.5), ("float32", 1000.0, 2.0), ("bfloat16", 5.0, 0.01)]
)
def test_a_mean_far_from_0_gives_no_fact(dtype: str, mean: float, wrong: float) -> None:
    """Lines of almost one norm, matrices of almost one rank and numbers that come again follow from the mean alone."""
    fmt = np.dtype(getattr(ml_dtypes, dtype, dtype))

    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        return (mean + wrong * normal(shape, seed)).astype(fmt)

    verdict = varlaw.check(draw, Normal(2 * wrong, mean=mean), shape=(64, 64), name="mine")
    assert verdict.outcome == "VIOLATES"
    said = f"{verdict.likely}; {verdict.detail}"
    assert "1/2: half the std" in said or "different values" in said
    assert not any(word in said for word in ("norm", "rank", "multiples", "exactly", "again")), said


@pytest.mark.parametrize(
    ("law", "scale"),
    [(varlaw.Orthogonal(1.0), lambda k: 1.0 if k % 50 else 1.01), (Constant(0.0), lambda k: k % 300 == 0)],
)
def test_a_fault_of_few_seeds_is_told_as_one(law: object, scale: Callable[[int], float]) -> None:
    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        return scale(seed) * (orthogonal(shape, seed) if isinstance(law, varlaw.Orthogonal) else np.ones(shape))

    verdict = varlaw.check(draw, law, shape=(32, 32), name="mine")
    assert verdict.outcome == "VIOLATES"
    assert "not in all directions" not in verdict.detail
    assert "all 65,536 values are 0" not in verdict.detail
    assert "of those tried" in verdict.detail


def test_a_factor_is_said_once() -> None:
    verdict = varlaw.check(lambda shape, seed: rng(seed).normal(0, 1.5 / 8, shape), Normal(1 / 8), shape=(64, 128))
    assert verdict.likely.endswith(": a factor 3/2 too much")
