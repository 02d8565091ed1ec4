"""Arguments are refused in one line: what, got, expected, where.

Every public function of the implementation checks what it was given with these few words, so that the same mistake
reads the same in NumPy and on torch. `where` is the name of the public function. Values are refused before anything
is drawn or written.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn


def refuse(name: str, got: object, expected: str, where: str) -> NoReturn:
    """Raise the error for a value outside its domain."""
    msg = f"{name}={_brief(got)}, but should be {expected} [{where}]"
    raise ValueError(msg) from None


def refuse_type(name: str, got: object, expected: str, where: str) -> NoReturn:
    """Raise the error for an object of the wrong kind."""
    msg = f"{name}={_brief(got)}, but should be {expected} [{where}]"
    raise TypeError(msg) from None


def _brief(got: object) -> str:
    text = repr(got)
    return text if len(text) <= 60 and "\n" not in text else f"<{type(got).__name__}>"


def number(name: str, value: Any, where: str, *, low: float = -math.inf, infinite: bool = False) -> float:
    """`value` as a float that is not NaN, at least `low`, and finite unless `infinite`."""
    if type(value) in (float, int) and low <= value < math.inf and value > -math.inf:
        return float(value)  # nearly every call
    expected = f"a {'number' if infinite else 'finite number'}{f' >= {low:g}' if low > -math.inf else ''}"
    if isinstance(value, (str, bytes)) or value is None:
        refuse_type(name, value, expected, where)
    try:
        x = float(value)
    except (TypeError, ValueError):
        refuse_type(name, value, expected, where)
    if math.isnan(x) or x < low or (math.isinf(x) and not infinite):
        refuse(name, x, expected, where)
    return x


def positive(name: str, value: Any, where: str) -> float:
    """`value` as a finite float greater than zero."""
    x = number(name, value, where, low=0.0)
    if x == 0:
        refuse(name, x, "a finite number > 0", where)
    return x


def whole(name: str, value: Any, where: str, *, low: int = 0, below: int | None = None) -> int:
    """`value` as an int, `low <= value`, and `value < below` where that is given."""
    expected = f"a whole number >= {low}{f' and < {below}' if below is not None else ''}"
    try:
        n = operator.index(value)
    except TypeError:
        refuse_type(name, value, expected, where)
    if n < low or (below is not None and n >= below):
        refuse(name, n, expected, where)
    return n


def choice(name: str, value: Any, allowed: Sequence[str], where: str) -> str:
    """`value`, when it is one of the words allowed."""
    if not isinstance(value, str) or value not in allowed:
        refuse(name, value, f"one of {', '.join(map(repr, allowed))}", where)
    return value


def sizes(shape: Any, where: str) -> tuple[int, ...]:
    """`shape` as a tuple of sizes; a single whole number is a shape of one axis."""
    if isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape):
        return tuple(shape)  # nearly every call
    if not isinstance(shape, Sequence) or isinstance(shape, (str, bytes)):
        return (whole("shape", shape, where),)
    return tuple(whole(f"shape[{i}]", size, where) for i, size in enumerate(shape))
