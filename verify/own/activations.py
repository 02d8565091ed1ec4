"""`activation`: somebody's own activation as a row of `varlaw verify`, held to the one that it says it is.

Its derivative is the one that torch or JAX finds, or a function that is given; without either, what is claimed of
derivatives does not apply, and the record says so.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import SALT
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.libraries import floats
from varlaw.subjects.subject import Activation, Floats
from varlaw.subjects.yours import Yours, refuse_narrowed
from varlaw.theory.activations.named import resolve
from varlaw.theory.domain import printable
from varlaw.verify.own.asking import Extremes, left_out, of_claims, one_of, without, yours

EXTREMES: Extremes = {
    "largest": of_claims(*(f"law.activation.{of}(largest)" for of in ("value", "slope")), usual=False),
    "subnormal": of_claims("law.activation.value(subnormal)", usual=False),
    "signed zero": of_claims("law.activation.value(signed zero)", usual=False),
    "kinks": of_claims("law.activation.slope(kinks)"),
}
_PROBE = np.array([-1.0, -0.5, 0.5, 1.0])


def activation(
    name: str,
    f: Any,
    function: str,
    *,
    slope: Any = None,
    in_place: Any = None,
    dtypes: Sequence[str] = ("float32",),
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
) -> Activation:
    """A row for an activation.

    name: under which it is verified, such as "mylib.gelu".
    f: `f(x)` takes an array of one axis and returns an array of the same shape and format.
    function: what it says it is, such as "gelu" or "leaky_relu:0.2"; another name is told all that there are.
    slope: `slope(x)`, the derivative; when not given, that of torch or JAX, where `f` takes their arrays.
    in_place: `in_place(x)`, the form that overwrites its argument.
    dtypes: the formats of the arrays, each asked.
    promises, unpromised: of "largest", "subnormal", "signed zero" (not asked unless promised) and "kinks".
    as_: an activation of a framework by its name: what it documents as its deviations is no violation.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    """
    where = f"activation {name}"
    for argument, given in (("slope", slope), ("in_place", in_place)):
        if given is not None and not callable(given):
            msg = f"{argument}={printable(given)}, but should be a function of x [{where}]"
            raise TypeError(msg)
    try:
        resolve(str(function))
    except ValueError as error:
        msg = f"function={printable(function)}: {error} [{where}]"
        raise ValueError(msg) from error
    for dtype in dtypes:
        one_of(dtype, FORMATS, "dtypes", where)
    out = left_out(EXTREMES, promises, unpromised, all_usual=as_ is not None, where=where)

    @functools.cache
    def ready(dtype: str) -> Yours:
        return yours(f, name, library, dtype, SALT, where, lambda mine: _seen(mine, _PROBE, dtype))

    def apply(x: Floats, dtype: str, device: str) -> Mapping[str, Any]:
        mine = ready(dtype)
        found = {**_seen(mine, x, dtype), **_slope(mine, slope, x, dtype)}
        if in_place:
            in_place(overwritten := mine.library.array(x, dtype))
            found["in place"] = floats(overwritten)
        return found

    return Activation(
        name=name, framework=framework_of(name), op="activation", function=function, apply=apply,
        in_place=in_place is not None, dtypes=tuple(dtypes), as_=as_,
        cases=without(EXTREMES, out, lambda claim, usual, dtype: usual),
    )  # fmt: skip


def _seen(mine: Yours, x: Floats, dtype: str) -> Mapping[str, Any]:
    """What the function makes of x, and in which format."""
    given = mine.library.array(x, dtype)
    y = mine.function(given)
    if not hasattr(y, "dtype"):
        msg = f"{mine.name} returns {type(y).__name__}, but should return an array of shape {x.shape}"
        raise ValueError(msg)
    refuse_narrowed(y, given)
    return {"output": floats(y), "dtype": str(y.dtype).removeprefix("torch.")}


def _slope(mine: Yours, slope: Any, x: Floats, dtype: str) -> Mapping[str, Any]:
    given = mine.library.array(x, dtype)
    if slope is not None:
        return {"slope": floats(slope(given))}
    derivative = mine.library.derivative
    return {} if derivative is None else {"slope": floats(derivative(mine.function, given, mine.name))}
