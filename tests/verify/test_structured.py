"""Laws of whole tensors: each kind conforms on the truth and is told from the mistakes that are made of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import varlaw
from varlaw import Outcome, check, check_shapes
from varlaw.rows import layer

R = np.random.default_rng
COVARIANCE, MEAN = [[2.0, 0.5], [0.5, 1.0]], [1.0, -1.0]
Draw = Callable[[Any, int], Any]


def log_uniform(shape: Any, seed: int) -> Any:
    return np.exp(R(seed).uniform(np.log(1e-3), np.log(1e-1), shape))


def noisy(shape: Any, seed: int, power: float = 0.5) -> Any:
    a, b = (np.sign(e) * abs(e) ** power for e in map(R(seed).normal, (0, 0), (1, 1), shape))
    return np.outer(a, b)


def sparse(shape: Any, seed: int, zeros: float = 0.9, std: float = 1.0) -> Any:
    rng = R(seed)
    return np.where(rng.random(shape) < zeros, 0, std * rng.normal(size=shape))


def standardised(shape: Any, seed: int, ddof: int = 0) -> Any:
    x = R(seed).normal(size=shape)
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True, ddof=ddof)


def over_std(shape: Any, seed: int, ddof: int = 0, axis: int | None = None) -> Any:
    x = R(seed).normal(size=shape)
    return 0.5 * x / x.std(axis, keepdims=True, ddof=ddof)


def of_norm(shape: Any, seed: int, uniform: bool = False) -> Any:
    x = R(seed).uniform(-1, 1, shape) if uniform else R(seed).normal(size=shape)
    return 2 * x / np.linalg.norm(x, axis=1, keepdims=True)


def of_rms(shape: Any, seed: int) -> Any:
    x = R(seed).normal(size=shape)
    return (0.05 * x / np.sqrt((x**2).mean())).astype(np.float32)


def parts(shape: Any, seed: int, second: float = 1.0) -> Any:
    rng = R(seed)
    return rng.normal(size=shape) + 1j * second * rng.normal(size=shape)


def rows(shape: Any, seed: int) -> Any:
    return R(seed).multivariate_normal(MEAN, COVARIANCE, shape[0])


RIGHT: list[tuple[Draw, Any]] = [
    (log_uniform, varlaw.LogUniform(1e-3, 1e-1)),
    (lambda s, k: log_uniform(s, k).astype(np.float32), "LogUniform(1e-3, 1e-1)"),
    (noisy, varlaw.FactorisedNoise()),
    (lambda s, k: R(k).choice([-0.5, 0.5], s), varlaw.Rademacher(0.5)),
    (sparse, varlaw.Sparse(varlaw.Normal(1.0), 0.9)),
    (parts, varlaw.Complex(varlaw.Normal(1.0))),
    (standardised, varlaw.RowsStandardised(1.0)),
    (lambda s, k: standardised(s, k, ddof=1), varlaw.RowsStandardised(1.0, ddof=1)),
    (lambda s, k: over_std(s, k, axis=1), varlaw.RowsStandardised(0.5, centred=False)),
    (lambda s, k: over_std(s, k, ddof=1), varlaw.SampleStd(0.5, about_mean=True, ddof=1)),
    (of_norm, varlaw.RowsOfNorm(2.0)),
    (of_rms, varlaw.SampleStd(0.05)),
    (rows, varlaw.RowsNormal(MEAN, COVARIANCE)),
]
WRONG: list[tuple[Draw, Any, str]] = [
    (lambda s, k: R(k).uniform(1e-3, 1e-1, s), varlaw.LogUniform(1e-3, 1e-1), "of log"),
    (lambda s, k: 0.9 * log_uniform(s, k), varlaw.LogUniform(1e-3, 1e-1), "of log"),
    (lambda s, k: noisy(s, k, power=1.0), varlaw.FactorisedNoise(), "of diagonal"),
    (lambda s, k: R(k).normal(size=s), varlaw.FactorisedNoise(), "second singular value"),
    (lambda s, k: R(k).choice([-0.5, 0.5], s, p=[0.52, 0.48]), varlaw.Rademacher(0.5), "of sign"),
    (lambda s, k: R(k).choice([-0.5, 0, 0.5], s), varlaw.Rademacher(0.5), "|entry| is 0, but should be 0.5"),
    (lambda s, k: sparse(s, k, zeros=0.88), varlaw.Sparse(varlaw.Normal(1.0), 0.9), "of which entries are 0"),
    (lambda s, k: sparse(s, k, std=0.3), varlaw.Sparse(varlaw.Normal(1.0), 0.9), "of entries that are not 0"),
    (
        lambda s, k: (R(k).normal(size=(*s, 2)).astype(np.float16) @ [1, 1j]).astype(np.complex64),
        varlaw.Complex(varlaw.Normal(1.0)),
        "values that come again",
    ),
    (
        lambda s, k: sparse(s, k, zeros=0.5).astype(np.float16).astype(np.float32),
        varlaw.Sparse(varlaw.Normal(1.0), 0.5),
        "values that come again",
    ),
    (lambda s, k: parts(s, k, second=0.7), varlaw.Complex(varlaw.Normal(1.0)), "of real and imaginary parts"),
    (lambda s, k: standardised(s, k, ddof=1), varlaw.RowsStandardised(1.0), "std of a row over the promised is 0.992"),
    (
        lambda s, k: over_std(s, k, ddof=1),
        varlaw.SampleStd(0.5, about_mean=True),
        "std of the tensor over the promised",
    ),
    (
        lambda s, k: over_std(s, k, axis=1) + 0.1 * R(k).normal(size=(s[0], 1)),
        varlaw.RowsStandardised(0.5, centred=False),
        "of row",
    ),
    (lambda s, k: of_norm(s, k, uniform=True), varlaw.RowsOfNorm(2.0), "of row"),
    (lambda s, k: R(k).normal(0, 0.25, s), varlaw.RowsOfNorm(2.0), "norm of a row"),
    (lambda s, k: R(k).normal(0, 0.05, s), varlaw.SampleStd(0.05), "root mean square"),
    (lambda s, k: rows(s, k) - MEAN, varlaw.RowsNormal(MEAN, COVARIANCE), "of row"),
    (lambda s, k: R(k).normal(MEAN, [2**0.5, 1], s), varlaw.RowsNormal(MEAN, COVARIANCE), "of row"),
]


def _shape(law: Any) -> tuple[int, int]:
    if isinstance(law, varlaw.RowsStandardised | varlaw.SampleStd) and law.std == 0.5:
        return (2, 3) if isinstance(law, varlaw.SampleStd) and law.ddof else (64, 6)
    return (64, 2) if isinstance(law, varlaw.RowsNormal) else (64, 64)


@pytest.mark.parametrize(("draw", "law"), RIGHT, ids=lambda x: str(x)[:20])
def test_the_truth_conforms(draw: Draw, law: Any) -> None:
    verdict = check(draw, law, shape=_shape(law), name="truth")
    assert verdict.outcome is Outcome.CONFORMS, str(verdict)


def _uniform(shape: Any, seed: int, zeros: float = 0.5) -> Any:
    return np.where(R(seed + 1).random(shape) < zeros, 0, R(seed).uniform(-0.3, 0.3, shape))


HALF: list[tuple[Draw, Any]] = [  # 0.3 rounds outwards in 16 bits
    (lambda s, k: np.exp(R(k).uniform(np.log(1e-3), np.log(0.3), s)), varlaw.LogUniform(1e-3, 0.3)),
    (lambda s, k: np.exp(R(k).uniform(np.log(1e-6), np.log(1e-4), s)), varlaw.LogUniform(1e-6, 1e-4)),  # subnormal
    (noisy, varlaw.FactorisedNoise()),
    (_uniform, varlaw.Sparse(varlaw.Uniform(0.3), 0.5)),
    (lambda s, k: 0.3 * np.sign(_uniform(s, k)), varlaw.Sparse(varlaw.Rademacher(0.3), 0.5)),
    (lambda s, k: np.where(sparse(s, k, zeros=0.5) != 0, 0.3, 0), varlaw.Sparse(varlaw.Constant(0.3), 0.5)),
    (standardised, varlaw.RowsStandardised(1.0)),
    (of_norm, varlaw.RowsOfNorm(2.0)),
    (of_rms, varlaw.SampleStd(0.05)),
    (rows, varlaw.RowsNormal(MEAN, COVARIANCE)),
]


def test_rounding_to_16_bits_belongs_to_the_law() -> None:
    def outcome(draw: Draw, law: Any, factor: float) -> Outcome:
        def half(shape: Any, seed: int) -> Any:
            return (factor * draw(shape, seed)).astype(np.float16)

        return check(half, law, shape=_shape(law), delta=0.05, beta=1e-3, name="half").outcome

    assert [law for draw, law in HALF if outcome(draw, law, 1.0) is not Outcome.CONFORMS] == []
    assert [law for draw, law in HALF if outcome(draw, law, 1.2) is not Outcome.VIOLATES] == []


@pytest.mark.parametrize(("draw", "law", "said"), WRONG, ids=lambda x: str(x)[:20])
def test_a_mistake_violates_and_says_where(draw: Draw, law: Any, said: str) -> None:
    verdict = check(draw, law, shape=_shape(law), name="mistake")
    assert verdict.outcome is Outcome.VIOLATES
    assert said in verdict.detail


def test_they_are_promises_of_rows_as_well() -> None:
    def claim(law: str) -> Any:
        from varlaw.claims.tables import claims_of

        row = layer("mine.noise", lambda seed: {"w": noisy((32, 48), seed)}, {"w": law})
        return next(c for c in claims_of(row) if c.name == "init.documented")

    from varlaw.claims.claim import Trial
    from varlaw.evidence.budget import POLICIES
    from varlaw.evidence.streams import Key

    trial = Trial({}, "float64", "cpu", POLICIES["pr"], Key("salt", "structured"))
    assert claim("FactorisedNoise(1)").judge(trial).outcome is Outcome.CONFORMS
    assert claim("FactorisedNoise(2)").judge(trial).outcome is Outcome.VIOLATES
    assert claim("RowsOfNorm(1)").judge(trial).quantity == "norm of a row"


def test_one_law_over_several_shapes_is_told_from_another_rule() -> None:
    def mup(power: float) -> Draw:
        return lambda shape, seed: R(seed).normal(0, 0.02 / (shape[1] / 64) ** power, shape)

    shapes, law = [(64, 64), (128, 128), (256, 256)], "N(0.02/sqrt(fan_in/64))"
    assert check_shapes(mup(0.5), law, shapes, name="right").ok
    wrong = check_shapes(mup(1.0), law, shapes, name="wrong")
    assert "lawful in [64, 64] alone" in wrong.cause
    assert check_shapes(mup(0.5), lambda s: varlaw.Normal(0.02 / (s[0] / 64) ** 0.5), shapes, name="function").ok
    with pytest.raises(ValueError, match="should be two or more"):
        check_shapes(mup(0.5), law, [(64, 64)])


def test_a_law_is_the_same_promise_whoever_made_its_numbers() -> None:
    """A row keeps laws as texts: each public one is read again, with numbers of NumPy or torch as with Python's."""
    from varlaw.claims.documented import resolve
    from varlaw.subjects.builders.texts import text_of

    number = np.sqrt(np.float64(4))
    laws = [
        *(getattr(varlaw, name)(number) for name in ("Normal", "Uniform", "Constant", "Orthogonal", "TruncatedNormal")),
        *(getattr(varlaw, name)(number) for name in ("Rademacher", "FactorisedNoise", "RowsOfNorm", "SampleStd")),
        varlaw.TruncatedNormal(number, -np.inf, 1.0, 0.5),
        varlaw.Sparse(varlaw.TruncatedNormal(number), np.float32(0.5)),
        varlaw.UniformRange(-number, number),
        varlaw.RowsNormal(MEAN, COVARIANCE),
    ]
    assert [law for law in laws if resolve(text_of(law), {}) != law] == []
    assert text_of(varlaw.RowsNormal(np.array(MEAN), np.array(COVARIANCE))) == text_of(laws[-1])
    assert repr(varlaw.Normal(number)) == repr(varlaw.Normal(2.0))


def test_what_a_law_ties_together_is_not_called_related() -> None:
    """Columns of a covariance, logarithms that are all negative, rows that sum to 0: each is as its law says."""
    laws = {
        "e": varlaw.RowsNormal(MEAN, COVARIANCE),
        "step": varlaw.LogUniform(1e-3, 1e-1),
        "row": varlaw.RowsStandardised(1.0),
        "noise": varlaw.FactorisedNoise(),
    }

    def make(seed: int, copied: bool = False) -> dict[str, Any]:
        shapes = (("step", log_uniform), ("row", standardised), ("noise", noisy))
        made = {name: draw((64, 4), seed + i) for i, (name, draw) in enumerate(shapes)}
        e = rows((64, 2), seed + 9)
        return made | {"e": np.concatenate([e[:32], e[:32]]) if copied else e}

    found = varlaw.check_layer(make, laws, dtype="float64", delta=0.2, beta=1e-2)
    assert [v.detail for v in found if v.claim == "structure.uncorrelated" and v.outcome is not Outcome.CONFORMS] == []
    wrong = varlaw.check_layer(lambda seed: make(seed, copied=True), laws, dtype="float64", delta=0.2, beta=1e-2)
    assert "correlation 1.00), 3 pairs in all" in wrong.cause
