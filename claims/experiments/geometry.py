"""Claims on convolutions and pools: taps counted by the layer itself, and torch's fans by the shape."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Case, Cases, Raw, corners
from varlaw.claims.experiments.rows import Given, Row, each, mean, taking
from varlaw.theory.domain import Domain, Range, one_of


def _layer(raw: Raw) -> Case:
    """Channels drawn per group, so that every drawn case is lawful."""
    groups = raw["groups"]
    return {**raw, "channels_in": raw["channels_in"] * groups, "channels_out": raw["channels_out"] * groups}


def _per_group(case: Case) -> Case:
    inputs, outputs = case["channels_in"] // case["groups"], case["channels_out"] // case["groups"]
    return {**case, "channels_in": inputs, "channels_out": outputs}


_TAPS: Mapping[str, Range] = {
    "kernel": one_of(2, 3, 5),
    "size": one_of(8, 12),
    "stride": one_of(1, 2, 3),
    "padding": one_of(0, 1),
    "dilation": one_of(1, 2),
}

CASES: Mapping[str, Cases] = {
    "conv_fans": Cases(
        Domain(
            channels_in=one_of(1, 2), channels_out=one_of(2, 3), kernel=one_of(3, 4), stride=one_of(1, 2),
            groups=one_of(1, 4),
        ),
        corners("channels_in channels_out kernel stride groups", (2, 3, 4, 2, 2), (1, 2, 3, 1, 8)),
        _layer, _per_group,
    ),
    "taps": Cases(
        Domain(**_TAPS),
        corners("kernel size stride padding dilation", (3, 8, 2, 1, 2), (5, 9, 3, 2, 1), (2, 7, 3, 0, 1)),
    ),
    "dirac_channels": Cases(
        Domain(channels_in=one_of(2, 8), channels_out=one_of(4, 6)), corners("channels_in channels_out", (3, 5))
    ),
    "average_pool": Cases(
        Domain(taps=one_of(2, 9), correlation=one_of(0.1, 0.5)), corners("taps correlation", (4, 0.3))
    ),
}  # fmt: skip


def _of(*names: str) -> Given:
    """The law's arguments among those of a convolution, as the laws call them."""

    def given(case: Mapping[str, Any]) -> Mapping[str, Any]:
        known = {**case, "taps": case["kernel"], "strides": case["stride"]}
        return {name: known[name] for name in names}

    return given


def _shape(mode: str) -> Given:
    """A convolution's weight is (out, in / groups, taps)."""
    return lambda case: {
        "first": case["channels_out"], "second": case["channels_in"] // case["groups"], "receptive": case["kernel"],
        "mode": mode,
    }  # fmt: skip


def _at(position: str, *names: str) -> Given:
    return lambda case: {**{name: case[name] for name in names}, "position": case[position]}


ROWS: Mapping[str, tuple[Row, ...]] = {
    "conv_fans": (
        each("conv.fan_out", "conv fan_out", _of("channels_out", "groups", "taps", "strides")),
        each("conv.shape_fan_out_excess", "excess", _of("groups", "strides")),
        each("conv_transpose.fan_out", "transpose fan_out", _of("channels_out", "groups", "taps")),
        each("shape_convention.fan", "conv shape fan_in", _shape("fan_in")),
        each("shape_convention.fan", "conv shape fan_out", _shape("fan_out"), name="law.shape_convention.fan_out"),
    ),
    "taps": (
        each("padding.taps_at", "padded", _at("padded position", *_TAPS)),
        each("conv_transpose.border_taps_at", "raised", _at("raised position", *_TAPS)),
        each("conv_transpose.taps_at", "inside", _at("inside position", "kernel", "stride")),
        each("conv_transpose.mean_taps", "mean raised", taking("kernel", "size", "stride", "dilation")),
        each("padding.mean_taps", "mean same", lambda c: {"kernel": 2 * c["kernel"] + 1, "size": c["size"]}),
    ),
    "dirac_channels": (each("dirac.second_moment_factor", "mean square", taking("channels_in", "channels_out")),),
    "average_pool": (
        mean("average_pool.second_moment_factor", "apart", taking("taps")),
        mean("average_pool.correlated_factor", "alike", taking("taps", "correlation")),
    ),
}  # fmt: skip
