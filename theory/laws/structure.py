"""Laws without chance in them: constants, copying matrices, and what holds of parameters as a set."""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Relation, any_number, at_least
from varlaw.theory.law import Kind, Law

_SIZE = at_least(1, typical=(1, 4096))


def _kept(out_features: Any, in_features: Any) -> Any:
    return np.minimum(out_features, in_features) / in_features


def _dirac(out_channels: Any, in_channels: Any, groups: Any) -> Any:
    return _kept(out_channels / groups, in_channels / groups)


_law = functools.partial(Law, statistic="every entry, bit for bit")
ENTRIES: tuple[Law, ...] = (
    _law(
        name="constant.value",
        title="Constant initialisation",
        quantity="w",
        formula="value",
        kind=Kind.EXACT,
        domain=Domain(value=any_number()),
        rule=lambda value: value,
        hypotheses=("every entry is set, none is drawn",),
        derivation="The entry is the value, rounded to the dtype.",
        source="definition",
        not_to_confuse="a fan law: weights without spread keep no second moment and no symmetry is broken",
    ),
    _law(
        name="identity.isometry",
        title="Second moment kept by the identity matrix",
        quantity="E |I x|^2 / E |x|^2",
        formula="min(out_features, in_features) / in_features",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(out_features=_SIZE, in_features=_SIZE),
        rule=_kept,
        hypotheses=("entries of x with equal second moment",),
        derivation="The rectangular identity copies min(out, in) of the in entries: trace(I^T I) / in.",
        source="definition of torch.nn.init.eye_",
        not_to_confuse="a fan law: the weights are not zero-mean",
    ),
    _law(
        name="dirac.isometry",
        title="Second moment kept by a Dirac convolution",
        quantity="E |y|^2 / E |x|^2 per position",
        formula="min(out_channels / groups, in_channels / groups) / (in_channels / groups)",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(
            Relation(
                "groups divides out_channels and in_channels",
                lambda out_channels, in_channels, groups: (out_channels % groups == 0) & (in_channels % groups == 0),
            ),
            out_channels=_SIZE,
            in_channels=_SIZE,
            groups=at_least(1, typical=(1, 1)),
        ),
        rule=_dirac,
        hypotheses=("channels of x with equal second moment", "odd kernel, padding that keeps the size, stride 1"),
        derivation="Within each group the centre tap copies min(out, in) channels and the other taps are 0.",
        source="definition of torch.nn.init.dirac_",
        not_to_confuse="isometry for every shape: with more inputs than outputs per group, channels are dropped",
    ),
    _law(
        name="parameters.coverage",
        title="Every parameter is initialised as stated",
        quantity="parameters with a stated law / parameters",
        formula="1.0",
        kind=Kind.CONVENTION,
        rule=lambda: 1.0,
        hypotheses=("a module whose documentation states how each of its parameters starts",),
        derivation="A parameter that no statement reaches is uninitialised, or initialised by accident.",
        source="definition",
        statistic="names of parameters against names with a statement",
    ),
    _law(
        name="parameters.repeat",
        title="A generator in the same state gives the same parameter",
        quantity="entries that agree / entries",
        formula="1.0",
        kind=Kind.CONVENTION,
        rule=lambda: 1.0,
        hypotheses=("an initialiser that takes a generator", "the same shape, dtype, device and version"),
        derivation="Whatever else it draws from, a global stream for one, would move between two calls.",
        source="definition",
        statistic="entries of two draws from one seed, while the framework's global generator stands elsewhere",
        not_to_confuse="a global seed set before each call, which hides a generator that is ignored",
    ),
    _law(
        name="parameters.coincidence",
        title="Two parameters drawn separately are equal",
        quantity="P(two tensors are equal)",
        formula="2.0 ** (-bits * entries)",
        kind=Kind.BOUND,
        domain=Domain(bits=at_least(1, typical=(8, 24)), entries=_SIZE),
        rule=lambda bits, entries: np.exp2(-bits * entries),
        hypotheses=(
            "the tensors are independent, and so are the entries of each",
            "each entry takes no value more often than once in 2**bits",
        ),
        derivation="Entry by entry, two independent draws agree with probability sum p^2 <= max p = 2**-bits.",
        statistic="pairs of parameters of one shape with equal values",
        not_to_confuse="right variances: a layer copied from another has them, and starts as its twin",
    ),
)
