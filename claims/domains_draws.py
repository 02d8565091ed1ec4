"""The cases of initialisers' arguments: each documented argument is a parameter of the case, its extremes are corners.

A row whose function lacks an argument, or has it at a constant, fixes it there (`varlaw.subjects.arguments`).
"""

from dataclasses import replace
from typing import Any

from varlaw.claims.cases import Case, Cases, Raw, corners, shaped, unshaped
from varlaw.claims.domains_layers import FILLS
from varlaw.theory.domain import Domain, one_of

# -- functions of a shape ----------------------------------------------------------------------------------------------

_SIDES = (64, 48)
_SHAPES = one_of(_SIDES, (37,), (3, 3, 8, 16))
_STDS = one_of(1.0, 0.02, 3.0)
_MEANS = one_of(0.0, 1.0, -0.5, 3.0)
# In stds from the mean: as everybody cuts, wider than any draw, off the centre, one-sided, narrow, and the far tails,
# where a sampler that inverts the distribution function in the format of the draws has few numbers left, or none.
_CUTS = (
    (-2.0, 2.0),
    (-8.0, 8.0),
    (-1.0, 3.0),
    (0.0, 2.0),
    (-0.125, 0.125),
    (2.0, 3.0),
    (5.0, 6.0),
    (-6.0, -5.0),
    (9.0, 9.5),
)
_RANGES = ((0.0, 1.0), (-1.0, 3.0), (2.0, 3.0), (-3.0, -2.5), (-0.001, 0.001), (100.0, 102.0))


def _cut(raw: Raw) -> Case:
    low, high = raw["ends"]
    return shaped({k: v for k, v in raw.items() if k != "ends"}) | {"low": low, "high": high}


def _uncut(case: Case) -> Case:
    return unshaped({k: v for k, v in case.items() if k not in ("low", "high")}) | {"ends": (case["low"], case["high"])}


_NORMAL = Cases(
    Domain(shape=_SHAPES, std=_STDS, mean=_MEANS),
    corners("shape std mean", *((_SIDES, *row) for row in ((1.0, 3.0), (0.02, -0.5), (3.0, 0.0)))),
    shaped,
    unshaped,
)
_UNIFORM = Cases(
    Domain(shape=_SHAPES, ends=one_of(*_RANGES)), corners("shape ends", *((_SIDES, r) for r in _RANGES)), _cut, _uncut
)


def _lifted(raw: Raw) -> Case:
    """The mean in stds: far from 0 a coarse format rounds the limits by a share of the std."""
    return _cut({k: v for k, v in raw.items() if k != "lift"} | {"mean": raw["lift"] * raw["std"]})


def _let_down(case: Case) -> Case:
    return {k: v for k, v in _uncut(case).items() if k != "mean"} | {"lift": case["mean"] / case["std"]}


_TRUNCATED = Cases(
    Domain(shape=_SHAPES, ends=one_of(*_CUTS), std=_STDS, lift=_MEANS),
    corners(
        "shape ends std lift",
        *((_SIDES, cut, 1.0, 0.0) for cut in _CUTS if cut != (-8.0, 8.0)),
        (_SIDES, (-1.0, 3.0), 0.02, 3.0),
    ),
    _lifted,
    _let_down,
)
_SHARES = (0.0, 0.1, 0.5, 0.9, 0.99)
_SPARSE = Cases(
    Domain(shape=one_of((64, 16), (100, 7), (3, 40)), std=_STDS, sparsity=one_of(*_SHARES)),
    corners("shape std sparsity", *(((100, 7), 1.0, share) for share in _SHARES), ((3, 40), 0.02, 0.5)),
    shaped,
    unshaped,
)
_CONSTANT = Cases(
    Domain(shape=_SHAPES, value=one_of(0.0, -1.5, 0.1, 1e-6, 1e4)),
    corners("shape value", *((_SIDES, value) for value in (0.0, -1.5, 0.1, 1e-6, 1e4))),
    shaped,
    unshaped,
)
_GAINS = one_of(1.0, 0.5, 2.0**0.5)
_KERNELS = ((8, 4, 3, 3), (4, 16, 3), (3, 3, 4, 16), (1, 1), (33, 1), (1, 33), (5, 17), (17, 5))
_ORTHOGONAL = Cases(
    Domain(shape=one_of(*_KERNELS), gain=_GAINS),
    corners("shape gain", *((kernel, 2.0**0.5) for kernel in _KERNELS), ((17, 5), 0.02)),
    shaped,
    unshaped,
)
_IDENTITY = Cases(
    Domain(shape=one_of((33, 33), (1, 1), (5, 7), (7, 5)), gain=_GAINS),
    corners("shape gain", ((5, 7), 0.5), ((33, 33), 2.0**0.5), ((1, 1), -1.0)),
    shaped,
    unshaped,
)
_DELTA = Cases(
    Domain(shape=one_of((3, 4, 8), (3, 3, 4, 8), (1, 1, 5, 5), (5, 3, 2, 6), (3, 3, 3, 4, 4)), gain=_GAINS),
    corners("shape gain", ((3, 4, 8), 1.0), ((5, 3, 2, 6), 0.5), ((3, 3, 3, 4, 4), 2.0**0.5), ((1, 1, 5, 5), 1.0)),
    shaped,
    unshaped,
)
# Kernels of several experts, heads or layers in one tensor, which each maps by one of its matrices.
_STACKED = Cases(
    Domain(stack=one_of(1, 4, 12), inputs=one_of(16, 48), outputs=one_of(16, 64)),
    corners("stack inputs outputs", (4, 16, 64), (12, 48, 16)),
)

# -- initialisers of a layer's weight ----------------------------------------------------------------------------------

_SCALES = one_of(1.0, 2.0, 0.1, 4.0)
_SLOPED = (("leaky_relu", 0.0), ("leaky_relu", 0.2), ("leaky_relu", 1.0), ("leaky_relu", -0.5), ("relu", 0.0),
           ("tanh", 0.0), ("linear", 0.0), ("sigmoid", 0.0), ("selu", 0.0))  # fmt: skip


def _with(op: str, first: Any = (), **ranges: Any) -> Cases:
    """The cases of a `fill` op with further arguments: `first` are corners of these, each on another of its layers."""
    cases = FILLS[op]
    rows = [{**cases.corners[5 * i % len(cases.corners)], **more} for i, more in enumerate(first)]
    names = set(ranges)

    def build(raw: Raw) -> Case:
        more = {k: v for k, v in raw.items() if k in names}
        return cases.build({k: v for k, v in raw.items() if k not in names}) | _flat(more)

    def undo(case: Case) -> Case:
        flat = set(_flat({name: allowed.at(0.0) for name, allowed in ranges.items()}))
        own = {k: v for k, v in case.items() if k in flat}
        return cases.undo({k: v for k, v in case.items() if k not in flat}) | _unflat(own)

    return replace(cases, domain=Domain(**cases.domain.ranges, **ranges), corners=tuple(rows), build=build, undo=undo)


def _flat(more: Case) -> Case:
    bent = dict(zip(("nonlinearity", "slope"), more["bend"], strict=True)) if "bend" in more else {}
    return {k: v for k, v in more.items() if k != "bend"} | bent


def _unflat(case: Case) -> Case:
    bent = {"bend": (case["nonlinearity"], case["slope"])} if "slope" in case else {}
    return {k: v for k, v in case.items() if k not in ("nonlinearity", "slope")} | bent


DRAWS: dict[str, Cases] = {
    "draw_normal": _NORMAL,
    "draw_uniform": _UNIFORM,
    "draw_truncated": _TRUNCATED,
    "draw_sparse": _SPARSE,
    "draw_constant": _CONSTANT,
    "draw_orthogonal": _ORTHOGONAL,
    "draw_identity": _IDENTITY,
    "draw_delta": _DELTA,
    "stacked": _STACKED,
    "fill_gain": _with("fill_grouped_conv", [{"gain": g} for g in (4.0, 0.1, 2.0)], gain=_SCALES),
    "fill_bent": _with("fill_mode_grouped_conv", [{"bend": bend} for bend in _SLOPED], bend=one_of(*_SLOPED)),
    "fill_scaled": _with("fill_average_grouped_conv", [{"scale": s} for s in (0.1, 4.0, 2.0)], scale=_SCALES),
}  # fmt: skip
