"""The cases of whatever draws weights: layers, functions of a shape, initialisers of a layer's weight."""

from dataclasses import replace
from typing import Any

from varlaw.claims.cases import Case, Cases, Raw, corners, multiple, shaped, size, unshaped
from varlaw.theory.domain import Domain, one_of

# -- layers ------------------------------------------------------------------------------------------------------------


def _grouped(raw: Raw) -> Case:
    """Channels from channels per group, so that groups always divide them."""
    rest = {k: v for k, v in raw.items() if k not in ("inputs", "outputs")}
    return {"in_channels": raw["inputs"] * raw["groups"], "out_channels": raw["outputs"] * raw["groups"], **rest}


def _ungroup(case: Case) -> Case:
    rest = {k: v for k, v in case.items() if k not in ("in_channels", "out_channels")}
    inputs, outputs = (multiple(case, name, "groups") for name in ("in_channels", "out_channels"))
    return {"inputs": inputs, "outputs": outputs, **rest}


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
    return Cases(Domain(**_CONV_RANGES), corners(_CONV, *rows), _grouped, _ungroup)


def _ungrouped(cases: Cases) -> Cases:
    """The same cases without groups, for layers that take none."""
    ranges = {**cases.domain.ranges, "groups": one_of(1)}
    return replace(cases, domain=Domain(**ranges), corners=tuple(c for c in cases.corners if c["groups"] == 1))


_LINEAR = Cases(
    Domain(in_features=size(1, 512), out_features=size(1, 512)),
    corners("in_features out_features", (64, 16), (64, 256), (65, 64), (1, 512), (512, 1)),
)
_BILINEAR = Cases(
    Domain(in1_features=size(1, 64), in2_features=size(1, 64), out_features=size(1, 64)),
    corners("in1_features in2_features out_features", (16, 8, 32), (8, 24, 16)),
)
_EMBEDDING = Cases(
    Domain(num_embeddings=size(2, 2048), embedding_dim=size(1, 256)),
    corners("num_embeddings embedding_dim", (100, 32), (1000, 8)),
)
# Two clusters; the second is projected to a quarter of the features.
_ADAPTIVE = Cases(
    Domain(num_embeddings=size(8, 2048), embedding_dim=size(8, 256)), corners("num_embeddings embedding_dim", (100, 32))
)
_RECURRENT = Cases(
    Domain(input_size=size(1, 128), hidden_size=size(4, 128)), corners("input_size hidden_size", (16, 32), (48, 24))
)


def _attention(raw: Raw) -> Case:
    case = {"embed_dim": raw["num_heads"] * raw["head_dim"], "num_heads": raw["num_heads"]}
    return case | {k: v for k, v in raw.items() if k not in ("head_dim", "num_heads")}


def _heads(case: Case) -> Case:
    rest = {k: v for k, v in case.items() if k != "embed_dim"}
    return {**rest, "head_dim": multiple(case, "embed_dim", "num_heads")}


_HEADS: dict[str, Any] = {"num_heads": size(1, 8), "head_dim": size(4, 32)}
_ATTENTION = Cases(Domain(**_HEADS), corners("num_heads head_dim", (4, 16), (1, 48)), _attention, _heads)


def _separate_attention(raw: Raw) -> Case:
    """Keys of another width than the queries': where all are of one, torch packs the three matrices into one."""
    case = _attention(raw)
    return case | {"kdim": case["kdim"] + (case["kdim"] == case["embed_dim"])}


def _separate_heads(case: Case) -> Case:
    return {**_heads(case), "kdim": case["kdim"] - (case["kdim"] == case["embed_dim"] + 1)}


_SEPARATE = Cases(
    Domain(**_HEADS, kdim=size(8, 128), vdim=size(8, 128)),
    corners("num_heads head_dim kdim vdim", (4, 16, 24, 96)),
    _separate_attention,
    _separate_heads,
)
_TRANSFORMER = Cases(
    Domain(**_HEADS, dim_feedforward=size(8, 256)),
    corners("num_heads head_dim dim_feedforward", (4, 16, 160)),
    _attention,
    _heads,
)
_FEATURES = Cases(Domain(num_features=size(2, 1024)), corners("num_features", (64,)))

_WIDE_HEADS = Cases(
    Domain(**_HEADS, embed_dim=size(8, 128)),
    corners("num_heads head_dim embed_dim", (4, 16, 64), (8, 8, 40), (1, 48, 32)),
)
_DEPTHWISE_RANGES: dict[str, Any] = {
    "in_channels": size(1, 48),
    "depth_multiplier": size(1, 4),
    "kernel_size": size(2, 4),
    "stride": size(1, 2),
}
_DEPTHWISE = Cases(
    Domain(**_DEPTHWISE_RANGES),
    corners("in_channels depth_multiplier kernel_size stride", (16, 1, 3, 1), (8, 3, 4, 2), (64, 1, 3, 1)),
)
_SEPARABLE = Cases(
    Domain(**_DEPTHWISE_RANGES, out_channels=size(1, 48)),
    corners("in_channels depth_multiplier kernel_size stride out_channels", (16, 2, 3, 1, 24), (8, 1, 4, 2, 40)),
)
_CONV_LSTM = Cases(
    Domain(in_channels=size(1, 16), out_channels=size(2, 16), kernel_size=size(2, 3)),
    corners("in_channels out_channels kernel_size", (3, 8, 3), (8, 4, 2)),
)

# -- functions of a shape ----------------------------------------------------------------------------------------------

# A CPU normal kernel switches to a block path at 16 numbers and draws the last 16 again: sides around it are corners.
_SHAPES = ((64, 16), (17, 33), (15,), (8, 4, 3, 3), (1, 4096), (5, 4, 3, 2, 2))
_SCALES = one_of(1.0, 0.02, 3.0)


_SHAPE = Cases(
    Domain(shape=one_of(*_SHAPES, (16,), (31, 1), (2, 3, 64)), scale=_SCALES),
    corners("shape scale", *((s, 1.0) for s in _SHAPES), ((64, 16), 0.02)),
    shaped,
    unshaped,
)
# Two million numbers: what goes wrong once in a quarter of a million shows.
_SAMPLE = Cases(
    Domain(shape=one_of((2048, 1024)), scale=one_of(1.0)), ({"shape": (2048, 1024), "scale": 1.0},), shaped, unshaped
)
# One tensor of 2^21 entries, of which as many are drawn as a mean asks for.
_BULK = Cases(
    Domain(shape=one_of((1024, 2048)), scale=one_of(1.0)), corners("shape scale", ((1024, 2048), 1.0)), shaped, unshaped
)
_MATRIX = Cases(
    Domain(shape=one_of((64, 16), (16, 64), (33, 33), (5, 7), (1, 64)), scale=_SCALES),
    corners("shape scale", ((64, 16), 1.0), ((16, 64), 1.0), ((33, 33), 0.02)),
    shaped,
    unshaped,
)
_SQUARE = Cases(
    Domain(shape=one_of((33, 33), (1, 1), (5, 5)), scale=_SCALES),
    corners("shape scale", ((16, 16), 1.0)),
    shaped,
    unshaped,
)
_DIRAC = Cases(
    Domain(shape=one_of((16, 8, 3), (8, 8, 3, 3), (4, 2, 3, 3, 3)), groups=one_of(1, 2, 4)),
    corners(
        "shape groups",
        *(((16, 8, 3), 2), ((8, 8, 3, 3), 1), ((16, 4, 4, 5), 4), ((4, 8, 1), 2), ((3, 2, 2, 3, 2), 3), ((1, 1, 1), 1)),
    ),
    shaped,
    unshaped,
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
_FILL = Cases(Domain(layer=_LAYERS, **_CONV_RANGES), corners(f"layer {_CONV}", *_FILL_ROWS), _fill, _ungroup)
_FILL_MODE = Cases(
    Domain(layer=_LAYERS, **_CONV_RANGES, mode=one_of("fan_in", "fan_out")),
    corners(f"layer {_CONV} mode", *((*row, mode) for mode in ("fan_in", "fan_out") for row in _FILL_ROWS)),
    _fill,
    _ungroup,
)
_FILL_GROUPED_CONV = replace(_FILL, build=_fill_grouped_conv)
_FILL_MODE_GROUPED_CONV = replace(_FILL_MODE, build=_fill_grouped_conv)

# A transposed convolution whose kernel, read as one that is not, gives another fan_in.
_FILL_TRANSPOSED = replace(
    _FILL_GROUPED_CONV, corners=(*_FILL.corners, *corners(f"layer {_CONV}", ("conv_transpose1d", 12, 20, 1, 3, 1)))
)
_FILL_AVERAGE = Cases(
    Domain(layer=_LAYERS, **_CONV_RANGES, mode=one_of("fan_in", "fan_out", "fan_avg")),
    (*_FILL_MODE.corners, *corners(f"layer {_CONV} mode", *((*row, "fan_avg") for row in _FILL_ROWS))),
    _fill_grouped_conv,
    _ungroup,
)

FILLS: dict[str, Cases] = {
    "fill": _FILL,
    "fill_mode": _FILL_MODE,
    "fill_average_grouped_conv": _FILL_AVERAGE,
    "fill_grouped_conv": _FILL_GROUPED_CONV,
    "fill_transposed": _FILL_TRANSPOSED,
    "fill_mode_grouped_conv": _FILL_MODE_GROUPED_CONV,
}

_CONVS: dict[str, Cases] = {
    **{f"conv{d}d": _conv(*_CONV_ROWS) for d in (1, 2)},
    "conv3d": _conv((4, 8, 1, 3, 1), (2, 3, 4, 2, 2)),
    **{f"conv_transpose{d}d": _conv((16, 4, 1, 3, 1), (8, 16, 1, 4, 2), (4, 8, 4, 3, 2)) for d in (1, 2)},
    "conv_transpose3d": _conv((8, 4, 1, 3, 1), (3, 4, 2, 2, 2)),
}

LAYERS: dict[str, Cases] = {
    "linear": _LINEAR,
    "orthogonal_linear": Cases(_LINEAR.domain, corners("in_features out_features", (64, 16), (16, 64), (33, 33))),
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
    **FILLS,
}
