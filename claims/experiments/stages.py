"""Claims on ResNet's stream by depth: its mean, its square, its zeros, two inputs, the gradient of its last block.

Those of torch are run all at once, up to 12 blocks at `pr`; a library's own one by one, from 12 on at `nightly`.

Laws of infinite width and batch. Their bands are measured: in stacks of 1 to 48 blocks of widths 32 and 64 and a batch
of 64, means were off by up to 1.7 over the narrowest width of the block, squares by 0.6, zeros by 1.3, products of two
inputs by 4.1 and gradients by 2.1, the same numbers at both widths.
"""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.blocks import deep
from varlaw.claims.experiments.rows import Number, Row, mean, taking
from varlaw.evidence.budget import Policy
from varlaw.theory.domain import Domain, one_of

_HIDDEN = {"resnet_stream": 1, "basic_block_stream": 1, "bottleneck_stream": 2}  # ReLUs inside a branch
_NARROW = {"resnet_stream": 1, "basic_block_stream": 1, "bottleneck_stream": 4}  # width over that of hidden layers

CASES: Mapping[str, Cases] = {
    **{
        op: Cases(
            Domain(layers=one_of(2, 6, 12, 24, 48), width=one_of(32 * narrow, 48 * narrow), batch=one_of(64)),
            corners("layers width batch", (2, 32 * narrow, 64), (12, 32 * narrow, 64)),
        )
        for op, narrow in _NARROW.items()
    },
    "reflected_walk": Cases(Domain(steps=one_of(1, 8)), corners("steps", (4,))),
}


def _steps(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sum with ReLU in each block, behind the ReLU at the start."""
    return {"steps": case["layers"] + 1}


def _gradient(hidden: int) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    return lambda case: {**_steps(case), "hidden": hidden}


def _late(case: Mapping[str, Any], policy: Policy) -> str:
    """Of runs that are made all at once, 12 blocks take a second."""
    return deep(case, policy) if case["layers"] > 12 else ""


def _rows(op: str) -> tuple[Row, ...]:
    def over(times: float) -> Number:
        return lambda case: times * _NARROW[op] / case["width"]

    fixed: dict[str, Any] = {
        "kurtosis": 8.0, "block": 128, "unless": _late if op == "resnet_stream" else deep,
        "basis": "measured: it shrinks as the band does when the width doubles",
    }  # fmt: skip
    return (
        mean("residual.relu_stream_mean", "mean", _steps, power=1, band=over(2.5), **fixed),
        mean("residual.relu_stream_second_moment", "square", _steps, band=over(1), **fixed),
        mean("residual.relu_stream_zeros", "zeros", _steps, band=over(2.5), **fixed),
        mean(
            "residual.relu_stream_mean", "product", _steps, expected=lambda value, c: value**2, band=over(6),
            name="law.residual.relu_stream_pair", **fixed,
        ),
        mean("residual.relu_block_gradient", "gradient", _gradient(_HIDDEN[op]), band=over(4), **fixed),
    )  # fmt: skip


ROWS: Mapping[str, tuple[Row, ...]] = {
    **{op: _rows(op) for op in _HIDDEN},
    "reflected_walk": tuple(  # of symmetric steps, normal or not
        mean("residual.relu_stream_zeros", of, taking("steps"), power=1, name=f"law.residual.relu_stream_zeros({of})")
        for of in ("uniform", "laplace")
    ),
}
