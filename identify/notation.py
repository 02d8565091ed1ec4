"""A formula as people write it, in the notation of promises, such as `Uniform(1/sqrt(fan_in))`.

What is written here can be evaluated by `documented.resolve` with the names of a case and gives the law back.
"""

import math
import re
from collections.abc import Sequence

from varlaw.identify.atoms import Atom, Product
from varlaw.identify.constants import Constant

_TRUNCATED_STD = "0.87962566103423978"  # std of N(0, 1) cut at two sigmas: the constant in Keras and JAX


def root(constant: Constant, product: Product) -> str:
    """The square root of `constant` times `product`.

    >>> import numpy as np
    >>> fan = Atom("fan_in", np.log([8.0, 16.0]), 1.5)
    >>> root(Constant(2.0, "2", 0.0), Product(((fan, -1.0),), -fan.logs / 2, 1.5))
    'sqrt(2/fan_in)'
    """
    outside: tuple[list[str], list[str]] = ([], [])
    inside: tuple[list[str], list[str]] = ([], [])
    _put_constant(constant, outside, inside)
    for atom, power in product.factors:
        place = outside if power % 2 == 0 else inside
        exponent = abs(power) / 2 if power % 2 == 0 else abs(power)
        text = _grouped(atom)
        place[power < 0].append(text if exponent == 1 else f"{text}**{exponent:g}")
    _put_root(inside, outside)
    return quotient(*outside)


def _put_constant(
    constant: Constant, outside: tuple[list[str], list[str]], inside: tuple[list[str], list[str]]
) -> None:
    place, text = (outside, constant.root) if constant.root else (inside, constant.text)
    numerator, slash, denominator = text.partition("/") if re.fullmatch(r"\d+/\d+", text) else (text, "", "")
    if numerator != "1":
        place[0].append(numerator)
    if slash:
        place[1].append(denominator)


def _put_root(inside: tuple[list[str], list[str]], outside: tuple[list[str], list[str]]) -> None:
    above, below = inside
    if above:
        outside[0].append(f"sqrt({quotient(above, below)})")
    elif below:
        outside[1].append(f"sqrt({_unwrapped('*'.join(below)) if len(below) == 1 else '*'.join(below)})")


def quotient(above: Sequence[str], below: Sequence[str]) -> str:
    """A product over a product.

    >>> quotient(["2"], ["3", "fan_in"])
    '2/(3*fan_in)'
    """
    top = "*".join(above) or "1"
    if not below:
        return _unwrapped(top) if len(above) == 1 else top
    bottom = "*".join(below)
    return f"{top}/{bottom}" if len(below) == 1 else f"{top}/({bottom})"


def _grouped(atom: Atom) -> str:
    return f"({atom.text})" if atom.terms else atom.text


def _unwrapped(text: str) -> str:
    return text[1:-1] if text.startswith("(") and text.endswith(")") and "(" not in text[1:-1] else text


def law(family: str, unit: str, cut: float, constant: Constant, product: Product) -> str:
    """A whole law: a named scheme where the formula is one, else the family with its scale."""
    named = _scheme(family, unit, cut, constant, product)
    scale = root(constant, product)
    match family:
        case "uniform":
            return named or (f"Uniform({scale})" if unit == "bound" else f"Uniform({_times('sqrt(3)', scale)})")
        case "truncated normal":
            parent = scale if unit == "parent std" else f"{_over(scale)}/{_own_std(cut)}"
            return named or f"TruncatedNormal({parent}, {-cut:g}, {cut:g})"
        case _:
            return named or f"{''.join(word.capitalize() for word in family.split())}({scale})"


def _scheme(family: str, unit: str, cut: float, constant: Constant, product: Product) -> str:
    kind = {"normal": "normal", "uniform": "uniform", "truncated normal": "truncated"}.get(family)
    if kind is None or len(product.factors) != 1 or (kind == "truncated" and (cut != 2 or unit != "std")):
        return ""
    (atom, power), variance = product.factors[0], constant.value / (3 if unit == "bound" else 1)
    if power != -1:
        return ""
    if len(atom.terms) == 2 and math.isclose(variance, 2):
        return f"glorot_{kind}({', '.join(atom.terms)})"
    if ("fan" in atom.text and not atom.terms) or kind == "truncated":
        scheme = next((s for s, v in (("he", 2), ("lecun", 1)) if math.isclose(variance, v)), "")
        return f"{scheme}_{kind}({atom.text})" if scheme else ""
    return ""


def _own_std(cut: float) -> str:
    from varlaw.theory.variates import TruncatedNormal

    return _TRUNCATED_STD if cut == 2 else f"{TruncatedNormal(1.0, -cut, cut).std:.15g}"


def _times(factor: str, text: str) -> str:
    return f"{factor}*{text}" if not text.startswith("1/") else factor + text[1:]


def _over(text: str) -> str:
    return text if "/" not in text or (text.endswith(")") and text.startswith("sqrt(")) else f"({text})"
