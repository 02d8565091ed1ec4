"""Cases and laws as they are written on a command line."""

import ast
import re
from collections.abc import Iterable
from typing import Any

from varlaw.commands.failure import Failure


def case_of(text: str) -> dict[str, Any]:
    """A case in one word: names with whole numbers, numbers, words, or lists.

    >>> case_of("in_features=64,shape=(3,4),mode=fan_in")
    {'in_features': 64, 'shape': [3, 4], 'mode': 'fan_in'}
    """
    found: dict[str, Any] = {}
    for part in filter(None, re.split(r",(?![^(\[]*[)\]])", text)):
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier():
            msg = f"--case {text!r}, but should be NAME=VALUE,..., such as in_features=64,out_features=48"
            raise Failure(msg, 2)
        found[name.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return list(value) if isinstance(value, tuple) else value


def laws_of(texts: Iterable[str]) -> dict[str, str]:
    """Tensor -> law; of a function of a shape, which has one tensor, the law alone.

    >>> laws_of(["weight=Normal(std=0.02)", "bias=Constant(0)"]), laws_of(["he_normal(fan_in)"])
    ({'weight': 'Normal(std=0.02)', 'bias': 'Constant(0)'}, {'': 'he_normal(fan_in)'})
    """
    named = (re.fullmatch(r"([\w.*?\[\]-]+)=(.*)", text) for text in texts)
    return {m[1] if m else "": m[2] if m else text for m, text in zip(named, texts, strict=True)}
