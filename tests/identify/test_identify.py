"""Identification from draws alone: each family with each formula is found, and what is no law is not given one."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from varlaw.claims.documented import resolve
from varlaw.claims.fans import fans_of
from varlaw.evidence.streams import Key
from varlaw.identify import Reading, Sample, identify, of_function, of_subject, specimens
from varlaw.identify.constants import prices
from varlaw.subjects import registry
from varlaw.subjects.subject import Framework, Sampler, Tensor
from varlaw.theory.variates import TruncatedNormal

Floats = NDArray[np.float64]
Fill = Callable[[np.random.Generator, tuple[int, ...], float], Floats]
SALT = "tests"

_OURS = Framework(name="tests", version=lambda: "1", devices=lambda: ("cpu",))


def _truncated(cut: float) -> Fill:
    def fill(rng: np.random.Generator, shape: tuple[int, ...], std: float) -> Floats:
        return TruncatedNormal.with_std(std, -cut, cut).quantile(rng.random(shape))

    return fill


# Family -> entries of a given standard deviation.
FAMILIES: dict[str, Fill] = {
    "normal": lambda rng, shape, std: rng.normal(0, std, shape),
    "uniform": lambda rng, shape, std: rng.uniform(-math.sqrt(3) * std, math.sqrt(3) * std, shape),
    "truncated normal": _truncated(2.0),
    "rademacher": lambda rng, shape, std: rng.choice([-std, std], shape),
}

# Formula of the variance -> its value for (in, out).
FORMULAS: dict[str, Callable[[int, int], float]] = {
    "1/fan_in": lambda i, o: 1 / i,
    "1/(3*fan_in)": lambda i, o: 1 / (3 * i),
    "2/fan_in": lambda i, o: 2 / i,
    "1/fan_out": lambda i, o: 1 / o,
    "2/(fan_in + fan_out)": lambda i, o: 2 / (i + o),
    "2/(fan_in + 4*fan_out)": lambda i, o: 2 / (i + 4 * o),
    "0.02**2": lambda i, o: 0.02**2,
    "(5/3)**2/fan_in": lambda i, o: 25 / (9 * i),
}


def _linear(fill: Callable[[np.random.Generator, tuple[int, ...], int, int], Any]) -> Sampler:
    """A dense layer (out, in) that is drawn by `fill(rng, shape, inputs, outputs)`."""

    def shape(case: Mapping[str, Any]) -> tuple[int, ...]:
        return (case["out_features"], case["in_features"])

    def draws(case: Mapping[str, Any], dtype: str, device: str, seed: int, count: int) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield {"weight": np.float32(fill(rng, shape(case), case["in_features"], case["out_features"]))}

    row = Tensor(name="weight", documented="", layout="torch.linear")
    return Sampler(name="tests.linear", framework=_OURS, op="linear", tensors=(row,), draws=draws, shape=shape)


def _read(fill: Callable[[np.random.Generator, tuple[int, ...], int, int], Any], salt: str = SALT) -> Reading:
    (found,) = of_subject(_linear(fill), salt)
    return found.reading


@pytest.mark.parametrize(("family", "formula"), list(itertools.product(FAMILIES, FORMULAS)))
def test_every_family_with_every_formula(family: str, formula: str) -> None:
    variance = FORMULAS[formula]
    reading = _read(lambda rng, shape, i, o: FAMILIES[family](rng, shape, math.sqrt(variance(i, o))))
    assert reading.family == family
    assert not reading.reason
    if family == "rademacher":
        assert math.isclose(resolve_number(reading.formula, 7, 11), math.sqrt(variance(7, 11)), rel_tol=1e-9)
    else:
        law = resolve(reading.law, {}, (7.0, 11.0), (7.0, 11.0))
        assert math.isclose(law.variance, variance(7, 11), rel_tol=1e-9), reading.law
        assert law.family == family


def resolve_number(formula: str, fan_in: int, fan_out: int) -> float:
    names = {"sqrt": math.sqrt, "fan_in": fan_in, "fan_out": fan_out}
    return float(eval(formula, {"__builtins__": {}}, names))


# Cuts that differ from case to case are no one law for identification, which says so.
CUT = ("varlaw.numpy.truncated_normal(low, high)", "varlaw.numpy.truncated_normal(std_of='result')")
OURS = [s for s in registry.select(["varlaw.numpy.*"]) if isinstance(s, Sampler) and s.name not in CUT]


@pytest.mark.parametrize("subject", OURS, ids=lambda s: s.name)
def test_our_own_initialisers_are_identified_as_documented(subject: Sampler) -> None:
    (found,) = of_subject(subject, SALT)
    for case in specimens.cases(subject.op, 6, 10):
        true, shape = fans_of(subject, subject.tensors[0], case)
        promised = resolve(subject.tensors[0].documented, case, true, shape)
        assert _close(resolve(found.reading.law, case, true, shape), promised), found.reading.law


@pytest.mark.parametrize("name", CUT)
def test_cuts_that_differ_are_called_unknown(name: str) -> None:
    (subject,) = (s for s in registry.select([name]) if s.name == name)
    assert isinstance(subject, Sampler)
    (found,) = of_subject(subject, SALT)
    assert found.reading.family == "unknown"
    assert found.reading.reason


def _close(law: Any, other: Any) -> bool:
    pairs = [(getattr(law, n), getattr(other, n)) for n in ("std", "value", "gain", "bound") if hasattr(other, n)]
    return type(law) is type(other) and all(math.isclose(a, b, rel_tol=1e-12) for a, b in pairs)


def test_a_third_of_the_variance_is_told_from_the_whole() -> None:
    third = _read(lambda rng, shape, i, o: rng.normal(0, math.sqrt(1 / (3 * i)), shape))
    whole = _read(lambda rng, shape, i, o: rng.normal(0, math.sqrt(1 / i), shape))
    assert (third.law, whole.law) == ("Normal(1/sqrt(3*fan_in))", "lecun_normal(fan_in)")


def test_a_constant_that_nobody_writes_is_given_with_its_interval() -> None:
    reading = _read(lambda rng, shape, i, o: rng.normal(0, 0.0214783, shape))
    assert reading.known
    assert reading.interval
    assert reading.interval[0] < 0.0214783**2 < reading.interval[1]


_SHAPED: dict[str, tuple[Callable[[tuple[int, ...], int], Any], str]] = {
    "clipped": (lambda s, seed: np.clip(_rng(seed).normal(0, 0.02, s), -0.04, 0.04), "ClippedNormal(0.02, -2, 2)"),
    "three sigmas": (lambda s, seed: TruncatedNormal(0.02, -3, 3).quantile(_rng(seed).random(s)), "(0.02, -3, 3)"),
    "shifted": (lambda s, seed: _rng(seed).normal(1, 0.02, s), "Normal(0.02) + 1"),
    "far from 0": (lambda s, seed: _rng(seed).normal(100, 1, s), "Normal(1) + 100"),
    "very far from 0": (lambda s, seed: _rng(seed).normal(1e5, 1, s), "Normal(1) + 1e+05"),
    "narrow range": (lambda s, seed: _rng(seed).uniform(0.9999, 1.0001, s), "UniformRange(0.9999, 1.0001)"),
    "range": (lambda s, seed: _rng(seed).uniform(0.5, 1.5, s), "UniformRange(0.5, 1.5)"),
    "sparse": (lambda s, seed: _rng(seed).normal(0, 1, s) * (_rng(seed + 1).random(s) < 0.7), "SparseNormal(1, 0.3)"),
    "packed": (lambda s, seed: _stacked(s, seed, 0.02, 0.03), "Normal(0.02) in 0/2..1/2 of axis 0, Normal(0.03)"),
    "forget gate": (lambda s, seed: _stacked(s, None, 0, 1), "Constant(0) in 0/2..1/2 of axis 0, Constant(1)"),
    "padding row": (lambda s, seed: _padded(s, seed), "Constant(0) in the first of axis 0, Normal(1) in the rest"),
    "orthogonal": (lambda s, seed: _orthogonal(s, seed), "Orthogonal(sqrt(2))"),
    "zeros": (lambda s, seed: np.zeros(s), "Constant(0)"),
}


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _stacked(shape: tuple[int, ...], seed: int | None, *scales: float) -> Floats:
    x = np.ones(shape) if seed is None else _rng(seed).normal(0, 1, shape)
    return np.concatenate([scale * part for scale, part in zip(scales, np.split(x, len(scales)), strict=True)])


def _padded(shape: tuple[int, ...], seed: int) -> Floats:
    x = _rng(seed).normal(0, 1, shape)
    x[0] = 0
    return x


def _orthogonal(shape: tuple[int, ...], seed: int) -> Floats:
    rows, columns = shape[0], math.prod(shape[1:])
    q, _ = np.linalg.qr(_rng(seed).normal(0, 1, (max(rows, columns), min(rows, columns))))
    return math.sqrt(2) * (q if rows >= columns else q.T).reshape(shape)


@pytest.mark.parametrize("name", _SHAPED)
def test_what_is_no_plain_family(name: str) -> None:
    draw, said = _SHAPED[name]
    reading = of_function(lambda s, seed: np.float32(draw(s, seed)), name, SALT).reading
    assert said in reading.text
    assert reading.known


_UNKNOWN: dict[str, tuple[Callable[[tuple[int, ...], int], Any], str]] = {
    "mixture": (
        lambda s, seed: _rng(seed).normal(0, 1, s) * np.where(_rng(seed + 1).random(s) < 0.5, 0.02, 0.03),
        "refused by",
    ),
    "laplace": (lambda s, seed: _rng(seed).laplace(0, 1, s), "kurtosis"),
    "exponential": (lambda s, seed: _rng(seed).exponential(1, s), "refused by"),
    "neighbours": (lambda s, seed: _correlated(_rng(seed).normal(0, 1, s)), "lag 1"),
    "rank one": (
        lambda s, seed: _rng(seed).normal(0, 1, (s[0],) + (1,) * (len(s) - 1)) * _rng(seed + 1).normal(0, 1, s[1:]),
        "refused by",
    ),
    "coin": (lambda s, seed: _rng(seed).integers(0, 2, s), "values and shares"),
    "never written": (lambda s, seed: np.full(s, np.nan), "not finite"),
    "ramp": (lambda s, seed: np.broadcast_to(np.arange(s[-1], dtype=float), s), "the same numbers in every draw"),
    "odd scale": (lambda s, seed: _rng(seed).normal(0, 1 + math.sin(s[0]) ** 2, s), "no formula tried"),
}


def _correlated(z: Floats) -> Floats:
    return 0.9 * z + math.sqrt(1 - 0.81) * np.roll(z, 1)


@pytest.mark.parametrize("name", _UNKNOWN)
def test_what_follows_no_law_is_unknown_and_says_why(name: str) -> None:
    draw, said = _UNKNOWN[name]
    reading = of_function(lambda s, seed: np.float32(draw(s, seed)), name, SALT).reading
    assert not reading.known
    assert reading.law == ""
    assert said in reading.reason


def _in_rows(change: Callable[[Floats], Floats]) -> Callable[[tuple[int, ...], int], Any]:
    return lambda s, seed: np.float32(change(_rng(seed).normal(0, 1, s).reshape(s[0], -1))).reshape(s)


_ROWS = {
    "RowsOfNorm(2)": _in_rows(lambda x: 2 * x / np.linalg.norm(x, axis=1, keepdims=True)),
    "RowsStandardised(1/sqrt(shape_fan_in), ddof=1)": _in_rows(
        lambda x: (x - x.mean(1, keepdims=True)) / (x.std(1, ddof=1, keepdims=True) * math.sqrt(x.shape[1]))
    ),
    "RowsStandardised(0.1, centred=False)": _in_rows(lambda x: 0.1 * x / x.std(1, keepdims=True)),
    "SampleStd(0.02)": _in_rows(lambda x: 0.02 * x / math.sqrt((x**2).mean())),
    "rows normal, unknown scale": _in_rows(lambda x: x * np.linspace(0.5, 2, x.shape[1]) + x[:, :1]),
    "unknown": lambda s, seed: (
        (x := _rng(seed).uniform(-1, 1, (s[0], math.prod(s[1:])))).reshape(s)
        / np.linalg.norm(x, axis=1).reshape(-1, *(1,) * (len(s) - 1))
    ),
}


@pytest.mark.parametrize("law", _ROWS)
def test_laws_of_whole_rows_are_read_off(law: str) -> None:
    reading = of_function(_ROWS[law], law, SALT, ((64, 48), (96, 20), (12, 5, 3, 3), (150, 28))).reading
    assert reading.text == law
    assert reading.known == ("unknown" not in law)


def test_formulas_that_the_cases_cannot_tell_apart_are_all_named() -> None:
    reading = _read(lambda rng, shape, i, o: rng.normal(0, 1 / math.sqrt(i), shape))
    assert "1/sqrt(in_features)" in reading.same
    assert reading.lead is not None
    assert reading.lead > 100


def test_two_formulas_on_two_equal_cases_are_said_to_be_open() -> None:
    rng = np.random.default_rng(1)
    samples = [
        Sample({"a": a}, {"a": a, "b": b}, (8, 8), rng.normal(0, 1 / math.sqrt(a), (4, 8, 8)))
        for a, b in ((16.0, 15.0), (64.0, 66.0))
    ]
    reading = identify(samples, Key(SALT, "open"))
    assert "not told apart" in reading.note


def test_the_same_salt_reads_the_same() -> None:
    (subject,) = [s for s in OURS if s.name.endswith("he_normal")]
    assert list(of_subject(subject, "a")) == list(of_subject(subject, "a"))


def test_the_prices_of_the_constants_are_those_of_a_code() -> None:
    assert np.exp(-prices()).sum() < 1.2


def test_a_function_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="returns shape"):
        of_function(lambda s, seed: np.zeros(3), "wrong", SALT)


def test_a_function_of_kernels_only_is_read_on_these() -> None:
    def kernels(shape: tuple[int, ...], seed: int) -> Any:
        if len(shape) != 4:
            msg = "kernels only"
            raise ValueError(msg)
        return np.float32(_rng(seed).normal(0, 0.02, shape))

    reading = of_function(kernels, "kernels", SALT).reading
    assert reading.law == "Normal(0.02)"
    assert "shapes of rank 2 were refused: ValueError: kernels only [shape (64, 48)]" in reading.note


def test_a_function_that_takes_no_shape_says_which_it_was_asked_for() -> None:
    with pytest.raises(ValueError, match=r"kind none. \[shape \(64, 48\)\]; .* \[shape \(50, 36, 3, 3\)\]") as caught:
        of_function(lambda s, seed: {}["kind none"], "no", SALT)
    assert str(caught.value).startswith("KeyError: ")


def test_torch_layers() -> None:
    pytest.importorskip("torch")
    said = {
        "torch.nn.LSTM": {"weight_ih_l0": "Uniform(1/sqrt(hidden_size))", "bias_hh_l0": "Uniform(1/sqrt(hidden_size))"},
        "torch.nn.Linear": {"weight": "Uniform(1/sqrt(fan_in))", "bias": "Uniform(1/sqrt(fan_in))"},
        "torch.nn.init.xavier_normal_": {"": "glorot_normal(shape_fan_in, shape_fan_out)"},
    }
    for name, laws in said.items():
        subject = registry.named(name)
        assert isinstance(subject, Sampler)
        found = {one.tensor: one.reading.text for one in of_subject(subject, SALT)}
        assert laws.items() <= found.items()


def test_a_function_of_matrices_alone_is_told_by_matrices() -> None:
    def haar(shape: tuple[int, ...], seed: int) -> np.ndarray:
        rows, columns = max(shape), min(shape)
        q, r = np.linalg.qr(
            np.random.default_rng(seed).standard_normal((rows, columns) if len(shape) == 2 else shape[:1])
        )
        q = q * np.sign(np.diag(r))
        return q if shape[0] >= shape[1] else q.T

    reading = of_function(haar, "haar", SALT).reading
    assert reading.family == "orthogonal"
    assert "shapes of rank 4 were refused" in reading.note


def test_a_normal_law_with_a_mean_is_read_about_its_mean_where_its_range_looks_like_limits() -> None:
    # Of 640 entries the range ends near three sigmas, whose middle is not the mean.
    readings = {_few_about(seed).family for seed in range(12)}
    assert "unknown" not in readings


def _few_about(seed: int) -> Reading:
    rng = np.random.default_rng(seed)
    samples = [Sample({"scale": s}, {"scale": s}, (128,), rng.normal(0.29, 0.016, (5, 128))) for s in (1.0, 2.0)]
    return identify(samples, Key(SALT, "few"))
