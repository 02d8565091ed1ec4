"""Every law of these groups against its own formula, evaluated with mpmath at 40 digits over its domain.

The formula is what people read and paste; the rule is what the package computes. They are written apart, so agreement
over corners and a low-discrepancy sweep of the domain is the first of the two routes of each law. The formulas use
mpmath's names, and the few defined in `names` below.
"""

import itertools
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from varlaw.theory.catalogue import GROUPS
from varlaw.theory.domain import Choice, Interval
from varlaw.theory.law import Law
from varlaw.theory.numerics.formats import FORMATS

from ..each import each
from . import test_catalogue

MODULES = tuple(name for name in GROUPS if name not in test_catalogue.MODULES)
LAWS = [law for name in MODULES for law in GROUPS[name].ENTRIES]
VECTORS = {"widths": (3, 17, 64), "logits": (-3.0, 0.25, 8.0, 1.5)}
# Where mpmath itself is slow or a reference needs few points: largest value of a parameter in the sweep.
CAPS = {"n": 300, "width": 200, "order": 6, "classes": 40, "bits": 40}
TOLERANCE = 1e-12  # what issue 3 asks for at worst
CANCELLING = {  # sums whose parts may cancel: the tolerance counts from the larger part
    "batch_norm.running_mean": lambda p: max(abs(p["start"]), abs(p["mean"])),
    "clip.two_point_mean": lambda p: p["limit"],
    "products.lyapunov_exponent": lambda p: 1 + abs(float(mp.log(p["variance"]))),
    "products.log_norm_mean": lambda p: p["factors"] * (1 + abs(float(mp.log(p["variance"])))),
    "products.log_det_mean": lambda p: p["factors"] * p["n"] * (1 + abs(float(mp.log(p["variance"])))),
    "products.log_rms": lambda p: p["factors"],
    "attention.entropy_long": lambda p: 1.0,
    "attention.entropy": lambda p: 1e-3,  # the reference has float64 noise where the entropy is 0
    "loss.random_logits_excess": lambda p: max(1.0, float(np.log(p["classes"]))),  # the reference, not the rule
    "loss.random_logits_gradient": lambda p: 1.0,
    "shards.row_parallel_ratio": lambda p: 1.0,
    "positions.sinusoidal_product": lambda p: p["dim"] * (1 + p["distance"]),
    "new_tokens.mean_logit": lambda p: max(map(abs, p["logits"])),
    "linear.equicorrelated_second_moment": lambda p: p["variance"] * p["input_square_sum"],
}


def names() -> dict[str, Any]:
    """mpmath's functions, and a few more for formulas that need an integral or a grid."""
    table = {name: getattr(mp, name) for name in dir(mp) if not name.startswith("_")}
    table.update(FORMATS=FORMATS, min=min, max=max, len=len, range=range, int=int, abs=abs)
    table["grid"], table["pairwise"] = grid, itertools.pairwise
    table["normal_mass"] = lambda low, high, std: (mp.erf(high / std / mp.sqrt(2)) - mp.erf(low / std / mp.sqrt(2))) / 2
    return table


def softmax_names() -> dict[str, Any]:
    """The two integrals of the softmax laws in float64: Gauss-Legendre panels, unlike the package's trapezoids."""
    u, w = np.polynomial.legendre.leggauss(20)

    def panels(low: float, high: float, count: int) -> tuple[Any, Any]:
        edges, half = np.linspace(low, high, count + 1), (high - low) / count / 2
        return (edges[:-1, None] + half * (u + 1)).ravel(), np.tile(w * half, count)

    z, weights = panels(-11.0, 11.0, 20)
    weights = weights * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    t, steps = panels(-75.0, 45.0, 60)
    return {
        "exp": lambda x: np.exp(np.minimum(x, 700.0)),
        "log": np.log,
        "euler": np.euler_gamma,
        "normal_mean": lambda g, std: weights @ g(std * z),
        "quad": lambda g, ends: sum(s * g(x) for x, s in zip(t, steps, strict=True)),
    }


def grid(dtype: str) -> list[tuple[Any, Any, Any]]:
    """Numbers >= 0 of a format, each with the ends of its cell on the positive half-line."""
    f = FORMATS[dtype]
    half, points = 2 ** (f.bits - 1), [mp.mpf(0)]
    points += [mp.ldexp(j, f.bottom) for j in range(1, half)]
    for exponent in range(f.bottom + f.bits - 1, f.top + 1):
        points += [mp.ldexp(half + j, exponent - f.bits + 1) for j in range(half)]
    middles = [(a + b) / 2 for a, b in itertools.pairwise(points)]
    return list(zip(points, [mp.mpf(0), *middles], [*middles, mp.inf], strict=True))


def points(law: Law, count: int = 12) -> list[dict[str, Any]]:
    """Corners of the domain and a golden-ratio sweep of its inside, all accepted by the law."""
    ranges = law.domain.ranges
    fractions = [tuple(u) for u in itertools.product((0.0, 1.0), repeat=len(ranges))] if len(ranges) <= 4 else []
    roots = [(0.6180339887498949 * (k + 1)) % 1 for k in range(len(ranges))]
    fractions += [tuple((0.5 + (i + 1) * r * (k + 2)) % 1 for k, r in enumerate(roots)) for i in range(count)]
    found = []
    for us in fractions:
        case = {name: at(name, allowed, u) for (name, allowed), u in zip(ranges.items(), us, strict=True)}
        if "shards" in case and "out_features" in case:
            case["out_features"] = case["out_features"] // case["shards"] * case["shards"] or case["shards"]
        if all(np.all(r.holds(**case)) for r in law.domain.relations):
            found.append(case)
    return found


def at(name: str, allowed: Any, u: float) -> Any:
    if name in VECTORS:
        return VECTORS[name]
    if name == "activation":
        return ("relu", "tanh", "gelu")[min(int(3 * u), 2)]
    if isinstance(allowed, Choice) and name == "dtype":
        return ("float8_e4m3fn", "float8_e5m2", "float8_e3m4")[min(int(3 * u), 2)]
    if name == "std" and isinstance(allowed, Interval) and allowed.high == 32.0:
        return (0.0, 0.3, 2.0)[min(int(3 * u), 2)]
    value = allowed.at(u)
    return min(value, type(value)(CAPS[name])) if name in CAPS else value


def exact(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [mp.mpf(v) for v in value]
    return value if isinstance(value, str) else mp.mpf(value)


SECONDS = {"relu": lambda x: max(x, 0), "tanh": mp.tanh, "gelu": lambda x: x * mp.ncdf(x)}
SLOPES = {
    "relu": lambda x: mp.mpf(x > 0),
    "tanh": lambda x: 1 / mp.cosh(x) ** 2,
    "gelu": lambda x: mp.ncdf(x) + x * mp.npdf(x),
}


def activation_names() -> dict[str, Any]:
    def mean(g: Any) -> Any:
        return mp.quad(lambda z: g(z) * mp.npdf(z), mp.linspace(-12, 12, 13))

    return {
        "phi": lambda name, x: SECONDS[name](x),
        "slope": lambda name, x: SLOPES[name](x),
        "derivative_second_moment": lambda name, q: mean(lambda z: SLOPES[name](z) ** 2),
        "variance": lambda name, q: mean(lambda z: SECONDS[name](z) ** 2) - mean(SECONDS[name]) ** 2,
    }


def reference(law: Law, case: dict[str, Any]) -> Any:
    scope = names()
    if "normal_mean" in law.formula:
        scope.update(softmax_names(), **case)
        return mp.mpf(float(eval(law.formula, scope)))
    if "activation" in case:
        scope.update(activation_names())
    scope.update({name: exact(value) for name, value in case.items()})
    return eval(law.formula, scope)


def agrees(law: Law, case: dict[str, Any]) -> bool:
    """Whether the rule gives the formula's number; true where the formula has none, at a limit that the rule states."""
    with mp.workdps(1000 if law.name == "clip.log_probability" else 40):  # ln(1 - tiny)
        try:
            want = reference(law, case)
        except (ZeroDivisionError, ValueError):
            return True
        got = law.value(**case)
        if abs(want) > np.finfo(np.float64).max:
            return bool(got == np.inf * float(mp.sign(want)))
        scale = max(abs(want), mp.mpf(CANCELLING[law.name](case)) if law.name in CANCELLING else 0)
        if float(scale) < 1e-300:
            return abs(got) < 1e-299
        return bool(abs(mp.mpf(float(got)) - want) <= TOLERANCE * scale)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_the_rule_agrees_with_the_formula(law: Law) -> None:
    cases = points(law)
    assert cases
    assert [case for case in cases if not agrees(law, case)] == []


@each("law", {law.name: law for law in LAWS})
def test_bad_input_is_named_in_one_line(law: Law) -> None:
    case = points(law)[0]
    for name in law.domain.ranges:
        with pytest.raises(ValueError, match=rf"{name}=.*\[{law.name}\]$") as caught:
            law.value(**{**case, name: float("nan")})
        assert "\n" not in str(caught.value)
    with pytest.raises(TypeError, match="should be one of the parameters"):
        law.value(**case, unheard_of=1)


def test_limits_at_the_edges() -> None:
    by_name = {law.name: law for law in LAWS}
    edges = [
        ("clip.probability", {"n": 5, "limit": 0.0}, 1.0),
        ("clip.probability", {"n": 5, "limit": np.inf}, 0.0),
        ("clip.second_moment", {"n": 5, "limit": 1e300}, 5.0),
        ("clip.coefficient_mean", {"n": 1, "limit": 0.0}, 0.0),
        ("clip.coefficient_mean", {"n": 1, "limit": 1e300}, 1.0),
        ("clip.factor", {"norm": 0.0, "limit": 0.0}, 1.0),
        ("clip.factor", {"norm": np.inf, "limit": 1.0}, 0.0),
        ("clip.norm_eps", {"norm": 0.0, "limit": 0.0, "eps": 0.0}, 0.0),
        ("batch_norm.linear_explosion", {"batch": 2}, 0.0),
        ("batch_norm.linear_explosion", {"batch": 3}, np.inf),
        ("batch_norm.relu_explosion", {"batch": 3}, np.inf),
        ("norm.inverse_variance_mean", {"n": 3}, np.inf),
        ("norm.inverse_std_mean", {"n": 2}, np.inf),
        ("layer_norm.second_moment", {"variance": 0.0, "eps": 1e-5}, 0.0),
        ("layer_norm.second_moment", {"variance": 1e308, "eps": 1e308}, 0.5),
        ("batch_norm.running_mean", {"t": 0, "momentum": 1.0, "start": 3.0, "mean": 7.0}, 3.0),
        ("batch_norm.running_mean", {"t": 1, "momentum": 1.0, "start": 3.0, "mean": 7.0}, 7.0),
        ("residual.growth", {"branch_gain": 2.0, "branches": 10**6}, np.inf),
        ("loss.random_logits", {"classes": 1, "std": 3.0}, 0.0),
        ("attention.entropy", {"n": 1, "std": 3.0}, 0.0),
        ("marchenko_pastur.low", {"ratio": 1.0}, 0.0),
        ("products.relu_log_mean", {"widths": [512]}, -np.inf),
    ]
    for name, case, want in edges:
        assert by_name[name].value(**case) == pytest.approx(want, rel=1e-14), name
