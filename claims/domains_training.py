"""The cases of what training and whole models are made of: norms, clipping, losses, dropout, adapters, networks."""

from dataclasses import replace
from typing import Any

from varlaw.claims.cases import Cases, corners, shaped, size, unshaped
from varlaw.theory.domain import Domain, one_of

# -- norms: statistics over `length` (and batch, where the norm takes it) of inputs of mean and std given --------------

_NORM_NAMES = "batch channels length groups mean std eps momentum"
_NORM = Cases(
    Domain(
        batch=size(2, 8),
        channels=one_of(4, 8),
        length=size(4, 64),
        groups=one_of(1, 2, 4),
        mean=one_of(0.0, 10.0, 300.0, 1e4),
        std=one_of(1.0, 0.003, 100.0),
        eps=one_of(1e-5, 1e-3),
        momentum=one_of(0.1, 0.3),
    ),
    corners(
        _NORM_NAMES,
        (2, 4, 8, 2, 0.0, 1.0, 1e-5, 0.1),
        (4, 4, 16, 2, 0.0, 0.003, 1e-5, 0.1),  # variance about eps: where it stands in the root shows
        (2, 4, 64, 4, 10.0, 1.0, 1e-5, 0.1),
        (2, 4, 1024, 1, 0.0, 1.0, 1e-5, 0.1),
        (2, 4, 8, 1, 0.0, 100.0, 1e-3, 0.3),
        (2, 4, 16, 2, 0.0, 1e-4, 1e-5, 0.1),  # squares fall below float16 ...
        (2, 4, 16, 1, 0.0, 1e3, 1e-5, 0.1),  # ... and rise above it
        (2, 4, 16, 2, 0.0, 1e25, 1e-5, 0.1),  # squares rise above float32
        *((2, 4, 16, 2, mean, 1.0, 1e-5, 0.1) for mean in (100.0, 300.0, 1000.0, 3000.0, 1e4)),
        # Long sums, in few sets, where kernels split rows into blocks.
        (1, 2, 1000, 1, 300.0, 1.0, 1e-5, 0.1),
        (1, 2, 4096, 2, 100.0, 1.0, 1e-5, 0.1),
        (1, 1, 66_000, 1, 100.0, 1.0, 1e-5, 0.1),
        (1, 1, 100_000, 1, 0.0, 1.0, 1e-5, 0.1),
    ),
)

# Many training steps on one input, from statistics that start at 0 and 1.
_NORM_STEPS = Cases(
    Domain(momentum=one_of(0.1, 0.01)),
    corners("momentum", (0.1,), (0.01,)),
    lambda raw: {
        "batch": 2, "channels": 4, "length": 16, "groups": 1, "mean": 10.0, "std": 1.0, "eps": 1e-5, "steps": 300, **raw
    },
    lambda case: {"momentum": case["momentum"]},
)  # fmt: skip

# One number in every set; the mean is that of the numbers which the claim brings.
_SINGLE_ROW = (1, 4, 1, 4, 1e4, 0.0, 1e-5, 0.1)
_NORM_SINGLE = Cases(
    Domain(**{name: one_of(value) for name, value in zip(_NORM_NAMES.split(), _SINGLE_ROW, strict=True)}),
    corners(_NORM_NAMES, _SINGLE_ROW),
)


# No set at all, and sets of no number.
_EMPTY_ROWS = ((0, 4, 16, 2, 0.0, 1.0, 1e-5, 0.1), (2, 4, 0, 2, 0.0, 1.0, 1e-5, 0.1))
_NORM_EMPTY = Cases(
    Domain(
        **{name: one_of(*dict.fromkeys(row[k] for row in _EMPTY_ROWS)) for k, name in enumerate(_NORM_NAMES.split())}
    ),
    corners(_NORM_NAMES, *_EMPTY_ROWS),
)


_NO_ENTRIES = ((0,), (0, 3), (3, 0), (2, 0, 3))
_INIT_EMPTY = Cases(
    Domain(shape=one_of(*_NO_ENTRIES), scale=one_of(1.0)),
    corners("shape scale", *((shape, 1.0) for shape in _NO_ENTRIES)),
    shaped,
    unshaped,
)


# eps and momentum at the ends of what they may be.
def _set(*rows: tuple[Any, ...]) -> Cases:
    """A few cases of the same sizes: their mean, std, eps and momentum."""
    sizes = (2, 4, 16, 2)
    names = _NORM_NAMES.split()
    ranges = {
        name: one_of(*dict.fromkeys(row[k] for row in ((*sizes, *r) for r in rows))) for k, name in enumerate(names)
    }
    return Cases(Domain(**ranges), corners(_NORM_NAMES, *((*sizes, *row) for row in rows)))


_NORM_SETTINGS = _set((1.0, 1.0, 0.0, 0.1), (1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1e-5, 0.0))
_NORM_AFFINE = _set((1.0, 1.0, 1e-5, 0.1))
_NORM_GRADIENT = _set((1.0, 1.0, 1e-5, 0.1), (0.0, 1e-3, 1e-5, 0.1), (0.0, 300.0, 1e-5, 0.1))

# -- clipping: gradients of a given global norm, in `leaves` tensors ---------------------------------------------------

_CLIP_RANGES: dict[str, Any] = {"norm": one_of(0.5, 3.0, 1e3), "limit": one_of(1.0, 0.1)}
_CLIP_NAMES = "leaves entries norm limit"
_CLIP = Cases(
    Domain(leaves=size(1, 8), entries=size(2, 64), **_CLIP_RANGES),
    corners(
        _CLIP_NAMES,
        (3, 10, 0.02, 1.0),
        (3, 10, 0.5, 1.0),
        (3, 10, 1.0, 1.0),
        (3, 10, 2.0, 1.0),
        (10, 8, 1000.0, 1.0),
        (1, 1, 5e-9, 1e-8),
        (2, 8, 2e-8, 1e-8),
        (2, 8, 3.0, 1e-6),
        (2, 8, 2e-4, 1e-4),
        (2, 4, 0.0, 1.0),
        (2, 4, 1e20, 1.0),
        (200, 8, 1e5, 1.0),  # entries that float16 holds, of a norm that it does not
        (2, 4, 1e-23, 1.0),
        (2, 8, 8e-5, 2.0**-16),  # below the normal numbers of float16
        (1000, 3, 2.0, 1.0),
        (3000, 2, 0.5, 1.0),
    ),
)
_CLIP_FEW = Cases(
    Domain(leaves=size(2, 8), entries=size(2, 64), **_CLIP_RANGES),
    corners(_CLIP_NAMES, (3, 10, 0.5, 1.0), (3, 10, 2.0, 1.0), (3, 10, 1000.0, 1.0)),
)
_CLIP_NONFINITE = Cases(
    Domain(leaves=size(2, 8), entries=size(2, 64), norm=one_of(0.5), limit=one_of(1.0), entry=one_of("inf", "nan")),
    corners(f"{_CLIP_NAMES} entry", (3, 10, 0.5, 1.0, "inf"), (3, 10, 0.5, 1.0, "nan")),
)
_ORDERS = ("1", "3", "0.5", "inf", "-inf", "0")
_CLIP_ORDER = Cases(
    Domain(
        leaves=size(2, 8), entries=size(2, 16), norm=one_of(0.5, 3.0), order=one_of(*_ORDERS), share=one_of(0.25, 4.0)
    ),
    corners(
        "leaves entries norm order share", *((3, 10, 3.0, order, share) for order in _ORDERS for share in (0.25, 4.0))
    ),
)
# Bounds in absolute units, on either side of 0 and on one alone.
_CLIP_BOX = Cases(
    Domain(
        leaves=size(1, 8), entries=size(2, 64), norm=one_of(0.5, 3.0), low=one_of(-0.5, 0.125), high=one_of(0.25, 2.0)
    ),
    corners(
        "leaves entries norm low high",
        (3, 10, 3.0, -0.5, 2.0), (3, 10, 3.0, -2.0, 0.25), (3, 10, 3.0, 0.125, 0.25), (3, 10, 3.0, -0.25, -0.125),
        (3, 10, 3.0, 0.0, 0.5),
    ),
)  # fmt: skip
# Weights of about 1 and of less than eps; `limit` is relative to them.
_CLIP_ADAPTIVE = Cases(
    Domain(limit=one_of(0.01, 0.3), weights=one_of(1.0, 1e-6), eps=one_of(1e-3)),
    corners("limit weights eps", *((limit, size, 1e-3) for limit in (0.01, 0.3) for size in (1.0, 1e-6))),
)
_CLIP_SHAPES = Cases(Domain(norm=one_of(0.5, 3.0), limit=one_of(1.0)), corners("norm limit", (3.0, 1.0), (0.5, 1.0)))
_CLIP_GROUPING = Cases(
    Domain(leaves=size(2, 64), entries=size(2, 16), **_CLIP_RANGES),
    corners(_CLIP_NAMES, (64, 16, 3.0, 1.0), (1000, 4, 3.0, 1.0), (10, 3, 0.5, 1.0)),
)
# Powers of 4, so that the norm of equal entries is exact.
_CLIP_LONG = Cases(
    Domain(entries=one_of(1 << 14, 1 << 16, 1 << 18), value=one_of(0.01, 0.1, 0.7), limit=one_of(1.0)),
    corners("entries value limit", (1 << 18, 0.01, 1.0), (1 << 20, 0.1, 1.0), (1 << 20, 1e-3, 10.0)),
)
# A gradient in parts costs a message for each leaf: few of them.
_CLIP_SHARDED = replace(_CLIP, corners=tuple(c for c in _CLIP.corners if c["leaves"] <= 10 and c["norm"] != 8e-5))
# Vectors that are divided by their norms.
_NORMALISE = Cases(
    Domain(entries=size(2, 256), norm=one_of(1.0, 1e-3, 30.0)),
    corners("entries norm", *((64, norm) for norm in (1.0, 1e-3, 1e3, 1e20)), (2048, 1e5)),
)
_SPECTRAL = Cases(
    Domain(shape=one_of((64, 32), (16, 16), (128, 256))),
    corners("shape", ((64, 32),), ((128, 256),), ((256, 256),)),
    shaped,
    unshaped,
)
# Tensors in parts on two processes: big enough for a correlation, and for the rank of a part to show.
_SHARDED = Cases(
    Domain(in_features=size(32, 128), out_features=size(32, 128)),
    corners("in_features out_features", (64, 64), (32, 128), (128, 48)),
)
# Widths that differ, so that a fan taken for the other one does not cancel over the depth.
_NETWORK = Cases(
    Domain(in_features=size(64, 256), hidden_size=size(64, 256), depth=size(2, 24)),
    corners("in_features hidden_size depth", (192, 384, 2), (128, 96, 8), (40, 64, 32)),
)
_GAIN = Cases(Domain(), ({},))

# -- losses, dropout, adapters -----------------------------------------------------------------------------------------

# Few rows of many classes, many rows of few: what a sum over either accumulates, without 65,536 rows of 50,257.
_LOSS = Cases(
    Domain(classes=one_of(2, 10, 1000), rows=one_of(1, 8, 64)),
    corners(
        "classes rows",
        (2, 1), (10, 8), (50257, 1), (50257, 8), (1000, 1024), (2, 4096), (10, 65536), (2, 65536),
    ),
)  # fmt: skip
_LOSS_LABELS = Cases(
    Domain(classes=one_of(2, 10, 1000), rows=one_of(3, 64)), corners("classes rows", (2, 8), (1000, 30))
)
_DROPOUT = Cases(Domain(p=one_of(0.01, 0.1, 0.3, 0.5)), corners("p", (0.01,), (0.1,), (0.3,)))
_ADAPTER = Cases(
    Domain(in_features=size(4, 128), out_features=size(4, 128), rank=size(1, 8), alpha=one_of(8.0, 1.0, 32.0)),
    corners("in_features out_features rank alpha", (64, 48, 4, 8.0), (17, 33, 1, 1.0), (32, 64, 8, 32.0)),
)

# -- whole models: as shipped, and with the standard deviation of their configuration doubled --------------------------

_MODEL = Cases(
    Domain(), corners("scale", (1.0,), (2.0,)), lambda raw: {"scale": raw.get("scale", 1.0)}, lambda case: {}
)
_MODEL_ONCE = Cases(Domain(), ({},), lambda raw: {"scale": 1.0}, lambda case: {})

TRAINING: dict[str, Cases] = {
    **dict.fromkeys(("layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm"), _NORM),
    "batch_norm_steps": _NORM_STEPS,
    "norm_single": _NORM_SINGLE,
    "norm_empty": _NORM_EMPTY,
    "init_empty": _INIT_EMPTY,
    "norm_settings": _NORM_SETTINGS,
    "norm_affine": _NORM_AFFINE,
    "norm_gradient": _NORM_GRADIENT,
    **dict.fromkeys(("clip_norm", "clip_value"), _CLIP),
    **dict.fromkeys(("clip_negative", "clip_duplicates", "clip_limits"), _CLIP_FEW),
    "clip_nonfinite": _CLIP_NONFINITE,
    "normalise": _NORMALISE,
    "spectral": _SPECTRAL,
    "clip_grouping": _CLIP_GROUPING,
    "clip_long": _CLIP_LONG,
    "clip_order": _CLIP_ORDER,
    "clip_box": _CLIP_BOX,
    "clip_shapes": _CLIP_SHAPES,
    "clip_adaptive": _CLIP_ADAPTIVE,
    **dict.fromkeys(("gain", "dropout_edges", "clip_nothing", "norm_default"), _GAIN),
    "model": _MODEL,
    "model_once": _MODEL_ONCE,
    "cross_entropy": _LOSS,
    "cross_entropy_labels": _LOSS_LABELS,
    **dict.fromkeys(("dropout", "channel_dropout", "drop_path", "gaussian_dropout"), _DROPOUT),
    **dict.fromkeys(("alpha_dropout", "channel_alpha_dropout"), _DROPOUT),
    "adapter": _ADAPTER,
    "network": _NETWORK,
    "sharded": _SHARDED,
    "clip_sharded": _CLIP_SHARDED,
}
