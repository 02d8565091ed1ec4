"""torch's samplers of real numbers, parametrised weights as they start, and losses with parameters of their own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from varlaw.subjects.rows import drawn
from varlaw.subjects.seeds import of_one, streams, taller
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.torch.framework import TORCH, dtype_of, seeded

_NO_HALF_QR = dict.fromkeys(("float16", "bfloat16"), "torch.linalg.qr has no half-precision kernel")


def _sampler(
    name: str, op: str, documented: str, draw: Callable[[Any, Case, dict[str, Any]], Any],
    unsupported: Mapping[str, str] | None = None, **rest: Any,
) -> Sampler:  # fmt: skip
    """A row whose `draw(torch, case, factory)` returns one tensor."""

    def build(case: Case, factory: dict[str, Any]) -> Mapping[str, Any]:
        import torch

        return {"": draw(torch, case, factory)}

    return drawn(TORCH, name, op, seeded(build), {"": documented}, unsupported=unsupported or {}, **rest)


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    """Of the CPU's generator, wherever the numbers go: that of CUDA has seeds of 64 bits."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return torch.randn(case["shape"], generator=generator, dtype=dtype_of(dtype)).to(device)


def _call(draw: Callable[[Any, Case, dict[str, Any]], Any]) -> Any:
    """A call with a generator of the seed, which starts anew for each."""

    def drawn(case: Case, dtype: str, device: str, seed: int) -> Any:
        import torch

        generator = torch.Generator().manual_seed(seed)
        return draw(torch, case, {"generator": generator, "dtype": dtype_of(dtype)}).to(device)

    return drawn


_OF_ONE_SEED = {
    "normal": ("Normal(1)", _call(lambda t, c, g: t.randn(c["shape"], **g))),
    "uniform": ("Uniform(1)", _call(lambda t, c, g: 2 * t.rand(c["shape"], **g) - 1)),
    "taller": ("Normal(1)", _call(lambda t, c, g: t.randn(taller(c), **g))),
}


_WIDE = 3 << 26  # values: no power of two, and just below the 2^28 from which on torch takes 64 bits for one number


def _spread(t: Any, whole: Any, c: Case, f: dict[str, Any]) -> Any:
    """Whole numbers below _WIDE on [-scale, scale]: uniform as they are, but for a step of 1e-8."""
    return (((2 * whole.double() + 1) / _WIDE - 1) * c["scale"]).to(f["dtype"])


SAMPLERS: tuple[Sampler, ...] = (
    _sampler("torch.randn", "shape", "Normal(1)", lambda t, c, f: t.randn(c["shape"], **f)),
    _sampler("torch.randn_like", "shape", "Normal(1)", lambda t, c, f: t.randn_like(t.empty(c["shape"], **f))),
    _sampler("torch.normal", "shape", "Normal(scale)", lambda t, c, f: t.normal(0.0, c["scale"], c["shape"], **f)),
    _sampler(
        "torch.Tensor.normal_",
        "shape",
        "Normal(scale)",
        lambda t, c, f: t.empty(c["shape"], **f).normal_(0, c["scale"]),
    ),
    _sampler(
        "torch.Tensor.uniform_",
        "shape",
        "Uniform(scale)",
        lambda t, c, f: t.empty(c["shape"], **f).uniform_(-c["scale"], c["scale"]),
    ),
    streams(TORCH, "torch.randn(seeds)", _of_seed),
    of_one(TORCH, "torch.Generator(one seed)", _OF_ONE_SEED),
    _sampler(
        "torch.randint",
        "shape",
        "Uniform(scale)",
        lambda t, c, f: _spread(t, t.randint(_WIDE, tuple(c["shape"]), device=f["device"]), c, f),
    ),
    _sampler(
        "torch.Tensor.random_",
        "shape",
        "Uniform(scale)",
        lambda t, c, f: _spread(t, t.empty(c["shape"], dtype=t.int64, device=f["device"]).random_(0, _WIDE), c, f),
    ),
)

# -- weights that are computed from others -----------------------------------------------------------------------------

_LINEAR = "Uniform(1/sqrt(in_features))"


def _linear(t: Any, c: Case, f: dict[str, Any]) -> Any:
    return t.nn.Linear(c["in_features"], c["out_features"], **f)


def _initialised_after(t: Any, c: Case, f: dict[str, Any]) -> Any:
    """The weight that a layer computes with after `weight_norm` and then an initialiser on `layer.weight`."""
    layer = t.nn.utils.parametrizations.weight_norm(_linear(t, c, f))
    t.nn.init.normal_(layer.weight)
    return layer.weight


def _assigned_after(t: Any, c: Case, f: dict[str, Any]) -> Any:
    """The way that the documentation of parametrizations gives: assign to the weight."""
    layer = t.nn.utils.parametrizations.weight_norm(_linear(t, c, f))
    layer.weight = t.nn.init.normal_(t.empty(c["out_features"], c["in_features"], **f))
    return layer.weight


def _mapped(way: str) -> Callable[[Any, Case, dict[str, Any]], Any]:
    """The weight that one of the parametrisation's maps makes."""
    return lambda t, c, f: t.nn.utils.parametrizations.orthogonal(_linear(t, c, f), orthogonal_map=way).weight


def _orthogonal_only(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """All but that every rotation is as likely: a parametrisation promises no more than an orthogonal matrix."""
    return () if claim == "init.haar" else usual


_PARAMETRIZATIONS = "torch.nn.utils.parametrizations"
_ROUNDED_AGAIN = dict.fromkeys(
    ("float16", "bfloat16"), "length times direction is rounded again: no law of entries that are rounded once"
)

PARAMETRISED: tuple[Sampler, ...] = (
    _sampler(
        f"{_PARAMETRIZATIONS}.weight_norm", "linear", _LINEAR,
        lambda t, c, f: t.nn.utils.parametrizations.weight_norm(_linear(t, c, f)).weight,
        _ROUNDED_AGAIN,
    ),
    _sampler(f"{_PARAMETRIZATIONS}.weight_norm(assigned)", "linear", "Normal(1)", _assigned_after),
    _sampler(f"{_PARAMETRIZATIONS}.weight_norm(initialised)", "linear", "Normal(1)", _initialised_after),
    _sampler(
        f"{_PARAMETRIZATIONS}.orthogonal", "orthogonal_linear", "Orthogonal(1)",
        lambda t, c, f: t.nn.utils.parametrizations.orthogonal(_linear(t, c, f)).weight,
        _NO_HALF_QR,
    ),
    *(
        _sampler(
            f"{_PARAMETRIZATIONS}.orthogonal({way})", "orthogonal_linear", "Orthogonal(1)",
            _mapped(way),
            _NO_HALF_QR, cases=_orthogonal_only,
        )
        for way in ("matrix_exp", "cayley", "householder")
    ),
    _sampler(
        "torch.nn.utils.weight_norm", "linear", _LINEAR,
        lambda t, c, f: t.nn.utils.weight_norm(_linear(t, c, f)).weight,
        _ROUNDED_AGAIN,
    ),
)  # fmt: skip

# -- losses with parameters --------------------------------------------------------------------------------------------


def _adaptive() -> Sampler:
    """Two clusters of num_embeddings classes, the second projected to a quarter of the features."""

    def build(c: Case, f: dict[str, Any]) -> Mapping[str, Any]:
        import torch

        cutoffs = [c["num_embeddings"] // 2]
        layer = torch.nn.AdaptiveLogSoftmaxWithLoss(c["embedding_dim"], c["num_embeddings"], cutoffs, **f)
        return {n: p.detach() for n, p in layer.named_parameters()}

    laws = {
        "head.weight": "Uniform(1/sqrt(embedding_dim))",
        "tail.0.0.weight": "Uniform(1/sqrt(embedding_dim))",
        "tail.0.1.weight": "Uniform(1/sqrt(embedding_dim//4))",
    }
    return drawn(TORCH, "torch.nn.AdaptiveLogSoftmaxWithLoss", "adaptive_softmax", seeded(build), laws)


LOSS_LAYERS: tuple[Sampler, ...] = (_adaptive(),)
