"""torch's random numbers that are no weights: uniforms, waiting times, heavy tails, counts, categories, orders."""

import functools
from collections.abc import Callable
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.subject import Numbers
from varlaw.subjects.torch.framework import TORCH, factory

Draw = Callable[[Any, int, dict[str, Any]], Any]  # (torch, count, {"dtype": ..., "device": ...}) -> count numbers

_ORDERS = 1 << 16  # permutations, each of which takes a call


def _row(name: str, documented: str, draw: Draw, *without: float, **rest: Any) -> Numbers:
    def drawn(count: int, dtype: str, device: str, key: Any) -> Any:
        import torch

        return draw(torch, count, factory(dtype, device))

    return rows.numbers(TORCH, f"torch.{name}", documented, drawn, *without, **rest)


_NO_HALF = ("float16", "bfloat16")
_COARSE = dict.fromkeys(_NO_HALF, "16 bits round a share of 1 to 1: its logit is on a grid")
_NO_GAMMA, _NO_BINOMIAL, _NO_DIRICHLET = (
    dict.fromkeys(_NO_HALF, f'"{kernel}" not implemented for 16 bits (NotImplementedError)')
    for kernel in ("gamma_cpu", "binomial_cpu", "dirichlet")
)


def _distribution(name: str, documented: str, *arguments: float, less: int = 0, **rest: Any) -> Numbers:
    """A row of torch.distributions; `less` is what its count starts below ours."""

    def draw(t: Any, n: int, f: dict[str, Any]) -> Any:
        given = [t.tensor(a, **f) for a in arguments]
        return functools.reduce(getattr, name.split("."), t.distributions)(*given).sample((n,)) + less

    return _row(f"distributions.{name}", documented, draw, **rest)


def _order(t: Any, n: int, f: dict[str, Any]) -> Any:
    """Which of the 120 orders of five things."""
    p = t.stack([t.randperm(5, device=f["device"]) for _ in range(n)])
    return rows.rank(p.cpu().numpy())


def _first(t: Any, n: int, f: dict[str, Any]) -> Any:
    return t.stack([t.randperm(200, device=f["device"])[0] for _ in range(n)])


def _gumbel_choice(t: Any, n: int, f: dict[str, Any]) -> Any:
    logits = t.log(t.tensor([1.0, 2.0, 5.0], **f)).expand(n, 3)
    return t.nn.functional.gumbel_softmax(logits, hard=True).argmax(1)


def _gumbel_share(t: Any, n: int, f: dict[str, Any]) -> Any:
    """The logit of the share of one of two, times the temperature: that of a uniform number."""
    y = t.nn.functional.gumbel_softmax(t.zeros(n, 2, **f), tau=2.0)
    return 2.0 * (y[:, 0].log() - y[:, 1].log())


def _without_return(t: Any, n: int, f: dict[str, Any]) -> Any:
    """The first of two that are drawn without being put back, which the one with weight 0 is not among."""
    weights = t.tensor([1.0, 0.0, 2.0, 5.0], device=f["device"]).expand(n, 4)
    return t.multinomial(weights, 2)[:, 0]


_RARE = "Categorical(1, 0, 1e-4, 4, 0.5)"

NUMBERS: tuple[Numbers, ...] = (
    _row("rand", "UniformRange(0, 1)", lambda t, n, f: t.rand(n, **f), 1.0),
    _row(
        "Tensor.uniform_(1, 2)", "UniformRange(1, 2)", lambda t, n, f: t.empty(n, **f).uniform_(1, 2), 2.0
    ),
    _row("randn(numbers)", "Normal(1)", lambda t, n, f: t.randn(n, **f)),
    _row("Tensor.exponential_", "Exponential(1)", lambda t, n, f: t.empty(n, **f).exponential_(), 0.0),
    _row("Tensor.cauchy_", "Cauchy()", lambda t, n, f: t.empty(n, **f).cauchy_()),
    _row("Tensor.log_normal_", "LogNormal(1)", lambda t, n, f: t.empty(n, **f).log_normal_(0, 1)),
    _row("Tensor.geometric_", "Geometric(0.3)", lambda t, n, f: t.empty(n, **f).geometric_(0.3)),
    _row("Tensor.bernoulli_", "Binomial(1, 0.1)", lambda t, n, f: t.empty(n, **f).bernoulli_(0.1)),
    _row("bernoulli", "Binomial(1, 13/1024)", lambda t, n, f: t.bernoulli(t.full((n,), 13 / 1024, **f))),
    _row("poisson", "Poisson(4)", lambda t, n, f: t.poisson(t.full((n,), 4.0, **f))),
    _row(
        "multinomial", _RARE,
        lambda t, n, f: t.multinomial(t.tensor([1, 0, 1e-4, 4, 0.5], **f), n, replacement=True), whole=True,
    ),
    _row("multinomial(no replacement)", "Categorical(1, 0, 2, 5)", _without_return, whole=True),
    _row("randint(10)", "Integers(0, 10)", lambda t, n, f: t.randint(10, (n,), device=f["device"]), whole=True),
    _row(
        "randint(3 * 2^29)", "Integers(0, 3 << 29)",
        lambda t, n, f: t.randint(3 << 29, (n,), device=f["device"], dtype=t.int32), whole=True,
    ),
    _row(
        "Tensor.random_(255)", "Integers(0, 255)",
        lambda t, n, f: t.empty(n, dtype=t.uint8, device=f["device"]).random_(0, 255), whole=True,
    ),
    _row("randperm(5)", "Integers(0, 120)", _order, whole=True, count=_ORDERS),
    _row("randperm(200)", "Integers(0, 200)", _first, whole=True, count=_ORDERS),
    _row("nn.functional.gumbel_softmax", "Categorical(1, 2, 5)", _gumbel_choice),
    _row("nn.functional.gumbel_softmax(tau)", "Logistic()", _gumbel_share, unsupported=_COARSE),
    _distribution("Uniform", "UniformRange(0, 1)", 0.0, 1.0),
    _distribution("Exponential", "Exponential(2)", 0.5),
    _distribution("Gumbel", "Gumbel()", 0.0, 1.0),
    _distribution("Laplace", "Laplace(2)", 0.0, 2.0),
    _distribution("Cauchy", "Cauchy()", 0.0, 1.0),
    _distribution("LogNormal", "LogNormal(0.5)", 0.0, 0.5),
    _distribution("Gamma", "Gamma(2.5)", 2.5, 1.0, unsupported=_NO_GAMMA),
    _distribution("Beta", "Beta(2, 3)", 2.0, 3.0, unsupported=_NO_DIRICHLET),
    _distribution("StudentT", "StudentT(5)", 5.0, unsupported=_NO_GAMMA),
    _distribution("relaxed_bernoulli.LogitRelaxedBernoulli", "Logistic()", 1.0, 0.5),
    _distribution("Geometric", "Geometric(0.25)", 0.25, less=1),
    _distribution("Binomial", "Binomial(10, 0.25)", 10.0, 0.25, unsupported=_NO_BINOMIAL),
    _row(
        "distributions.Categorical", _RARE,
        lambda t, n, f: t.distributions.Categorical(t.tensor([1, 0, 1e-4, 4, 0.5], **f)).sample((n,)), whole=True,
    ),
)  # fmt: skip
