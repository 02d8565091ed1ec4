"""The cases of each op: the domain a claim ranges over, its corners, and keyed points inside it.

One domain serves all: the command takes the corners and a few points keyed by the salt, the tests turn the same ranges
into a Hypothesis strategy. Ranges are drawn unconstrained and mapped into lawful cases (channels are drawn per group),
so nothing is filtered. Corners are asymmetric on purpose: a fan taken for the other one must show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from varlaw.evidence.streams import Key
from varlaw.theory.law import Domain, Interval, one_of

Raw = Mapping[str, Any]
Case = dict[str, Any]


@dataclass(frozen=True)
class Cases:
    """A domain of raw parameters, the map from them to a case, and the corners worth naming."""

    domain: Domain
    corners: tuple[Raw, ...]
    build: Callable[[Raw], Case] = dict

    def enumerate(self, key: Key, points: int) -> list[Case]:
        """The corners, then `points` keyed points, without repetition."""
        rng = key.generator()
        drawn = [{name: r.at(float(rng.random())) for name, r in self.domain.ranges.items()} for _ in range(points)]
        unique: list[Case] = []
        for raw in (*self.corners, *drawn):
            case = self.build(raw)
            if case not in unique:
                unique.append(case)
        return unique


def size(low: int, high: int) -> Interval:
    """A whole number from `low` to `high`, spread evenly in its logarithm."""
    return Interval(low=low, high=high, whole=True)


def _rows(names: str, *values: tuple[Any, ...]) -> tuple[Raw, ...]:
    return tuple(dict(zip(names.split(), row, strict=True)) for row in values)


# -- layers ------------------------------------------------------------------------------------------------------------


def _grouped(raw: Raw) -> Case:
    """Channels from channels per group, so that groups always divide them."""
    rest = {k: v for k, v in raw.items() if k not in ("inputs", "outputs")}
    return {"in_channels": raw["inputs"] * raw["groups"], "out_channels": raw["outputs"] * raw["groups"], **rest}


_CONV = "inputs outputs groups kernel_size stride"
_CONV_RANGES: dict[str, Any] = {
    "inputs": size(1, 24),
    "outputs": size(1, 24),
    "groups": one_of(1, 2, 8),
    "kernel_size": size(1, 4),
    "stride": size(1, 2),
}
_CONV_ROWS = ((16, 32, 1, 3, 1), (12, 5, 1, 1, 1), (8, 4, 4, 3, 2), (1, 1, 64, 3, 1))


def _conv(*rows: tuple[int, ...]) -> Cases:
    return Cases(Domain(**_CONV_RANGES), _rows(_CONV, *rows), _grouped)


def _ungrouped(cases: Cases) -> Cases:
    """The same cases without groups, for layers that take none."""
    ranges = {**cases.domain.ranges, "groups": one_of(1)}
    return replace(cases, domain=Domain(**ranges), corners=tuple(c for c in cases.corners if c["groups"] == 1))


_LINEAR = Cases(
    Domain(in_features=size(1, 512), out_features=size(1, 512)),
    _rows("in_features out_features", (64, 16), (64, 256), (65, 64), (1, 512), (512, 1)),
)
_BILINEAR = Cases(
    Domain(in1_features=size(1, 64), in2_features=size(1, 64), out_features=size(1, 64)),
    _rows("in1_features in2_features out_features", (16, 8, 32), (8, 24, 16)),
)
_EMBEDDING = Cases(
    Domain(num_embeddings=size(2, 2048), embedding_dim=size(1, 256)),
    _rows("num_embeddings embedding_dim", (100, 32), (1000, 8)),
)
# Two clusters; the second is projected to a quarter of the features.
_ADAPTIVE = Cases(
    Domain(num_embeddings=size(8, 2048), embedding_dim=size(8, 256)), _rows("num_embeddings embedding_dim", (100, 32))
)
_RECURRENT = Cases(
    Domain(input_size=size(1, 128), hidden_size=size(4, 128)), _rows("input_size hidden_size", (16, 32), (48, 24))
)


def _attention(raw: Raw) -> Case:
    case = {"embed_dim": raw["num_heads"] * raw["head_dim"], "num_heads": raw["num_heads"]}
    return case | {k: v for k, v in raw.items() if k not in ("head_dim", "num_heads")}


_HEADS: dict[str, Any] = {"num_heads": size(1, 8), "head_dim": size(4, 32)}
_ATTENTION = Cases(Domain(**_HEADS), _rows("num_heads head_dim", (4, 16), (1, 48)), _attention)


def _separate_attention(raw: Raw) -> Case:
    """Keys of another width than the queries': where all are of one, torch packs the three matrices into one."""
    case = _attention(raw)
    return case | {"kdim": case["kdim"] + (case["kdim"] == case["embed_dim"])}


_SEPARATE = Cases(
    Domain(**_HEADS, kdim=size(8, 128), vdim=size(8, 128)),
    _rows("num_heads head_dim kdim vdim", (4, 16, 24, 96)),
    _separate_attention,
)
_TRANSFORMER = Cases(
    Domain(**_HEADS, dim_feedforward=size(8, 256)),
    _rows("num_heads head_dim dim_feedforward", (4, 16, 160)),
    _attention,
)
_FEATURES = Cases(Domain(num_features=size(2, 1024)), _rows("num_features", (64,)))

_WIDE_HEADS = Cases(
    Domain(**_HEADS, embed_dim=size(8, 128)),
    _rows("num_heads head_dim embed_dim", (4, 16, 64), (8, 8, 40), (1, 48, 32)),
)
_DEPTHWISE_RANGES: dict[str, Any] = {
    "in_channels": size(1, 48),
    "depth_multiplier": size(1, 4),
    "kernel_size": size(2, 4),
    "stride": size(1, 2),
}
_DEPTHWISE = Cases(
    Domain(**_DEPTHWISE_RANGES),
    _rows("in_channels depth_multiplier kernel_size stride", (16, 1, 3, 1), (8, 3, 4, 2), (64, 1, 3, 1)),
)
_SEPARABLE = Cases(
    Domain(**_DEPTHWISE_RANGES, out_channels=size(1, 48)),
    _rows("in_channels depth_multiplier kernel_size stride out_channels", (16, 2, 3, 1, 24), (8, 1, 4, 2, 40)),
)
_CONV_LSTM = Cases(
    Domain(in_channels=size(1, 16), out_channels=size(2, 16), kernel_size=size(2, 3)),
    _rows("in_channels out_channels kernel_size", (3, 8, 3), (8, 4, 2)),
)

# -- functions of a shape ----------------------------------------------------------------------------------------------

# A CPU normal kernel switches to a block path at 16 numbers and draws the last 16 again: sides around it are corners.
_SHAPES = ((64, 16), (17, 33), (15,), (8, 4, 3, 3), (1, 4096), (5, 4, 3, 2, 2))
_SCALES = one_of(1.0, 0.02, 3.0)


def _shape(raw: Raw) -> Case:
    return {"shape": list(raw["shape"]), **{k: v for k, v in raw.items() if k != "shape"}}


_SHAPE = Cases(
    Domain(shape=one_of(*_SHAPES, (16,), (31, 1), (2, 3, 64)), scale=_SCALES),
    _rows("shape scale", *((s, 1.0) for s in _SHAPES), ((64, 16), 0.02)),
    _shape,
)
# Two million numbers: what goes wrong once in a quarter of a million shows.
_SAMPLE = Cases(Domain(shape=one_of((2048, 1024)), scale=one_of(1.0)), ({"shape": (2048, 1024), "scale": 1.0},), _shape)
# One tensor of 2^21 entries, of which as many are drawn as a mean asks for.
_BULK = Cases(Domain(shape=one_of((1024, 2048)), scale=one_of(1.0)), _rows("shape scale", ((1024, 2048), 1.0)), _shape)
_MATRIX = Cases(
    Domain(shape=one_of((64, 16), (16, 64), (33, 33), (5, 7), (1, 64)), scale=_SCALES),
    _rows("shape scale", ((64, 16), 1.0), ((16, 64), 1.0), ((33, 33), 0.02)),
    _shape,
)
_SQUARE = Cases(
    Domain(shape=one_of((33, 33), (1, 1), (5, 5)), scale=_SCALES), _rows("shape scale", ((16, 16), 1.0)), _shape
)
_DIRAC = Cases(
    Domain(shape=one_of((16, 8, 3), (8, 8, 3, 3), (4, 2, 3, 3, 3)), groups=one_of(1, 2)),
    _rows("shape groups", ((16, 8, 3), 2), ((8, 8, 3, 3), 1)),
    _shape,
)

# -- initialisers of a layer's weight ----------------------------------------------------------------------------------


def _fill(raw: Raw) -> Case:
    if raw["layer"] == "linear":
        return {
            "layer": "linear",
            "in_channels": raw["inputs"],
            "out_channels": raw["outputs"],
            "stride": 1,
            "groups": 1,
            "kernel_size": 1,
        } | ({"mode": raw["mode"]} if "mode" in raw else {})
    return _grouped(raw)


def _fill_grouped_conv(raw: Raw) -> Case:
    """Groups only where a convolution in one or two dimensions has them: some frameworks know no others."""
    grouped = raw["layer"] in ("conv1d", "conv2d")
    return _fill(raw if grouped else {**raw, "groups": 1})


_FILL_ROWS = (
    ("linear", 64, 16, 1, 1, 1),
    ("linear", 65, 64, 1, 1, 1),
    ("conv1d", 12, 20, 1, 5, 1),
    ("conv2d", 16, 32, 1, 3, 1),
    ("conv2d", 8, 4, 4, 3, 2),
    ("conv2d", 1, 1, 64, 3, 1),
    ("conv_transpose2d", 16, 4, 1, 4, 2),
)
_LAYERS = one_of("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d")
_FILL = Cases(Domain(layer=_LAYERS, **_CONV_RANGES), _rows(f"layer {_CONV}", *_FILL_ROWS), _fill)
_FILL_MODE = Cases(
    Domain(layer=_LAYERS, **_CONV_RANGES, mode=one_of("fan_in", "fan_out")),
    _rows(f"layer {_CONV} mode", *((*row, mode) for mode in ("fan_in", "fan_out") for row in _FILL_ROWS)),
    _fill,
)
_FILL_GROUPED_CONV = replace(_FILL, build=_fill_grouped_conv)
_FILL_MODE_GROUPED_CONV = replace(_FILL_MODE, build=_fill_grouped_conv)

# A transposed convolution whose kernel, read as one that is not, gives another fan_in.
_FILL_TRANSPOSED = replace(
    _FILL_GROUPED_CONV, corners=(*_FILL.corners, *_rows(f"layer {_CONV}", ("conv_transpose1d", 12, 20, 1, 3, 1)))
)
_FILL_AVERAGE = Cases(
    Domain(layer=_LAYERS, **_CONV_RANGES, mode=one_of("fan_in", "fan_out", "fan_avg")),
    (*_FILL_MODE.corners, *_rows(f"layer {_CONV} mode", *((*row, "fan_avg") for row in _FILL_ROWS))),
    _fill_grouped_conv,
)

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
    _rows(
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
    _rows("momentum", (0.1,), (0.01,)),
    lambda raw: {
        "batch": 2, "channels": 4, "length": 16, "groups": 1, "mean": 10.0, "std": 1.0, "eps": 1e-5, "steps": 300, **raw
    },
)  # fmt: skip

# One number in every set; the mean is that of the numbers which the claim brings.
_SINGLE_ROW = (1, 4, 1, 4, 1e4, 0.0, 1e-5, 0.1)
_NORM_SINGLE = Cases(
    Domain(**{name: one_of(value) for name, value in zip(_NORM_NAMES.split(), _SINGLE_ROW, strict=True)}),
    _rows(_NORM_NAMES, _SINGLE_ROW),
)

# -- clipping: gradients of a given global norm, in `leaves` tensors ---------------------------------------------------

_CLIP_RANGES: dict[str, Any] = {"norm": one_of(0.5, 3.0, 1e3), "limit": one_of(1.0, 0.1)}
_CLIP_NAMES = "leaves entries norm limit"
_CLIP = Cases(
    Domain(leaves=size(1, 8), entries=size(2, 64), **_CLIP_RANGES),
    _rows(
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
        (1000, 3, 2.0, 1.0),
        (3000, 2, 0.5, 1.0),
    ),
)
_CLIP_FEW = Cases(
    Domain(leaves=size(2, 8), entries=size(2, 64), **_CLIP_RANGES),
    _rows(_CLIP_NAMES, (3, 10, 0.5, 1.0), (3, 10, 2.0, 1.0), (3, 10, 1000.0, 1.0)),
)
_CLIP_NONFINITE = Cases(
    Domain(leaves=size(2, 8), entries=size(2, 64), norm=one_of(0.5), limit=one_of(1.0), entry=one_of("inf", "nan")),
    _rows(f"{_CLIP_NAMES} entry", (3, 10, 0.5, 1.0, "inf"), (3, 10, 0.5, 1.0, "nan")),
)
_CLIP_GROUPING = Cases(
    Domain(leaves=size(2, 64), entries=size(2, 16), **_CLIP_RANGES),
    _rows(_CLIP_NAMES, (64, 16, 3.0, 1.0), (1000, 4, 3.0, 1.0), (10, 3, 0.5, 1.0)),
)
# Powers of 4, so that the norm of equal entries is exact.
_CLIP_LONG = Cases(
    Domain(entries=one_of(1 << 14, 1 << 16, 1 << 18), value=one_of(0.01, 0.1, 0.7), limit=one_of(1.0)),
    _rows("entries value limit", (1 << 18, 0.01, 1.0), (1 << 20, 0.1, 1.0), (1 << 20, 1e-3, 10.0)),
)
# A gradient in parts costs a message for each leaf: few of them.
_CLIP_SHARDED = replace(_CLIP, corners=tuple(c for c in _CLIP.corners if c["leaves"] <= 10))
# Vectors that are divided by their norms.
_NORMALISE = Cases(
    Domain(leaves=one_of(1), entries=size(2, 256), norm=one_of(1.0, 1e-3, 30.0), limit=one_of(1.0)),
    _rows(_CLIP_NAMES, *((1, 64, norm, 1.0) for norm in (1.0, 1e-3, 1e3, 1e20)), (1, 2048, 1e5, 1.0)),
)
_SPECTRAL = Cases(
    Domain(shape=one_of((64, 32), (16, 16), (128, 256))),
    _rows("shape", ((64, 32),), ((128, 256),), ((256, 256),)),
    _shape,
)
# Tensors in parts on two processes: big enough for a correlation, and for the rank of a part to show.
_SHARDED = Cases(
    Domain(in_features=size(32, 128), out_features=size(32, 128)),
    _rows("in_features out_features", (64, 64), (32, 128), (128, 48)),
)
# Widths that differ, so that a fan taken for the other one does not cancel over the depth.
_NETWORK = Cases(
    Domain(in_features=size(64, 256), hidden_size=size(64, 256), depth=size(2, 24)),
    _rows("in_features hidden_size depth", (192, 384, 2), (128, 96, 8), (40, 64, 32)),
)
_GAIN = Cases(Domain(), ({},))

# -- losses, dropout, adapters -----------------------------------------------------------------------------------------

# Few rows of many classes, many rows of few: what a sum over either accumulates, without 65,536 rows of 50,257.
_LOSS = Cases(
    Domain(classes=one_of(2, 10, 1000), rows=one_of(1, 8, 64)),
    _rows(
        "classes rows",
        (2, 1), (10, 8), (50257, 1), (50257, 8), (1000, 1024), (2, 4096), (10, 65536), (2, 65536),
    ),
)  # fmt: skip
_LOSS_LABELS = Cases(Domain(classes=one_of(2, 10, 1000), rows=one_of(3, 64)), _rows("classes rows", (2, 8), (1000, 30)))
_DROPOUT = Cases(Domain(p=one_of(0.01, 0.1, 0.3, 0.5)), _rows("p", (0.01,), (0.1,), (0.3,)))
_ADAPTER = Cases(
    Domain(in_features=size(4, 128), out_features=size(4, 128), rank=size(1, 8), alpha=one_of(8.0, 1.0, 32.0)),
    _rows("in_features out_features rank alpha", (64, 48, 4, 8.0), (17, 33, 1, 1.0), (32, 64, 8, 32.0)),
)

# -- whole models: as shipped, and with the standard deviation of their configuration doubled --------------------------

_MODEL = Cases(Domain(), _rows("scale", (1.0,), (2.0,)), lambda raw: {"scale": raw.get("scale", 1.0)})
_MODEL_ONCE = Cases(Domain(), ({},), lambda raw: {"scale": 1.0})

_CONVS: dict[str, Cases] = {
    **{f"conv{d}d": _conv(*_CONV_ROWS) for d in (1, 2)},
    "conv3d": _conv((4, 8, 1, 3, 1), (2, 3, 4, 2, 2)),
    **{f"conv_transpose{d}d": _conv((16, 4, 1, 3, 1), (8, 16, 1, 4, 2), (4, 8, 4, 3, 2)) for d in (1, 2)},
    "conv_transpose3d": _conv((8, 4, 1, 3, 1), (3, 4, 2, 2, 2)),
}

CASES: dict[str, Cases] = {
    "linear": _LINEAR,
    "orthogonal_linear": Cases(_LINEAR.domain, _rows("in_features out_features", (64, 16), (16, 64), (33, 33))),
    "bilinear": _BILINEAR,
    **_CONVS,
    **{f"{name}_ungrouped": _ungrouped(cases) for name, cases in _CONVS.items() if name not in ("conv1d", "conv2d")},
    "embedding": _EMBEDDING,
    "adaptive_softmax": _ADAPTIVE,
    "recurrent": _RECURRENT,
    "attention": _ATTENTION,
    "attention_separate": _SEPARATE,
    "transformer": _TRANSFORMER,
    "features": _FEATURES,
    "heads": _WIDE_HEADS,
    **{f"depthwise_conv{d}d": _DEPTHWISE for d in (1, 2)},
    **{f"separable_conv{d}d": _SEPARABLE for d in (1, 2)},
    **{f"conv_lstm{d}d": _CONV_LSTM for d in (1, 2, 3)},
    "sample": _SAMPLE,
    "shape": _SHAPE,
    "bulk": _BULK,
    "matrix": _MATRIX,
    "square": _SQUARE,
    "dirac": _DIRAC,
    "fill": _FILL,
    "fill_mode": _FILL_MODE,
    "fill_average_grouped_conv": _FILL_AVERAGE,
    "fill_grouped_conv": _FILL_GROUPED_CONV,
    "fill_transposed": _FILL_TRANSPOSED,
    "fill_mode_grouped_conv": _FILL_MODE_GROUPED_CONV,
    **dict.fromkeys(("layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm"), _NORM),
    "batch_norm_steps": _NORM_STEPS,
    "norm_single": _NORM_SINGLE,
    **dict.fromkeys(("clip_norm", "clip_value"), _CLIP),
    **dict.fromkeys(("clip_negative", "clip_duplicates", "clip_limits"), _CLIP_FEW),
    "clip_nonfinite": _CLIP_NONFINITE,
    "normalise": _NORMALISE,
    "spectral": _SPECTRAL,
    "clip_grouping": _CLIP_GROUPING,
    "clip_long": _CLIP_LONG,
    **dict.fromkeys(("gain", "dropout_edges"), _GAIN),
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
