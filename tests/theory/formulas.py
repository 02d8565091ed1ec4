"""The namespace in which a law's `formula` runs: mpmath's functions at 40 digits, and a few names of our own.

* every mathematical name of mpmath (`sqrt`, `exp`, `erfc`, `gammainc`, `psi`, `pi`, `inf`, `quad`, `nsum`, `mpf`, ...);
* `Phi(x)`, `pdf(x)`: distribution and density of the standard normal law;
* `E(f)`: expectation of `f(z)`, `E2(f)`: of `f(x, y)`, for independent standard normal x, y, z;
* `phi(activation, x)`, `slope(activation, x)`: the activation of that name and its derivative, from its own text;
* `selu_alpha`, `selu_lambda`: from their defining equations.

Parameters are floats turned into mpf exactly; strings stay strings.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp

from varlaw.theory.activations.named import functions, resolve
from varlaw.theory.activations.table import ACTIVATIONS

DIGITS = 40
_NAMES = (
    "sqrt exp expm1 log log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sign ceil floor "
    "gamma loggamma gammainc beta betainc psi digamma harmonic zeta erf erfc erfinv hyp2f1 hyp1f1 besselj besseli "
    "lambertw binomial factorial rf ff quad nsum nprod findroot mpf pi inf e1 expint power hypot euler fsum fprod"
)


def namespace() -> dict[str, Any]:
    """A fresh namespace at `DIGITS` digits."""
    names = {name: getattr(mp.mp, name) for name in _NAMES.split() if hasattr(mp.mp, name)}
    return names | {
        "abs": abs, "max": max, "min": min, "sum": sum, "range": range, "int": int, "round": round, "float": float,
        "math": None, "E": expect, "E2": expect_two, "Phi": Phi, "pdf": pdf, "phi": phi, "slope": slope,
        "selu_alpha": selu_constants()[0], "selu_lambda": selu_constants()[1], "loggamma": mp.loggamma, "mp": mp,
    }  # fmt: skip


def evaluate(formula: str, /, _digits: int = DIGITS, **params: Any) -> Any:
    """The formula's value as an mpf, at 40 digits or those given; whole numbers stay ints."""
    with mp.workdps(_digits):
        names = namespace() | {k: v if isinstance(v, str | int) else mp.mpf(float(v)) for k, v in params.items()}
        if "activation" in params and "q" in params:
            cuts = activation_cuts(params["activation"], params["q"])
            names["E"] = functools.partial(expect, cuts=cuts)
        # One namespace for both, so that generator expressions and lambdas inside a formula see it.
        return eval(formula, {"__builtins__": {}} | names)


def evaluate_at(formula: str, **params: Any) -> Any:
    """The formula's value at mpf arguments, at the precision now in force."""
    return eval(formula, {"__builtins__": {}} | namespace() | params)


def Phi(x: Any) -> Any:
    return mp.erfc(-mp.mpf(x) / mp.sqrt(2)) / 2


def pdf(x: Any) -> Any:
    return mp.exp(-(mp.mpf(x) ** 2) / 2) / mp.sqrt(2 * mp.pi)


@functools.cache
def selu_constants() -> tuple[Any, Any]:
    with mp.workdps(DIGITS + 10):
        root = Phi(-1) * mp.sqrt(mp.e) - mp.mpf(1) / 2
        alpha = -1 / (mp.sqrt(2 * mp.pi) * root)
        second = mp.mpf(1) / 2 + alpha**2 * (Phi(-2) * mp.e**2 - 2 * Phi(-1) * mp.sqrt(mp.e) + mp.mpf(1) / 2)
        return +alpha, 1 / mp.sqrt(second)


@functools.cache
def _compiled(activation: str, which: str) -> Callable[[Any], Any]:
    stem, parameter = resolve(activation)
    names = namespace() | {k: mp.mpf(v) for k, v in parameter.items()}
    text = getattr(ACTIVATIONS[stem], which)
    result: Callable[[Any], Any] = eval(f"lambda x: {text}", {"__builtins__": {}} | names)
    return result


def phi(activation: str, x: Any) -> Any:
    return _compiled(activation, "phi")(mp.mpf(x))


def slope(activation: str, x: Any) -> Any:
    return _compiled(activation, "slope")(mp.mpf(x))


@functools.cache
def _rule(nodes: int, digits: int) -> tuple[tuple[Any, Any], ...]:
    """Gauss-Legendre nodes and weights on [-1, 1] by Newton's method at `digits` digits."""
    with mp.workdps(digits + 10):
        pairs = []
        for i in range(nodes):
            x = mp.cos(mp.pi * (i + mp.mpf(3) / 4) / (nodes + mp.mpf(1) / 2))
            for _ in range(8):
                before, now = mp.mpf(1), x
                for k in range(2, nodes + 1):
                    before, now = now, ((2 * k - 1) * x * now - (k - 1) * before) / k
                derivative = nodes * (before - x * now) / (1 - x * x)
                x -= now / derivative
            pairs.append((x, 2 / ((1 - x * x) * derivative**2)))
        return tuple(pairs)


def panels(cuts: Sequence[Any], *, nodes: int = 40) -> list[tuple[Any, Any]]:
    """Nodes and weights of a composite rule between sorted cuts."""
    result = []
    for low, high in itertools.pairwise(cuts):
        if high > low:
            half, middle = (high - low) / 2, (high + low) / 2
            result += [(middle + half * x, half * w) for x, w in _rule(nodes, DIGITS)]
    return result


_REACH = 15
# Cuts, in z, for functions that vary on the scale of one; panels of 24 nodes reach far below that.
_DEFAULT_CUTS = (0, 0.25, 0.5, 1, 1.5, 2, *range(3, _REACH + 1))


def expect(f: Callable[[Any], Any], cuts: Sequence[Any] = _DEFAULT_CUTS) -> Any:
    """E f(z), z standard normal, by 24-node panels; |z| > 15 weighs less than 1e-49."""
    with mp.workdps(DIGITS):
        return mp.fsum(w * pdf(z) * (f(z) + f(-z)) for z, w in panels(tuple(map(mp.mpf, cuts)), nodes=24))


def expect_two(f: Callable[[Any, Any], Any]) -> Any:
    """E f(x, y) for independent standard normal x and y with f smooth on the scale of one."""
    with mp.workdps(25):
        points = [
            (s * z, w * pdf(z)) for z, w in panels([mp.mpf(k) for k in range(0, 12, 2)], nodes=14) for s in (1, -1)
        ]
        return mp.fsum(w * v * f(x, y) for x, w in points for y, v in points)


def activation_cuts(activation: str, q: float) -> list[Any]:
    """Cuts, in z >= 0, that fit an activation at variance q, its kinks among them."""
    stem, parameter = resolve(activation)
    s = mp.sqrt(mp.mpf(q))
    unit = mp.mpf(next(iter(parameter.values()), 1.0)) if stem in ("hardtanh", "hardshrink", "softshrink") else 1
    rate = mp.mpf(max(1.0, next(iter(parameter.values()), 1.0))) if stem in ("silu", "softplus") else 1
    xs = [mp.mpf(abs(k)) for k in functions(activation).kinks] + [mp.mpf(2) ** k / 4 / rate for k in range(80)]
    # The tails of shrinking activations are counted from their threshold.
    reach = _REACH + (int(mp.ceil(unit / s)) if stem in ("hardshrink", "softshrink") and unit / s < 60 else 0)
    density = [mp.mpf(k) for k in range(reach + 1)]
    return sorted({*density, *(x / s for x in xs if x / s < reach)})


def activation_moments(activation: str, q: float) -> dict[str, Any]:
    """All six moments at once, by panels at 40 digits."""
    with mp.workdps(DIGITS):
        s = mp.sqrt(mp.mpf(q))
        nodes = [(s * z, w * pdf(z)) for z, w in panels(activation_cuts(activation, q), nodes=24)]
        rows = [
            (w, phi(activation, x), phi(activation, -x), slope(activation, x), slope(activation, -x)) for x, w in nodes
        ]
        mean = mp.fsum(w * (a + b) for w, a, b, _, _ in rows)
        return {
            "mean": mean,
            "second_moment": mp.fsum(w * (a**2 + b**2) for w, a, b, _, _ in rows),
            "fourth_moment": mp.fsum(w * (a**4 + b**4) for w, a, b, _, _ in rows),
            "variance": mp.fsum(w * ((a - mean) ** 2 + (b - mean) ** 2) for w, a, b, _, _ in rows),
            "derivative_mean": mp.fsum(w * (c + d) for w, _, _, c, d in rows),
            "derivative_second_moment": mp.fsum(w * (c**2 + d**2) for w, _, _, c, d in rows),
        }
