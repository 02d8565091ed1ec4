"""The number a law should give, from its formula by mpmath at 40 digits or more: independent of every rule.

`reference(law, params)` picks the namespace in which the law's formula runs; `error` compares with float64. The softmax
laws nest two integrals, taken here by trapezoidal sums of other steps than the package's, at 30 digits.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import mpmath as mp

from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.catalogue import GROUPS, LAWS
from varlaw.theory.law import Law

from . import formulas, test_formula_route

DIGITS = (40, 120, 400)  # more where a formula cancels
GROUP_OF = {law.name: name for name, group in GROUPS.items() for law in group.ENTRIES}
SCALES: Mapping[str, Callable[[dict[str, Any]], float]] = {  # sums whose parts may cancel: the size of the larger part
    name: scale
    for name, scale in test_formula_route.CANCELLING.items()
    if LAWS[name].precision and not name.startswith(("attention.", "loss."))  # there the float64 reference cancelled
} | {"meanfield.critical_bias_variance": lambda p: p["q"]}


def reference(law: Law, params: dict[str, Any], digits: int = DIGITS[0]) -> Any:
    """The formula's value, an mpf, or `None` where the formula has a pole and only the rule states the limit."""
    with mp.workdps(digits):
        try:
            if "normal_mean" in law.formula:
                return _softmax(law.formula, params)
            if GROUP_OF[law.name] in test_formula_route.MODULES:
                return test_formula_route.reference(law, params)
            if law.name == "meanfield.variance_slope" and params["activation"] == "hardshrink":
                return _hardshrink_slope(**params)
            return formulas.evaluate(law.formula, digits, **params)
        except (ZeroDivisionError, ValueError):
            return None


def error(law: Law, got: float, params: dict[str, Any]) -> float | None:
    """Relative error of `got`, or `None` where the formula has no value; underflow and overflow count as exact."""
    found: float | None = math.inf
    for digits in DIGITS:
        want = reference(law, params, digits)
        found = None if want is None else _relative(got, want, law, params)
        if found is None or found < 1e-13 or "quad" in law.formula or "E(" in law.formula:
            break
    return found


def relative(got: float, want: Any) -> float:
    """|got - want| / |want|; inf is right beyond float64's range, and below 2.3e-308 digits may go."""
    want = mp.mpf(want.real if isinstance(want, mp.mpc) else want)
    if mp.isnan(want) or math.isnan(got):
        return math.inf
    if mp.isinf(want) or abs(want) >= mp.mpf(2) ** 1024:
        return 0.0 if math.isinf(got) and (got > 0) == (want > 0) else math.inf
    if math.isinf(got):
        return math.inf
    difference = abs(mp.mpf(got) - want)
    return 0.0 if difference < mp.mpf("2.3e-308") else float(difference / abs(want)) if want else math.inf


def _relative(got: float, want: Any, law: Law, params: dict[str, Any]) -> float:
    found = relative(got, want)
    if math.isinf(found) or found == 0 or law.name not in SCALES:
        return found
    size = max(abs(mp.mpf(want)), mp.mpf(SCALES[law.name](params)))
    return found * float(abs(mp.mpf(want)) / size) if size else found


def _hardshrink_slope(activation: str, q: float, weight_variance: float) -> Any:
    """Its jumps count in the slope of the variance map, which the formula in phi' cannot see."""
    row = ACTIVATIONS[activation]
    assert row.parameter is not None
    threshold = mp.mpf(row.parameter.default)
    names = {"threshold": threshold}
    return weight_variance * mp.diff(
        lambda v: formulas.evaluate_at(row.closed["second_moment"], q=v, **names), mp.mpf(q)
    )


def _softmax(formula: str, params: dict[str, Any]) -> Any:
    """A formula of nested integrals over t and over x = std z, by trapezoidal sums that share exp(-exp(t + x))."""
    with mp.workdps(30):
        std = mp.mpf(params.get("std", 0))
        step = min(mp.mpf("0.4"), mp.mpf("0.11") / std) if std else mp.mpf("0.4")
        zs = [k * step for k in range(-int(12 / step), int(12 / step) + 1)]
        weights = [step * mp.npdf(z) for z in zs]
        nodes = [(std * z, w) for z, w in zip(zs, weights, strict=True)]

        def normal_mean(g: Callable[[Any], Any], _: Any) -> Any:
            return mp.fsum(w * g(x) for x, w in nodes)

        def quad(g: Callable[[Any], Any], _: Any) -> Any:
            h, size = mp.mpf("0.11"), max(params.get("n", 1), params.get("classes", 1))
            low, high = 12 * std + 75 + mp.log(size), 12 * std + 5
            return h * mp.fsum(g(k * h) for k in range(-int(low / h), int(high / h) + 1))

        names = {"exp": _exp, "log": mp.log, "euler": mp.euler, "inf": mp.inf, "normal_mean": normal_mean, "quad": quad}
        return eval(formula, {"__builtins__": {}} | names | {k: mp.mpf(v) for k, v in params.items()})


@functools.lru_cache(maxsize=1 << 20)
def _exp(x: Any) -> Any:
    return mp.exp(x) if x > -800 else mp.mpf(0)
