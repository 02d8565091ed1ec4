"""`check` for laws of whole tensors: each is mapped to independent entries, and these are held to their law."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from varlaw.claims.claim import Finding
from varlaw.claims.verdict import Outcome, Verdict
from varlaw.claims.weights.structured import Broken, View, views
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.state import float64, native
from varlaw.evidence.streams import Key, canonical
from varlaw.theory.domain import printable
from varlaw.theory.variates import Complex, FactorisedNoise, RowsNormal, RowsOfNorm, RowsStandardised, Sparse
from varlaw.verify.checked_sampler import CheckedSampler, drawn, format_of

Check = Callable[..., Verdict]


def checked(
    check: Check, told: Check, draw: Any, law: Any, shape: Any, dtype: Any, name: str, alpha: float, **rest: Any
) -> Verdict:
    """The verdict on a sampler of a structured law: the first of its views that does not conform, or the last."""
    _refuse_shape(law, shape)
    array, agreed = _raw(draw, law, shape, dtype, name)
    found: Verdict | None = None
    parts = views(law, agreed)
    for i, view in enumerate(parts):
        try:
            found = _viewed(check, array, view, i, law, shape, name, alpha / len(parts), rest)
        except Broken as broken:
            found = _broken(told, broken, name, rest["salt"])
        if found.outcome is not Outcome.CONFORMS:
            break
    assert found is not None
    said = "; ".join(filter(None, [f"of {view[0]}", found.detail]))
    return msgspec.structs.replace(
        found, law=f"{type(law).__name__}.variance", statement=repr(law), detail=said, dtype=agreed, subject=name,
        case={"shape": list(shape)}, alpha=alpha if found.alpha else 0.0,
        replay=f"salt {rest['salt']!r}, name {name!r}",
    )  # fmt: skip


def _refuse_shape(law: Any, shape: Any) -> None:
    """One line for a shape that has no such rows."""
    sides = len(shape) if hasattr(shape, "__len__") else 0
    if isinstance(law, FactorisedNoise) and sides != 2:
        expected = "of two sides"
    elif isinstance(law, RowsOfNorm | RowsStandardised | RowsNormal) and sides < 2:
        expected = "of two sides or more"
    elif isinstance(law, RowsNormal) and np.prod(shape[1:], dtype=float) != len(law.mean):
        expected = f"of {len(law.mean)} columns, as the law has"
    else:
        return
    msg = f"shape={printable(shape)}, but should be {expected} [check]"
    raise ValueError(msg)


def _raw(draw: Any, law: Any, shape: Any, dtype: Any, name: str) -> tuple[Callable[[int], Any], str]:
    """The sampler as a function of a seed alone, and the format of its numbers."""
    if not isinstance(law, Complex):
        sampler = CheckedSampler(draw, shape, dtype, name)
        return lambda seed: float64(sampler.array(seed)), sampler.dtype

    def array(seed: int) -> Any:
        x = np.asarray(native(drawn(draw, tuple(shape), seed, name)))
        if x.shape != tuple(shape) or x.dtype.kind != "c":
            msg = f"{name} returns {format_of(x)} of shape {x.shape}, but should return complex of {tuple(shape)}"
            raise SamplerError(msg)
        return x

    return array, {"complex64": "float32"}.get(str(array(0).dtype), "float64")


def _viewed(
    check: Check, array: Any, view: View, index: int, law: Any, shape: Any, name: str, alpha: float, rest: Any
) -> Verdict:
    what, of_entries, pull = view
    most = _fewest(law, int(np.prod(shape))) if index == 0 else None

    def entries(_: Any, seed: int) -> Any:
        y = pull(array(seed), Key("", "view", block=seed, stage=index).generator())
        if most is None:
            return y
        if y.size < most:
            quantity = "share of zeros"
            raise Broken(quantity, 1 - y.size / float(np.prod(shape)), law.zeros)
        return y.ravel()[:most]

    first = entries(None, 0)
    return check(
        entries, of_entries, shape=first.shape, dtype="float64", alpha=alpha,
        name=f"{name}, {what}", **rest,
    )  # fmt: skip


def _fewest(law: Any, n: int) -> int | None:
    """Entries of a sparse tensor that are never zero all at once: as many are looked at in each."""
    if not isinstance(law, Sparse):
        return None
    return max(1, int(n * (1 - law.zeros) - 8 * (n * law.zeros * (1 - law.zeros)) ** 0.5))


def _broken(told: Check, broken: Broken, name: str, salt: str) -> Verdict:
    ratio = broken.observed / broken.expected if broken.expected else None
    finding = Finding(
        outcome=Outcome.VIOLATES, quantity=broken.quantity, expected=broken.expected, observed=broken.observed,
        ratio=ratio, samples=1, detail=str(broken),
    )  # fmt: skip
    key = Key(salt, f"check:{name}", canonical({}))
    return told(finding, subject=name, law="", statement="", dtype="", case={}, key=key)
