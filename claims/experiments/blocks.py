"""Claims on real blocks by depth: E of the stream, its spread, two inputs, gradients; with and without 1/sqrt(2L).

A block is two branches behind norms. Of one token, attention is a linear map of gain g (its values) and a last map; the
feed-forward branch has pre-activations of variance g exactly, whatever the stream, because a norm precedes them. So E
of the stream is exact at any width, and its spread over draws to the second order in 1/width. Two inputs and gradients
obey laws of infinite width. Their bands are measured, not derived: in stacks of 2 to 48 blocks of widths 32 and 64 the
products of two inputs were off by up to 1 of the second moment over the width, gradients by 1.4 to 2.1 over the width
where branches are divided, by 1.3 (layers) over the width where they are not.

At `nightly` a case of 24 blocks takes some 100 processor seconds: all rows but the spread read the same runs.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Given, Row, mean, over_width, variance
from varlaw.evidence.budget import Policy
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain, one_of

_DEEP = 12  # blocks, from which on a thousand fresh models take minutes
_VIT_STD = 0.02  # timm's own, whatever the width

_FINE, _FINEST = 0.01, 0.001  # the deltas of policies that have minutes, and hours

Way = Literal["plain", "scaled"]
WAYS: tuple[Way, ...] = ("plain", "scaled")  # the last maps as all others, and divided by sqrt(2L)


@dataclass(frozen=True)
class Kind:
    """What the law of one kind of block depends on."""

    activation: str
    wide: int  # hidden units of the feed-forward branch over the width
    gated: bool  # whether they are multiplied by a second linear map
    gain: Callable[[Mapping[str, Any]], float]  # width Var[w] of every map from the width
    placed: bool = False  # whether a position embedding of the weights' variance is added at the start


def _moment_of(kind: Kind, gain: float) -> float:
    """E of the squared activation."""
    return float(LAWS["activation.second_moment"].value(activation=kind.activation, q=gain))


def _square(kind: Kind, gain: float) -> float:
    """E of the square of a hidden unit."""
    return _moment_of(kind, gain) * (gain if kind.gated else 1.0)


def _square_variance(kind: Kind, gain: float) -> float:
    """Variance of the square of a hidden unit."""
    fourth = float(LAWS["activation.fourth_moment"].value(activation=kind.activation, q=gain))
    return fourth * (3 * gain**2 if kind.gated else 1.0) - _square(kind, gain) ** 2


@functools.lru_cache(maxsize=1024)
def _product(kind: Kind, gain: float, c: float) -> float:
    """E of the product of a hidden unit of two inputs whose correlation is c."""
    given = {"activation": kind.activation, "q": gain, "c": c, "weight_variance": 1.0, "bias_variance": 0.0}
    value = float(LAWS["meanfield.correlation_map"].value(**given)) * _moment_of(kind, gain)
    return value * (gain * c if kind.gated else 1.0)


def _slope(kind: Kind, gain: float) -> float:
    """E of the squared derivatives of a hidden unit by its pre-activations."""
    chi = float(LAWS["meanfield.chi"].value(activation=kind.activation, q=gain, weight_variance=1.0))
    return chi * gain + _moment_of(kind, gain) if kind.gated else chi


@dataclass(frozen=True)
class _Block:
    """The law of one block in a case."""

    kind: Kind
    gain: float
    last: float  # width Var[w] of the maps that end branches

    @property
    def attention(self) -> float:
        return self.last * self.gain

    @property
    def variance(self) -> float:
        return self.attention + self.last * self.kind.wide * _square(self.kind, self.gain)

    @property
    def spread(self) -> float:
        """Variance, times the width, of the mean square of both branches given what their last maps read."""
        return 2 * self.attention**2 + self.last**2 * self.kind.wide * _square_variance(self.kind, self.gain)

    def covariance(self, p: float, q: float) -> tuple[float, float]:
        """(p, q) of the stream behind the block."""
        p, q = p + self.attention * p / q, q + self.attention
        hidden = self.last * self.kind.wide
        return p + hidden * _product(self.kind, self.gain, min(p / q, 1.0)), q + hidden * _square(self.kind, self.gain)

    def gradient(self, q: float) -> tuple[float, float]:
        """(factor of the mean squared gradient, q behind the block)."""
        back = self.last * self.kind.wide * self.gain * _slope(self.kind, self.gain)
        through = _grown(q, self.attention) * _grown(q + self.attention, back)
        return through, q + self.variance


def _grown(q: float, back: float) -> float:
    """The factor of one branch; its backward gain stands where the law of equal gains has its variance."""
    return float(LAWS["residual.prenorm_gradient"].value(second_moment=q, branches=1, branch_variance=back))


def _block(kind: Kind, way: Way, case: Mapping[str, Any]) -> _Block:
    gain = kind.gain(case)
    return _Block(kind, gain, gain / (2 * case["layers"]) if way == "scaled" else gain)


def _start(kind: Kind, case: Mapping[str, Any]) -> tuple[float, float]:
    """(p, q) of the stream at its start."""
    added = kind.gain(case) / case["width"] if kind.placed else 0.0
    return case["c"] * case["start"] + added, case["start"] + added


def _moment(case: Mapping[str, Any], kind: Kind, way: Way) -> float:
    """E of the stream's square behind the last block."""
    return float(LAWS["residual.prenorm_growth"].value(**_given(kind, way)(case)))


def _covariance(value: float, case: Mapping[str, Any], kind: Kind, way: Way) -> float:
    p, q = _start(kind, case)
    for _ in range(case["layers"]):
        p, q = _block(kind, way, case).covariance(p, q)
    return p


def _gradient(value: float, case: Mapping[str, Any], kind: Kind, way: Way) -> float:
    through, q = 1.0, _start(kind, case)[1]
    for _ in range(case["layers"]):
        factor, q = _block(kind, way, case).gradient(q)
        through *= factor
    return through


def _given(kind: Kind, way: Way) -> Given:
    def stream(case: Mapping[str, Any]) -> Mapping[str, Any]:
        variance = _block(kind, way, case).variance
        return {"second_moment": _start(kind, case)[1], "branches": case["layers"], "branch_variance": variance}

    return stream


def _spread(kind: Kind, way: Way) -> Given:
    stream = _given(kind, way)
    return lambda case: {
        **stream(case), "width": case["width"], "branch_spread": _block(kind, way, case).spread / case["width"],
    }  # fmt: skip


def _pair(kind: Kind) -> Given:
    fixed = {"activation": kind.activation, "weight_variance": 1.0, "bias_variance": 0.0}
    return lambda case: {**fixed, "c": case["c"], "q": kind.gain(case)}


def deep(case: Mapping[str, Any], policy: Policy) -> str:
    """Deep stacks are left to `nightly`."""
    if case["layers"] < _DEEP or policy.delta <= _FINE:
        return ""
    return f"a thousand stacks of {case['layers']} blocks take minutes, which nightly takes and {policy.name} does not"


def _many(case: Mapping[str, Any], policy: Policy) -> str:
    """A spread takes ten times the runs that a mean takes, of deep stacks an hour."""
    if policy.delta <= (_FINE if case["layers"] <= _DEEP else _FINEST):
        return ""
    word = "minutes, which nightly" if case["layers"] <= _DEEP else "an hour, which release"
    return f"ten thousand stacks of {case['layers']} blocks take {word} takes and {policy.name} does not"


def _far(case: Mapping[str, Any], policy: Policy) -> str:
    """Gradients through undivided branches vary from draw to draw by layers/width in the square, and so does E."""
    return f"the law of infinite width is far off: {case['layers']} blocks" if case["layers"] >= _DEEP else ""


_RUNS: dict[str, Any] = {"kurtosis": 6.0, "block": 128}
_MEASURED: dict[str, Any] = {**_RUNS, "basis": "measured: it shrinks as the band does when the width doubles"}


def _rows(kind: Kind) -> tuple[Row, ...]:
    return tuple(row for way in WAYS for row in _way(kind, way))


def _way(kind: Kind, way: Way) -> tuple[Row, ...]:
    of: dict[str, Any] = {"kind": kind, "way": way}
    gradient: dict[str, Any] = (
        {**_MEASURED, "band": lambda c: 2 * (1 + c["layers"]) / c["width"], "kurtosis": 12.0, "unless": _far}
        if way == "plain"
        else {**_MEASURED, "band": over_width(4), "unless": deep}
    )
    return (
        mean(
            "residual.prenorm_growth", f"{way} stream", _given(kind, way), name=f"law.blocks.{way}_stream",
            unless=deep, **_RUNS,
        ),
        mean(
            "meanfield.correlation_map", f"{way} product", _pair(kind), expected=functools.partial(_covariance, **of),
            scale=functools.partial(_moment, **of), band=over_width(3), name=f"law.blocks.{way}_pair", unless=deep,
            **_MEASURED,
        ),
        mean(
            "residual.prenorm_gradient", f"{way} gradient", _given(kind, way),
            expected=functools.partial(_gradient, **of), name=f"law.blocks.{way}_gradient", **gradient,
        ),
        variance(
            "residual.prenorm_log_variance", f"{way} log", _spread(kind, way), name=f"law.blocks.{way}_spread", power=4,
            band=over_width(1.5), basis=_MEASURED["basis"], kurtosis=16.0, block=512, unless=_many,
        ),
    )  # fmt: skip


def _gain(case: Mapping[str, Any]) -> float:
    return float(case["gain"])


def _timm_gain(case: Mapping[str, Any]) -> float:
    return float(case["width"] * _VIT_STD**2)


_SIZES: dict[str, Any] = {"layers": one_of(2, 6, 12, 24, 48), "width": one_of(32, 48), "c": one_of(0.2, 0.8)}

CASES: Mapping[str, Cases] = {
    **{
        op: Cases(
            Domain(**_SIZES, gain=one_of(0.5, 1.0), start=one_of(0.5, 1.0)),
            corners("layers width gain c start", (2, 32, 1.0, 0.5, 1.0), (12, 32, 1.0, 0.5, 1.0)),
        )
        for op in ("gpt2_stream", "llama_stream")
    },
    "vit_stream": Cases(
        Domain(**_SIZES, start=one_of(0.001, 0.01)),  # of the size of what its branches add
        corners("layers width c start", (2, 32, 0.5, 0.001), (12, 32, 0.5, 0.001)),
    ),
}

ROWS: Mapping[str, tuple[Row, ...]] = {
    "gpt2_stream": _rows(Kind("gelu_tanh", 4, gated=False, gain=_gain, placed=True)),
    "llama_stream": _rows(Kind("silu", 2, gated=True, gain=_gain)),
    "vit_stream": _rows(Kind("gelu", 4, gated=False, gain=_timm_gain)),
}
