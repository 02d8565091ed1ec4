"""`norm`, `clipper`, `dropout` and `loss`: the functions that the checks take, as rows of `varlaw verify`.

A row knows its function alone until it is first asked: the array library that the function takes, and the eps that it
shows, are found then.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.evidence.streams import SALT
from varlaw.subjects import yours
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.norm_rows import RUNNING
from varlaw.subjects.subject import Clipper, Dropout, Loss, Norm
from varlaw.subjects.yours import Yours
from varlaw.verify.own import clipping, dropouts, losses, norms
from varlaw.verify.own.asking import Case, Extremes, left_out, one_of
from varlaw.verify.own.asking import yours as found
from varlaw.verify.own.clip_kinds import REDUCTIONS

Cases = Callable[[str, list[Case], str], list[Case]]


def norm(
    name: str,
    f: Any,
    kind: str,
    *,
    shape: Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
    groups: int | None = None,
    eps: float | None = None,
    momentum: float | None = None,
    bessel: bool = True,
    evaluate: Any = None,
    dtypes: Sequence[str] = ("float32",),
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
) -> Norm:
    """A row for a norm: the arguments of `varlaw.check_norm`.

    name: under which it is verified, such as "mylib.norm".
    f: `f(x)`, as for `varlaw.check_norm`.
    kind: "layer", "rms", "group", "batch", "instance" or "weight".
    shape, axes: of the arrays that it takes, and those that are normalised together, where they are not the usual ones.
    groups: of a group norm.
    eps, momentum: under the root, and the weight of a new batch; read off `f`, or measured, when not given.
    bessel: whether the running variance has n - 1.
    evaluate: `evaluate(x, running_mean, running_var)`, where `f` is no module with `eval`.
    dtypes: the formats of the arrays, each asked.
    promises, unpromised: what is asked beyond the usual, and what is not, in the words of `varlaw.check_norm`.
    as_: a norm of a framework by its name: what it documents as its deviations is no violation.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    """
    where = f"norm {name}"
    one_of(kind, norms.KINDS, "kind", where)
    layout = norms.layout_of(kind, (16, 8, 3, 3) if kind == "weight" and shape is None else shape, axes)
    many = norms.groups_of(kind, groups, layout)
    out = left_out(norms.EXTREMES, promises, unpromised, all_usual=as_ is not None, where=where)
    own = _OwnNorm(name, f, layout, many, eps, momentum, bessel, evaluate, library)

    def cases(claim: str, usual: list[Case], dtype: str) -> list[Case]:
        there = dict(_or(own.known, dtype, {"groups": many, "eps": 0.0}))
        alone = norms.single(promises, as_)
        return norms.cases_of(claim, usual, layout, there, _or(own.running, dtype, ()), single=alone)

    row = yours.norm(_nameless(name, f), layout, evaluate)
    return replace(
        row, framework=framework_of(name), dtypes=tuple(dtypes), cases=without(norms.EXTREMES, out, cases),
        as_=norms.as_name(kind, as_), apply=own.apply, evaluated=own.evaluated if row.evaluated else None,
        running_variance="unbiased" if bessel else "biased",
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _OwnNorm:
    """A user's norm as it is asked: found and measured once in each dtype."""

    name: str
    f: Any
    layout: yours.Layout
    groups: int
    eps: float | None
    momentum: float | None
    bessel: bool
    evaluate: Any
    library: str | None

    def apply(self, x: Any, case: Any, dtype: str, device: str) -> Any:
        return self._ready(dtype).apply(x, case, dtype, device)

    def evaluated(self, x: Any, case: Any, dtype: str, device: str) -> Any:
        asked = self._ready(dtype).evaluated
        assert asked is not None
        return asked(x, case, dtype, device)

    @functools.cache  # noqa: B019 - a row lives as long as its module
    def known(self, dtype: str) -> Case:
        """Its groups, and its eps and momentum as they are given or measured."""
        ready, given = self._ready(dtype), norms.eps_of(self.f, self.eps)
        measured = norms.measured(ready, self._probe, self.groups, dtype) if given is None else given
        momentum = norms.momentum_of(self.f, self.momentum, ready, self._probe, dtype)
        return {"groups": self.groups, "eps": measured, "momentum": momentum}

    def running(self, dtype: str) -> tuple[str, ...]:
        """The statistics that it keeps."""
        return norms.kept(RUNNING[0] in self.apply(self._probe, {}, dtype, "cpu"), self.bessel)

    @functools.cached_property
    def _probe(self) -> Any:
        return np.random.default_rng(0).standard_normal(norms.probe_shape(self.layout, self.groups))

    @functools.cache  # noqa: B019
    def _ready(self, dtype: str) -> Norm:
        takes = lambda m: yours.norm(m, self.layout).apply(self._probe, {}, dtype, "cpu")  # noqa: E731 - one expression
        mine = found(self.f, self.name, self.library, dtype, SALT, f"norm {self.name}", takes)
        return yours.norm(mine, self.layout, self.evaluate)


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
        return clipping.cases_of(kind, bool(_or(silent, dtype, False)), claim, usual, eps)

    def whole(dtype: str) -> Clipper:
        return yours.per_parameter(ready(dtype)) if kind == "per_parameter" else ready(dtype)

    def adjusted(grads: Any, limit: float, more: Any, dtype: str, device: str) -> Any:
        asked = ready(dtype).adjusted
        assert asked is not None
        return asked(grads, limit, more, dtype, device)

    row = made(_nameless(name, f))
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

    row = yours.dropout(_nameless(name, f), kind, evaluate)
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

    row = yours.loss(_nameless(name, f), smoothing, ignored)
    return replace(
        row, framework=framework_of(name), dtypes=tuple(dtypes), as_=losses.as_name(as_),
        cases=without(losses.EXTREMES, out, lambda claim, usual, dtype: losses.cases_of(claim, usual)),
        apply=lambda logits, labels, reduction, dtype, device: ready(dtype).apply(
            logits, labels, reduction, dtype, device
        ),
        adjusted=adjusted if row.adjusts else None,
    )  # fmt: skip


def _nameless(name: str, f: Any) -> Yours:
    """The function before its library is known."""
    from varlaw.subjects.libraries import LIBRARIES

    return Yours(f, name, LIBRARIES["numpy"])


def without(extremes: Extremes, out: tuple[str, ...], cases: Cases) -> Any:
    """The cases without what is not promised."""

    def asked(claim: str, usual: Sequence[Case], dtype: str) -> list[Case]:
        there = cases(claim, [dict(case) for case in usual], dtype)
        return [c for c in there if not any(extremes[n].speaks(claim, c, dtype) for n in out)]

    return asked


def _or(ask: Callable[[str], Any], dtype: str, otherwise: Any) -> Any:
    """What a function says, or something else where it raises: that is said where it is on trial."""
    try:
        return ask(dtype)
    except (Exception, SystemExit):
        return otherwise
