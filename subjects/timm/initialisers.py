"""timm's own initialisers, called on an empty tensor."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Array, Case, Sampler, Tensor
from varlaw.subjects.timm.framework import TIMM, timm


def _row(name: str, documented: str, fill: Callable[[Any, Any, Case], None]) -> Sampler:
    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad(), default_dtype(dtype):
            torch.manual_seed(seed)
            for _ in range(count):
                weight = torch.empty(case["shape"])
                fill(getattr(timm().layers, name), weight, case)
                yield {"": weight}

    return Sampler(
        name=f"timm.layers.{name}", framework=TIMM, op="shape", tensors=(Tensor(name="", documented=documented),),
        draws=draws, shape=lambda c: tuple(c["shape"]),
    )  # fmt: skip


def _two_sigmas(function: Any, weight: Any, case: Case) -> None:
    """Its bounds are absolute: (-2, 2) lie far outside the law of a small std."""
    function(weight, std=case["scale"], a=-2 * case["scale"], b=2 * case["scale"])


INITIALISERS: tuple[Sampler, ...] = (
    _row("trunc_normal_", "TruncatedNormal(scale, -2, 2)", _two_sigmas),
    _row("trunc_normal_tf_", "TruncatedNormal(scale, -2, 2)", lambda f, w, c: f(w, std=c["scale"])),
)
