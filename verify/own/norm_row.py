"""`norm`: a user's norm as a row of `varlaw verify`; its library, eps and momentum are found when it is first asked."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.evidence.streams import SALT
from varlaw.subjects import yours
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.norm_rows import RUNNING
from varlaw.subjects.subject import Norm
from varlaw.verify.own import norm_arguments, norms
from varlaw.verify.own.asking import Case, left_out, nameless, one_of, or_else, without
from varlaw.verify.own.asking import yours as found


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
    layout = norm_arguments.layout_of(kind, (16, 8, 3, 3) if kind == "weight" and shape is None else shape, axes)
    many = norm_arguments.groups_of(kind, groups, layout)
    out = left_out(norms.EXTREMES, promises, unpromised, all_usual=as_ is not None, where=where)
    own = _OwnNorm(name, f, layout, many, eps, momentum, bessel, evaluate, library)

    def cases(claim: str, usual: list[Case], dtype: str) -> list[Case]:
        there = dict(or_else(own.known, dtype, {"groups": many, "eps": 0.0}))
        alone = norm_arguments.single(promises, as_)
        return norm_arguments.cases_of(claim, usual, layout, there, or_else(own.running, dtype, ()), single=alone)

    row = yours.norm(nameless(name, f), layout, evaluate)
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
        ready, given = self._ready(dtype), norm_arguments.eps_of(self.f, self.eps)
        measured = norm_arguments.measured(ready, self._probe, self.groups, dtype) if given is None else given
        momentum = norm_arguments.momentum_of(self.f, self.momentum, ready, self._probe, dtype)
        return {"groups": self.groups, "eps": measured, "momentum": momentum}

    def running(self, dtype: str) -> tuple[str, ...]:
        """The statistics that it keeps."""
        return norm_arguments.kept(RUNNING[0] in self.apply(self._probe, {}, dtype, "cpu"), self.bessel)

    @functools.cached_property
    def _probe(self) -> Any:
        return np.random.default_rng(0).standard_normal(norm_arguments.probe_shape(self.layout, self.groups))

    @functools.cache  # noqa: B019
    def _ready(self, dtype: str) -> Norm:
        takes = lambda m: yours.norm(m, self.layout).apply(self._probe, {}, dtype, "cpu")  # noqa: E731 - one expression
        mine = found(self.f, self.name, self.library, dtype, SALT, f"norm {self.name}", takes)
        return yours.norm(mine, self.layout, self.evaluate)
