"""Arguments are refused in one line: what, got, expected, where.

Every public function of the implementation checks what it was given with these few words, so that the same mistake
reads the same in NumPy and on torch. `where` is the name of the public function. Values are refused before anything
is drawn or written.
"""

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

GREATEST = sys.float_info.max
MOST_AXES = 64  # of NumPy and torch
MOST_ELEMENTS = 2**59  # 8 bytes each are then less than an address can tell


def refuse(name: str, got: object, expected: str, where: str) -> NoReturn:
    """Raise the error for a value outside its domain."""
    msg = f"{name}={_brief(got)}, but should be {expected} [{where}]"
    raise ValueError(msg) from None


def refuse_type(name: str, got: object, expected: str, where: str) -> NoReturn:
    """Raise the error for an object of the wrong kind."""
    msg = f"{name}={_brief(got)}, but should be {expected} [{where}]"
    raise TypeError(msg) from None


def _brief(got: object) -> str:
    try:
        text = repr(got)
    except Exception:  # a whole number of more than 4300 digits, or somebody's own repr
        text = "\n"
    return text if len(text) <= 60 and "\n" not in text else f"<{type(got).__name__}>"


def number(name: str, value: Any, where: str, *, low: float = -math.inf, infinite: bool = False) -> float:
    """`value` as a float that is not NaN, at least `low`, and finite unless `infinite`."""
    if type(value) is float and low <= value <= GREATEST and value >= -GREATEST:
        return value  # nearly every call
    if type(value) is int and low <= value <= GREATEST and value >= -GREATEST:
        return float(value)
    expected = f"a {'number' if infinite else 'finite number'}{f' >= {low:g}' if low > -math.inf else ''}"
    if isinstance(value, (str, bytes)) or value is None or is_bool(value) or getattr(value, "ndim", 0) != 0:
        refuse_type(name, value, expected, where)
    try:
        x = float(value)
    except (TypeError, ValueError):
        refuse_type(name, value, expected, where)
    except OverflowError:
        refuse(name, value, expected, where)
    if math.isnan(x) or x < low or (math.isinf(x) and not infinite):
        refuse(name, x, expected, where)
    return x


def is_bool(value: Any) -> bool:
    """Whether a value is a truth value of Python or NumPy, which would count as 0 or 1."""
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")  # NumPy's


def flag(name: str, value: Any, where: str) -> bool:
    """`value`, when it is True or False."""
    if not is_bool(value):
        refuse_type(name, value, "True or False", where)
    return bool(value)


def positive(name: str, value: Any, where: str) -> float:
    """`value` as a finite float greater than zero."""
    x = number(name, value, where, low=0.0)
    if x == 0:
        refuse(name, x, "a finite number > 0", where)
    return x


def whole(name: str, value: Any, where: str, *, low: int = 0, below: int | None = None) -> int:
    """`value` as an int, `low <= value`, and `value < below` (default: 2**63)."""
    expected = f"a whole number >= {low}{f' and < {below}' if below is not None else ''}"
    if is_bool(value):
        refuse_type(name, value, expected, where)
    try:
        n = operator.index(value)
    except TypeError:
        refuse_type(name, value, expected, where)
    if n < low or n >= (2**63 if below is None else below):
        refuse(name, n, expected if n < low or below is not None else f"{expected} and < 2**63", where)
    return n


def choice(name: str, value: Any, allowed: Sequence[str], where: str) -> str:
    """`value`, when it is one of the words allowed."""
    if not isinstance(value, str) or value not in allowed:
        refuse(name, value, f"one of {', '.join(map(repr, allowed))}", where)
    return value


def sizes(shape: Any, where: str, name: str = "shape") -> tuple[int, ...]:
    """`shape` as a tuple of sizes; a single whole number is a shape of one axis."""
    if isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape):
        found = tuple(shape)  # nearly every call
    elif not isinstance(shape, Sequence) or isinstance(shape, (str, bytes)):
        found = (whole(name, shape, where),)
    else:
        found = tuple(whole(f"{name}[{i}]", size, where) for i, size in enumerate(shape))
    if len(found) > MOST_AXES:
        refuse(name, found, f"of at most {MOST_AXES} axes", where)
    if name == "shape" and (math.prod(found) or math.prod(size or 1 for size in found)) >= MOST_ELEMENTS:
        refuse(name, found, "of less than 2**59 elements", where)
    return found


def disjoint(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether each element of an array has memory of its own, as far as its strides tell.

    >>> disjoint((3, 2), (2, 1)), disjoint((3, 2), (0, 1))
    (True, False)
    """
    reach = 0
    for stride, size in sorted((abs(stride), size) for stride, size in zip(strides, shape, strict=True) if size != 1):
        if size and stride <= reach:
            return False
        reach += stride * (size - 1)
    return True
