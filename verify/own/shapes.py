"""`check_shapes`: one law over several shapes, as of muP or of a rule for depth: right in one size proves nothing."""

from collections.abc import Callable, Sequence
from typing import Any

from varlaw.claims.verdict import Outcome, Verdict
from varlaw.evidence.streams import SALT
from varlaw.theory.domain import printable
from varlaw.verify.check import address, check
from varlaw.verify.checked_sampler import Draw
from varlaw.verify.own.verdicts import Verdicts, asserting

Law = Any


def check_shapes(
    draw: Draw, law: Law | Callable[[tuple[int, ...]], Law], shapes: Sequence[Sequence[int]], **options: Any
) -> Verdicts:
    """Decide in each of several shapes whether `draw(shape, seed)` follows the law that holds there.

    draw: returns an array of `shape` that depends on `seed` alone, as of `check`.
    law: a text over fan_in and fan_out ("N(0.02/sqrt(fan_in/64))"), or a function of the shape that returns a law.
    shapes: two or more; at equal sizes rules that scale differently are alike.
    options: those of `check`: dtype, delta, alpha, beta, max_samples, salt, name.

    >>> import numpy as np
    >>> def mup(shape, seed): return np.random.default_rng(seed).normal(0, 0.02 / (shape[1] / 64) ** 0.5, shape)
    >>> check_shapes(mup, "N(0.02/sqrt(fan_in/64))", [(64, 64), (256, 256)]).ok
    True
    """
    sides = [tuple(one) for one in shapes] if _shapes(shapes) else []
    if len(sides) < 2:
        msg = f"shapes={printable(shapes)}, but should be two or more, each of whole numbers [check_shapes]"
        raise ValueError(msg)
    name = address(draw, options.get("salt", SALT), options.pop("name", None))
    verdicts = tuple(_in(draw, law, shape, name, options) for shape in sides)
    found = Verdicts(name, "shapes", verdicts)
    return found if found.ok else found.because(_cause(found))


def _shapes(shapes: Any) -> bool:
    sequences = isinstance(shapes, Sequence) and not isinstance(shapes, str)
    return sequences and all(isinstance(one, Sequence) and not isinstance(one, str) for one in shapes)


def _in(draw: Draw, law: Any, shape: tuple[int, ...], name: str, options: Any) -> Verdict:
    here = law if isinstance(law, str) or not callable(law) else law(shape)
    return check(draw, here, shape=shape, name=f"{name}, {shape}", **options)


def _cause(found: Verdicts) -> str:
    """The ratio in each shape: a rule that scales wrongly shows as a trend."""
    ratios = [f"x{v.ratio:.3g} in {v.case['shape']}" for v in found if v.ratio is not None]
    right = [str(v.case["shape"]) for v in found if v.outcome is Outcome.CONFORMS]
    return f"std {', '.join(ratios)}{f' (lawful in {right[0]} alone)' if len(right) == 1 else ''}"


assert_shapes = asserting(check_shapes)
