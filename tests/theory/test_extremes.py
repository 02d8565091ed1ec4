"""No law returns NaN, warns or stops at the far ends of its domain: tiny, huge and boundary values in all mixtures."""

import itertools
import math
import random
import time
from typing import Any

import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.domain import Choice, Interval
from varlaw.theory.law import Law

from ..each import each
from .corners import VECTORS

REALS = (0.0, 1e-300, 1e-155, 1e-75, 1e-16, 1e-5, 0.5, 1 - 2.0**-53, 1.0, 3.0, 40.0, 1e6, 1e16, 1e75, 1e155, 1e300)
WHOLES = (0, 1, 2, 3, 4, 7, 300, 10**6)
REFUSED = ("meanfield.correlation_map", "meanfield.correlation_slope")  # far tails of shrinking activations
SECONDS = 0.25  # of one law; the sweep of a slow law stops there


def values(name: str, allowed: Any) -> list[Any]:
    """Far ends, boundary and typical values of one parameter."""
    if name in VECTORS:
        return [*VECTORS[name]]
    if isinstance(allowed, Choice):
        return list(allowed.values)
    if not isinstance(allowed, Interval):
        return [*ACTIVATIONS, "leaky_relu:1e75", "elu:-3", "softplus:1e-20", "hardtanh:1e20"]
    ends = [x for x in (allowed.low, allowed.high) if math.isfinite(x)]
    wide = WHOLES if allowed.whole else (*REALS, *(-x for x in REALS), *ends)
    return [x for x in (*wide, allowed.at(0.0), allowed.at(1.0)) if allowed.accepts(x)]


def cases(law: Law) -> list[dict[str, Any]]:
    names = list(law.domain.ranges)
    columns = [values(n, r) for n, r in law.domain.ranges.items()]
    stream = random.Random(law.name)
    if math.prod(map(len, columns)) <= 200:
        mixtures = list(itertools.product(*columns))
        stream.shuffle(mixtures)
    else:
        mixtures = [tuple(stream.choice(c) for c in columns) for _ in range(200)]
    return [dict(zip(names, mixture, strict=True)) for mixture in mixtures]


@each("law", LAWS)
def test_far_ends_give_numbers_without_warnings(law: Law) -> None:
    started = time.perf_counter()
    for params in cases(law):
        given = law.domain.as_floats(params)
        with np.errstate(all="ignore"):
            inside = all(bool(np.all(relation.holds(**given))) for relation in law.domain.relations)
        if inside:
            try:
                assert not np.any(np.isnan(law.value(**params)))
            except ValueError:
                if law.name not in REFUSED or "shrink" not in params["activation"]:
                    raise
        if time.perf_counter() - started > SECONDS:
            break


@pytest.mark.parametrize("bad", [True, "3", "1e3", b"3", None, [1, None], [[1], [1, 2]], 1j, np.array(["1"]), {}])
def test_only_numbers_are_numbers(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"^fan_in=.*but should be a number > 0 \[lecun_normal.variance\]$"):
        LAWS["lecun_normal.variance"].value(fan_in=bad)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "float16", "float32", "longdouble"])
def test_narrow_types_are_computed_in_float64(dtype: str) -> None:
    law, fans = LAWS["pseudo_replication.variance"], np.array([100, 120], dtype=dtype)
    found = law.value(fan_in=fans, fan_out=fans, batch=fans)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, law.value(fan_in=[100, 120], fan_out=[100, 120], batch=[100, 120]))


def test_no_value_is_said_in_one_line() -> None:
    words = r"^fan_out=inf, variance=0.0, .*but the law has no value there \[linear.gradient_second_moment\]$"
    with pytest.raises(ValueError, match=words):
        LAWS["linear.gradient_second_moment"].value(fan_out=math.inf, variance=0.0, gradient_second_moment=1.0)


def test_long_arrays_stay_on_one_line() -> None:
    with pytest.raises(ValueError, match="but should be") as caught:
        LAWS["he_normal.variance"].value(fan_in=np.full((40, 40), -1.0), gain=1.0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
