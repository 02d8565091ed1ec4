"""`clipper`, `dropout` and `loss`: the functions that the checks take, as rows of `varlaw verify`.

A row knows its function alone until it is first asked: the array library that the function takes is found then.
"""

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.evidence.streams import SALT
from varlaw.subjects import yours
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.subject import Clipper, Dropout, Loss
from varlaw.verify.own import clipping, dropouts, losses
from varlaw.verify.own.asking import Case, left_out, nameless, one_of, or_else, without
from varlaw.verify.own.asking import yours as found
from varlaw.verify.own.clip_kinds import REDUCTIONS


def clipper(
    name: str,
    f: Any,
    kind: str = "global_norm",
    *,
    reduction: str = "mean",
    eps: float = 1e-3,
    order: str = "",
    dtypes: Sequence[str] = ("float32",),
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
) -> Clipper:
    """A row for gradient clipping: the arguments of `varlaw.check_clip`.

    name: under which it is verified, such as "mylib.clip".
    f: `f(arrays, limit)`, as for `varlaw.check_clip`.
    kind: "global_norm", "per_parameter", "value", "accumulated" or "adaptive".
    reduction: "mean" or "sum", of accumulated gradients.
    eps: the least norm of weights that an adaptive clip counts.
    order: what `f` calls its argument for the order of the norm, such as "norm_type".
    dtypes: the formats of the arrays, each asked.
    promises, unpromised: what is asked beyond the usual, and what is not, in the words of `varlaw.check_clip`.
    as_: a clip of a framework by its name: what it documents as its deviations is no violation.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    """
    where = f"clipper {name}"
    one_of(kind, clipping.KINDS, "kind", where)
    one_of(reduction, REDUCTIONS, "reduction", where)
    clipping.eps_of(eps, where)
    out = left_out(clipping.EXTREMES, promises, unpromised, all_usual=as_ is not None, where=where)
    made, probe = functools.partial(clipping.of_kind, kind, reduction, order=order), clipping.probes(kind)[0]

    @functools.cache
    def ready(dtype: str) -> Clipper:
        return made(found(f, name, library, dtype, SALT, where, lambda m: made(m).apply(probe, 1.0, dtype, "cpu")))

    def silent(dtype: str) -> bool:
        return as_ is not None and ready(dtype).apply(probe, 1.0, dtype, "cpu")[1] is None

    def cases(claim: str, usual: list[Case], dtype: str) -> list[Case]:
        return clipping.cases_of(kind, bool(or_else(silent, dtype, False)), claim, usual, eps)

    def whole(dtype: str) -> Clipper:
        return yours.per_parameter(ready(dtype)) if kind == "per_parameter" else ready(dtype)

    def adjusted(grads: Any, limit: float, more: Any, dtype: str, device: str) -> Any:
        asked = ready(dtype).adjusted
        assert asked is not None
        return asked(grads, limit, more, dtype, device)

    row = made(nameless(name, f))
    return replace(
        row, adjusted=adjusted if row.adjusted else None,
        framework=framework_of(name), dtypes=tuple(dtypes), cases=without(clipping.EXTREMES, out, cases),
        as_=clipping.as_name(kind, as_),
        apply=lambda grads, limit, dtype, device: whole(dtype).apply(grads, limit, dtype, device),
    )  # fmt: skip


def dropout(
    name: str,
    f: Any,
    p: float = 0.1,
    *,
    kind: str = "dropout",
    evaluate: Any = None,
    dtypes: Sequence[str] = ("float32",),
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
) -> Dropout:
    """A row for a dropout: the arguments of `varlaw.check_dropout`.

    name: under which it is verified, such as "mylib.dropout".
    f: `f(x, p, seed)`, as for `varlaw.check_dropout`.
    p: the rate.
    kind: "dropout", "channel_dropout", "drop_path", "alpha_dropout", "channel_alpha_dropout" or "gaussian_dropout".
    evaluate: `evaluate(x, p)`, where `f` is no module and no class of modules.
    dtypes: the formats of the arrays, each asked.
    promises, unpromised: what is asked beyond the usual, and what is not, in the words of `varlaw.check_dropout`.
    as_: a dropout of a framework by its name: what it documents as its deviations is no violation.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    """
    where = f"dropout {name}"
    one_of(kind, dropouts.KINDS, "kind", where)
    out = left_out(dropouts.EXTREMES, promises, dropouts.fixed(f, unpromised), all_usual=as_ is not None, where=where)
    ones = np.ones(dropouts.SHAPE)

    @functools.cache
    def ready(dtype: str) -> Dropout:
        attempt = lambda m: yours.dropout(m, kind).apply(ones, p, dtype, "cpu", 0)  # noqa: E731
        return yours.dropout(found(f, name, library, dtype, SALT, where, attempt), kind, evaluate)

    def evaluated(x: Any, rate: float, dtype: str, device: str) -> Any:
        asked = ready(dtype).evaluated
        assert asked is not None
        return asked(x, rate, dtype, device)

    row = yours.dropout(nameless(name, f), kind, evaluate)
    return replace(
        row, evaluated=evaluated if row.evaluated else None,
        framework=framework_of(name), dtypes=tuple(dtypes), as_=dropouts.as_name(kind, as_),
        cases=without(dropouts.EXTREMES, out, lambda claim, usual, dtype: dropouts.cases_of(usual, p)),
        apply=lambda x, rate, dtype, device, seed: ready(dtype).apply(x, rate, dtype, device, seed),
    )  # fmt: skip


def loss(
    name: str,
    f: Any,
    *,
    smoothing: str = "",
    ignored: str = "",
    dtypes: Sequence[str] = ("float32",),
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
) -> Loss:
    """A row for a cross entropy: the arguments of `varlaw.check_loss`.

    name: under which it is verified, such as "mylib.loss".
    f: `f(logits, labels)`, as for `varlaw.check_loss`.
    smoothing, ignored: what `f` calls its arguments for smoothed labels and for a label that does not count.
    dtypes: the formats of the arrays, each asked.
    promises, unpromised: what is asked beyond the usual, and what is not, in the words of `varlaw.check_loss`.
    as_: a loss of a framework by its name: what it documents as its deviations is no violation.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    """
    where = f"loss {name}"
    out = left_out(losses.EXTREMES, promises, unpromised, all_usual=as_ is not None, where=where)
    logits, labels = np.zeros((3, 5)), np.array([0, 4, 2])

    @functools.cache
    def ready(dtype: str) -> Loss:
        attempt = lambda m: yours.loss(m).apply(logits, labels, "mean", dtype, "cpu")  # noqa: E731
        return yours.loss(found(f, name, library, dtype, SALT, where, attempt), smoothing, ignored)

    def adjusted(logits: Any, labels: Any, smoothed: float, left_out: int | None, dtype: str, device: str) -> Any:
        whole = ready(dtype).adjusted
        assert whole is not None
        return whole(logits, labels, smoothed, left_out, dtype, device)

    row = yours.loss(nameless(name, f), smoothing, ignored)
    return replace(
        row, framework=framework_of(name), dtypes=tuple(dtypes), as_=losses.as_name(as_),
        cases=without(losses.EXTREMES, out, lambda claim, usual, dtype: losses.cases_of(claim, usual)),
        apply=lambda logits, labels, reduction, dtype, device: ready(dtype).apply(
            logits, labels, reduction, dtype, device
        ),
        adjusted=adjusted if row.adjusts else None,
    )  # fmt: skip
