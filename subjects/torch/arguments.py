"""torch.nn.init with all of its documented arguments, and on the shapes that layers give it: kernels, stacks."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from varlaw.subjects.rows import drawn
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.torch.framework import TORCH, seeded
from varlaw.subjects.torch.init import NO_QR, Fill, initialiser


def _ends(weight: Any, case: Case) -> dict[str, Any]:
    """The cut is documented in absolute numbers, the case's is in stds from the mean."""
    low, high = (case["mean"] + end * case["std"] for end in (case["low"], case["high"]))
    return {"mean": case["mean"], "std": case["std"], "a": low, "b": high}


_BENT = (
    "shape_fan(mode), {'linear': 1, 'sigmoid': 1, 'tanh': 5/3, 'relu': sqrt(2), 'selu': 3/4, "
    "'leaky_relu': sqrt(2/(1 + slope**2))}[nonlinearity]"
)


def _bent(weight: Any, case: Case) -> dict[str, Any]:
    return {"a": case["slope"], "mode": case["mode"], "nonlinearity": case["nonlinearity"]}


# function, its label, op, documented law, arguments: every documented argument, with its extremes.
_ARGUMENTS: tuple[tuple[str, str, str, str, Fill], ...] = (
    ("uniform_", "a, b", "draw_uniform", "UniformRange(low, high)", lambda t, c: {"a": c["low"], "b": c["high"]}),
    ("normal_", "mean, std", "draw_normal", "Normal(std, mean)", lambda t, c: {"mean": c["mean"], "std": c["std"]}),
    ("trunc_normal_", "mean, std, a, b", "draw_truncated", "TruncatedNormal(std, low, high, mean)", _ends),
    ("constant_", "val", "draw_constant", "Constant(value)", lambda t, c: {"val": c["value"]}),
    (
        "sparse_", "sparsity, std", "draw_sparse", "SparseNormal(std, sparsity)",
        lambda t, c: {"sparsity": c["sparsity"], "std": c["std"]},
    ),
    ("xavier_uniform_", "gain", "fill_gain", "glorot_uniform(shape_fan_in, shape_fan_out, gain)",
     lambda t, c: {"gain": c["gain"]}),
    ("xavier_normal_", "gain", "fill_gain", "glorot_normal(shape_fan_in, shape_fan_out, gain)",
     lambda t, c: {"gain": c["gain"]}),
    ("kaiming_uniform_", "a, mode, nonlinearity", "fill_bent", f"he_uniform({_BENT})", _bent),
    ("kaiming_normal_", "a, mode, nonlinearity", "fill_bent", f"he_normal({_BENT})", _bent),
)  # fmt: skip


def _kernel() -> Sampler:
    """Of a kernel the matrix of its first axis by all others, flattened as the documentation says."""

    def build(case: Case, kind: dict[str, Any]) -> Mapping[str, Any]:
        import torch

        return {"": torch.nn.init.orthogonal_(torch.empty(case["shape"], **kind), gain=case["gain"]).flatten(1)}

    laws = {"": "Orthogonal(gain)"}
    return drawn(TORCH, "torch.nn.init.orthogonal_(gain)", "draw_orthogonal", seeded(build), laws, unsupported=NO_QR)


def _channels_last() -> Sampler:
    """Of a kernel that lies in memory with its channels innermost; it stays 0 where the call is refused."""

    def build(case: Case, kind: dict[str, Any]) -> Mapping[str, Any]:
        import torch

        kernel = torch.zeros(case["shape"], **kind).contiguous(memory_format=torch.channels_last)
        with contextlib.suppress(RuntimeError):
            torch.nn.init.orthogonal_(kernel, gain=case["gain"])
        return {"": kernel.flatten(1)}

    name, laws = "torch.nn.init.orthogonal_(channels_last)", {"": "Orthogonal(gain)"}
    return drawn(TORCH, name, "draw_orthogonal", seeded(build), laws, unsupported=NO_QR, cases=_with_sides)


def _with_sides(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    return [case for case in usual if len(case["shape"]) == 4]


def _stacked(name: str, law: str) -> Sampler:
    """Matrices of several experts in one parameter (experts, inputs, outputs), as `torch.bmm` multiplies by them."""

    def build(case: Case, kind: dict[str, Any]) -> Mapping[str, Any]:
        import torch

        weight = torch.empty(case["stack"], case["inputs"], case["outputs"], **kind)
        return {"": getattr(torch.nn.init, name)(weight)}

    return drawn(
        TORCH,
        f"torch.nn.init.{name}(stacked)",
        "stacked",
        seeded(build),
        {"": law.format(*(f"shape_{fan}" for fan in ("fan_in", "fan_out")))},
        claims={"": {"init.true_fan": law.format("inputs", "outputs")}},
        own=lambda tensor: {"shape": lambda c: (c["stack"], c["inputs"], c["outputs"])},
    )


ARGUMENTS: tuple[Sampler, ...] = (
    *(initialiser(name, fill, op, law, label=f"({label})") for name, label, op, law, fill in _ARGUMENTS),
    _kernel(),
    _channels_last(),
    _stacked("xavier_uniform_", "glorot_uniform({0}, {1})"),
    _stacked("kaiming_normal_", "he_normal({0})"),
)
