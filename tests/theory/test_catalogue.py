"""Every law of the catalogue: its formula gives its value, and its domain refuses what lies outside."""

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.catalogue import GROUPS
from varlaw.theory.domain import Choice, Domain, Interval
from varlaw.theory.law import Kind, Law

from ..each import each
from . import formulas

# Groups whose formulas run in the namespace of `formulas`; those of all others, in that of test_formula_route.
MODULES = (
    "linear",
    "distributions",
    "cut_normals",
    "orthogonal_laws",
    "fans",
    "scheme_variances",
    "activation_laws",
    "kernels",
    "correlations",
    "gains",
    "meanfield",
    "edge_of_chaos",
    "structure",
)
FORMULAS = {law.name: law for name in MODULES for law in GROUPS[name].ENTRIES}
# Laws whose reference integral or root needs a smooth integrand: their own points. Kinks: test_meanfield.
SMOOTH = ("gelu", "tanh")
OWN_POINTS: dict[str, list[dict[str, Any]]] = {
    "meanfield.correlation_map": [
        {"activation": a, "c": c, "q": q, "weight_variance": 1.5, "bias_variance": 0.25}
        for a, c, q in zip(SMOOTH, (-0.9, 0.5), (0.3, 1.0), strict=True)
    ],
    "meanfield.correlation_slope": [
        {"activation": a, "c": c, "q": q, "weight_variance": 1.5}
        for a, c, q in zip(SMOOTH, (-0.9, 0.5), (0.3, 1.0), strict=True)
    ],
    "meanfield.fixed_point": [
        {"activation": a, "weight_variance": w, "bias_variance": b}
        for a, w, b in (("tanh", 25 / 9, 0.0), ("sigmoid", 2.0, 0.1))
    ],
}
VECTORS = {"widths", "logits"}  # parameters over whose last axis a law sums
FIRST_PRIMES = (2, 3, 5, 7, 11, 13, 17)


def radical_inverse(index: int, base: int) -> float:
    """The van der Corput sequence: digits of `index` mirrored at the point."""
    result, weight = 0.0, 1.0
    while index:
        weight /= base
        result += weight * (index % base)
        index //= base
    return result


def points(domain: Domain, count: int = 5) -> Iterator[dict[str, Any]]:
    """The middle, both corners, and `count` Halton points of a domain, those that satisfy its relations."""
    names = list(domain.ranges)
    mixed = [tuple(radical_inverse(i, b) for b in FIRST_PRIMES) for i in range(1, count + 1)]
    for u in [(0.5,) * 7, (0.0,) * 7, (1.0,) * 7, *mixed]:
        params = {name: domain.ranges[name].at(u[i % 7]) for i, name in enumerate(names)}
        # An unbounded range has no middle of its own.
        params = {name: v if domain.ranges[name].accepts(v) else 0.5 for name, v in params.items()}
        if all(np.all(relation.holds(**params)) for relation in domain.relations):
            yield params


def error(got: float, want: Any) -> float:
    """Relative error; 0 when both overflow, or vanish below double precision."""
    if isinstance(want, mp.mpc):
        want = want.real
    want = mp.mpf(want)
    if mp.isnan(want) or math.isnan(got):
        return 0.0 if mp.isnan(want) and math.isnan(got) else math.inf
    if mp.isinf(want) or abs(want) > mp.mpf(2) ** 1024:
        return 0.0 if math.isinf(got) and (got > 0) == (want > 0) else math.inf
    if abs(want) < mp.mpf(10) ** -35:  # a zero up to 40 digits' rounding, or underflow
        return 0.0 if abs(got) < 1e-30 or abs(got - float(want)) < 1e-35 else math.inf
    return float(abs((mp.mpf(got) - want) / want))


@pytest.mark.parametrize("law", FORMULAS.values(), ids=FORMULAS)
def test_formula_gives_value(law: Law) -> None:
    tried = 0
    for params in OWN_POINTS.get(law.name) or points(law.domain):
        want = formulas.evaluate(law.formula, **params)
        got = law.value(**params)
        assert error(got, want) <= 1e-12, f"{law.name}({params}): got {got!r}, want {mp.nstr(want, 20)}"
        tried += 1
    assert tried >= 1


@each("law", LAWS)
def test_scalars_give_floats_and_arrays_give_arrays(law: Law) -> None:
    params = next(points(law.domain))
    value = law.value(**params)
    assert isinstance(value, float | int)
    numeric = [k for k, r in law.domain.ranges.items() if isinstance(r, Interval)]
    if numeric and not VECTORS & params.keys():
        arrays = {k: np.full((2, 3), v) if k in numeric else v for k, v in params.items()}
        result = law.value(**arrays)
        assert result.shape == (2, 3)
        np.testing.assert_array_max_ulp(result, np.full((2, 3), value, dtype=result.dtype), maxulp=4)


def outside(allowed: Any) -> Iterator[Any]:
    """Values that a range must refuse."""
    yield from (math.nan, "no number", None, np.array([0.5, math.nan]))
    if isinstance(allowed, Interval):
        if allowed.low > -math.inf:
            yield allowed.low if allowed.open_low else np.nextafter(allowed.low, -math.inf)
        if allowed.high < math.inf:
            yield allowed.high if allowed.open_high else np.nextafter(allowed.high, math.inf)
        if allowed.whole:
            yield allowed.low + 0.5


@each("law", FORMULAS)
def test_lists_are_arrays(law: Law) -> None:
    params = next(points(law.domain))
    lists = {k: [v, v] if isinstance(law.domain.ranges[k], Interval) else v for k, v in params.items()}
    if lists != params:
        assert law.value(**lists).tolist() == [pytest.approx(law.value(**params), rel=1e-15)] * 2


@each("law", LAWS)
def test_errors_name_parameter_value_and_domain(law: Law) -> None:
    good = next(points(law.domain))
    for name, allowed in law.domain.ranges.items():
        for bad in outside(allowed):
            with pytest.raises(ValueError, match="but should be") as caught:
                law.value(**{**good, name: bad})
            text = str(caught.value)
            assert text.startswith(f"{name}=")
            assert repr(bad) in text
            assert str(allowed) in text
            assert f"[{law.name}]" in text
            assert "\n" not in text
        if name not in law.domain.defaults:
            with pytest.raises(TypeError, match=f"{name} is missing"):
                law.value(**{k: v for k, v in good.items() if k != name})
    with pytest.raises(TypeError, match="unheard_of"):
        law.value(**good, unheard_of=1.0)


def told(law: Law, params: dict[str, Any]) -> str:
    """ "number" when the law has a value, else the words of its error."""
    try:
        return "number" if not np.any(np.isnan(law.value(**params))) else "NaN"
    except ValueError as error:
        return str(error)


HUGE = (10**400, -(10**400), 10**5000)  # no float64; the last more digits than Python prints


@each("law", LAWS)
def test_whole_numbers_beyond_float64_are_refused_in_one_line_or_infinite(law: Law) -> None:
    good = next(points(law.domain))
    for name, huge in itertools.product(law.domain.ranges, HUGE):
        for value in (huge, [1, huge]):
            answer = told(law, {**good, name: value})
            assert re.fullmatch(rf"number|.*{name}=.*, but .*\[{re.escape(law.name)}\]", answer)


def test_whole_numbers_beyond_int64_count() -> None:
    assert LAWS["he_normal.variance"].value(fan_in=[2**101, 2**102], gain=2.0).tolist() == [2**-99, 2**-100]


@each("law", LAWS)
def test_every_field_is_filled_in_ascii(law: Law) -> None:
    for text in (law.name, law.title, law.quantity, law.formula, law.derivation, law.source, law.statistic):
        assert text.strip()
        assert text.isascii()
        assert "\n" not in text
    for text in (*law.hypotheses, law.error, law.precision, law.not_to_confuse):
        assert text.isascii()
    assert law.hypotheses
    assert (law.kind.value == "asymptotic") == bool(law.error)


OF_A_DISTRIBUTION = re.compile(r"(?<![A-Za-z])(E|Var|Cov|P)[\[( |]")


def test_a_mean_a_variance_or_a_probability_is_exact_in_expectation_only() -> None:
    found = {law.name for law in LAWS.values() if OF_A_DISTRIBUTION.search(law.quantity)}
    assert {
        "activation.mean",
        "maxout.mean",
        "truncated_normal.log_mass",
        "gain.selu_alpha",
        "uniform.variance",
    } <= found
    assert [name for name in found if LAWS[name].kind is Kind.EXACT] == []


def test_table_is_read_only_and_named_after_its_keys() -> None:
    assert all(name == law.name for name, law in LAWS.items())
    with pytest.raises(TypeError):
        LAWS["new"] = next(iter(LAWS.values()))  # type: ignore[index]


def test_a_wrong_formula_would_be_found() -> None:
    law = LAWS["he_normal.variance"]
    wrong = [error(law.value(**p), formulas.evaluate("gain**2 / (fan_in + 1)", **p)) for p in points(law.domain)]
    assert min(wrong) > 1e-9


def test_choices_are_not_empty() -> None:
    ranges = itertools.chain.from_iterable(law.domain.ranges.values() for law in LAWS.values())
    assert all(r.values for r in ranges if isinstance(r, Choice))


def test_an_unknown_name_says_how_to_find_one() -> None:
    with pytest.raises(KeyError) as raised:
        LAWS["xavier"]
    assert "varlaw laws search" in str(raised.value)
    assert ("xavier" in LAWS, LAWS.get("xavier")) == (False, None)
