"""The decision: three outcomes on lawful and wrong samplers, in every format, and the guards."""

import math
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from varlaw.evidence.budget import POLICIES, Policy, policy
from varlaw.evidence.decide import SamplerError, decide
from varlaw.evidence.haar import decide_haar
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Constant, Normal, TruncatedNormal, Uniform

from .samplers import Draw, source

NIGHTLY = replace(POLICIES["nightly"], redraws=0)  # what the scale alone costs
SHAPE = (64, 64)
_FORMATS = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def _normal(scale: float = 1.0) -> Draw:
    return lambda rng: scale * rng.standard_normal(SHAPE)


def _uniform(scale: float = 1.0) -> Draw:
    return lambda rng: scale * rng.uniform(-0.3, 0.3, SHAPE)


def _truncated(scale: float = 1.0) -> Draw:
    def draw(rng: np.random.Generator) -> np.ndarray:
        z = rng.standard_normal(2 * math.prod(SHAPE))
        return scale * z[np.abs(z) <= 2][: math.prod(SHAPE)].reshape(SHAPE)

    return draw


_LAWS = [(Normal(1.0), _normal), (Uniform(0.3), _uniform), (TruncatedNormal(1.0), _truncated)]


@pytest.mark.parametrize("dtype", _FORMATS)
@pytest.mark.parametrize(("law", "draw"), _LAWS, ids=["normal", "uniform", "truncated"])
def test_lawful_draws_conform_in_every_format(law: object, draw: object, dtype: str) -> None:
    lawful = draw()  # type: ignore[operator]
    decision = decide(
        law, source(lambda rng: lawful(rng).astype(_FORMATS[dtype])), NIGHTLY, Key("t", "conform"), dtype=dtype
    )
    assert decision.outcome == "CONFORMS", decision
    assert decision.certified is not None
    assert decision.certified <= NIGHTLY.delta
    assert decision.interval[0] <= 1 <= decision.interval[1]


@pytest.mark.parametrize("dtype", _FORMATS)
@pytest.mark.parametrize("scale", [1.01, 0.99, 1 / 1.01])
@pytest.mark.parametrize(("law", "draw"), _LAWS, ids=["normal", "uniform", "truncated"])
def test_one_percent_is_found_in_every_format(law: object, draw: object, scale: float, dtype: str) -> None:
    wrong = draw(scale)  # type: ignore[operator]
    drawn = source(lambda rng: wrong(rng).astype(np.float32).astype(_FORMATS[dtype]))
    assert decide(law, drawn, NIGHTLY, Key("t", "violate"), dtype=dtype).outcome == "VIOLATES"


def test_the_likely_mutant_is_named() -> None:
    mutants = {"swapped": Normal(0.5), "halved": Normal(2.0), "averaged": Normal(0.8)}
    decision = decide(Normal(1.0), source(_normal(0.5)), NIGHTLY, Key("t", "name"), mutants=mutants)
    assert (decision.outcome, decision.likely) == ("VIOLATES", "swapped")
    assert decision.likely_log_ratio is not None
    assert decision.likely_log_ratio > 0


def test_a_shifted_mean_violates_though_the_variance_is_right() -> None:
    shifted = source(lambda rng: 0.1 + math.sqrt(0.99) * rng.standard_normal(SHAPE))
    assert decide(Normal(1.0), shifted, NIGHTLY, Key("t", "mean")).outcome == "VIOLATES"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("law", "draw"), _LAWS, ids=["normal", "uniform", "truncated"])
def test_a_mean_shifted_by_one_percent_of_the_std_is_found(law: object, draw: object, sign: int) -> None:
    """One decision misses it with probability 0.4 % (normal, simulated), five with 1e-12."""
    lawful, shift = draw(), sign * 0.01 * law.std  # type: ignore[operator,attr-defined]
    keys = [Key("t", "shift", str(i)) for i in range(5)]
    found = [decide(law, source(lambda rng: lawful(rng) + shift), NIGHTLY, key).outcome for key in keys]  # type: ignore[arg-type]
    assert "VIOLATES" in found


def test_a_mean_in_doubt_costs_a_lawful_sampler_little() -> None:
    """In units of 1/delta^2, n has mean 20.4 (simulated) and deviation 6 at most."""
    ns = [decide(Normal(1.0), source(_normal()), NIGHTLY, Key("t", "cost", str(i))).state.n for i in range(40)]
    assert np.mean(ns) * NIGHTLY.delta**2 <= 20.5 + 6 * 6 / math.sqrt(len(ns))  # six standard errors


def test_what_conforms_is_certified_to_delta_whichever_test_settled_it() -> None:
    """At 1 + delta/2 the terminal test settles most decisions, where the sequential sums alone certify less."""
    off = source(_normal(1.025))
    found = [decide(Normal(1.0), off, POLICIES["pr"], Key("t", "half", str(i))) for i in range(20)]
    certified = [d.certified for d in found if d.outcome == "CONFORMS"]
    assert certified
    assert all(c is not None and c <= 0.05 for c in certified)


@pytest.mark.parametrize("delta", [0.5, 0.6, 0.9, 0.99])
@pytest.mark.parametrize(("law", "draw"), _LAWS, ids=["normal", "uniform", "truncated"])
def test_every_delta_below_1_is_decided(law: object, draw: object, delta: float) -> None:
    rule = Policy("wide", delta=delta, beta=1e-6)
    lawful, wrong = draw(), draw(2.1)  # type: ignore[operator]
    assert decide(law, source(lawful), rule, Key("t", "wide")).outcome == "CONFORMS"
    assert decide(law, source(wrong), rule, Key("t", "wide")).outcome == "VIOLATES"


@pytest.mark.parametrize("scale", [1e300, 1e-300])
@pytest.mark.parametrize(("law", "draw"), _LAWS, ids=["normal", "uniform", "truncated"])
def test_scales_whose_squares_leave_float64_are_decided(law: object, draw: object, scale: float) -> None:
    lawful, wrong = draw(scale), draw(1.05 * scale)  # type: ignore[operator]
    scaled = law.scaled(scale)  # type: ignore[attr-defined]
    assert decide(scaled, source(lawful), POLICIES["pr"], Key("t", "huge")).outcome == "CONFORMS"
    assert decide(scaled, source(wrong), POLICIES["pr"], Key("t", "huge")).outcome == "VIOLATES"


def test_few_small_tensors_end_undecided_and_say_why() -> None:
    tight = Policy("tight", delta=0.01, beta=1e-6, max_tensors=50)
    decision = decide(Normal(1.0), source(lambda rng: rng.standard_normal((2, 3))), tight, Key("t", "few"))
    assert decision.outcome == "UNDECIDED"
    assert decision.state.n == 300
    assert "300 scalars in 50 tensors" in decision.detail
    assert decision.certified is not None
    assert decision.certified > 0.01


def test_same_key_same_bits_other_key_other_bits() -> None:
    first, again = (decide(Normal(1.0), source(_normal()), NIGHTLY, Key("t", "k")) for _ in range(2))
    other = decide(Normal(1.0), source(_normal()), NIGHTLY, Key("u", "k"))
    assert first == again
    assert first.state != other.state


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda seed, count: ([np.nan] * 8 for _ in range(count)), "not finite"),
        (lambda seed, count: (np.zeros(0) for _ in range(count)), "no scalars"),
        (lambda seed, count: (np.arange(8.0) for _ in range(count)), "ignores its seed"),
        (lambda seed, count: (np.random.default_rng().normal(size=8) for _ in range(count)), "used again"),
    ],
)
def test_a_sampler_that_breaks_its_contract_is_refused(draw: object, words: str) -> None:
    def arrays(seed: int, count: int) -> object:
        return (np.asarray(x, dtype=np.float64) for x in draw(seed, count))  # type: ignore[operator]

    with pytest.raises(SamplerError, match=words):
        decide(Normal(1.0), arrays, NIGHTLY, Key("t", "contract"))  # type: ignore[arg-type]


def test_a_number_that_comes_twice_by_chance_is_no_neglected_seed() -> None:
    """One number of few values at a time: blocks 0 and 1 agree for some keys, by chance."""
    coarse = source(lambda rng: np.round(8 * rng.uniform(-1, 1, 1)) / 8)
    for i in range(40):
        decide(Uniform(1.0), coarse, Policy("few", delta=0.5, beta=0.1, max_tensors=20), Key("t", "coarse", str(i)))


def test_a_law_without_a_test_is_refused() -> None:
    with pytest.raises(TypeError, match="should be a Normal, a Uniform"):
        decide(Constant(1.0), source(_normal()), NIGHTLY, Key("t", "law"))


def _orthogonal(rng: np.random.Generator, corrected: bool) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((32, 16)))
    return q * np.sign(np.diag(r)) if corrected else q


@pytest.mark.parametrize(("corrected", "outcome"), [(True, "CONFORMS"), (False, "VIOLATES")])
def test_qr_without_the_sign_correction_is_not_haar(corrected: bool, outcome: str) -> None:
    drawn = source(lambda rng: _orthogonal(rng, corrected))
    _, decision = decide_haar(drawn, POLICIES["pr"], Key("t", "haar"), dtype="float64")
    assert decision.outcome == outcome


def test_the_qr_of_uniform_numbers_is_orthogonal_but_not_haar() -> None:
    def matrix(rng: np.random.Generator) -> np.ndarray:
        q, r = np.linalg.qr(rng.uniform(-1, 1, (64, 48)))
        return q * np.sign(np.diag(r))

    view, decision = decide_haar(source(matrix), POLICIES["pr"], Key("t", "uniform"), dtype="float64")
    assert (view, decision.outcome) == ("the entries of QR", "VIOLATES")


def test_rotations_have_every_entry_right_but_not_the_determinant() -> None:
    def matrix(rng: np.random.Generator) -> np.ndarray:
        q, r = np.linalg.qr(rng.standard_normal((16, 16)))
        q *= np.sign(np.diag(r))
        q[:, 0] *= np.linalg.det(q)
        return q

    _, decision = decide_haar(source(matrix), POLICIES["pr"], Key("t", "det"), dtype="float64")
    assert decision.outcome == "VIOLATES"
    assert decision.detail == "64 of 64 determinants are positive"


def test_unknown_policy_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="policy='weekly', but should be one of pr, nightly, release"):
        policy("weekly")
    with pytest.raises(ValueError, match=r"delta=0, but should be a number > 0"):
        Policy("p", delta=0, beta=0.1)
