"""Mistakes put into torch's own functions are seen by the claims of every topic: what is asked is the real thing.

A mutant replaces one function of torch (or of ours) while an experiment runs, whose subject is not told. The same claim
of the same experiment conforms without it. Draws are named by a salt that no other place names.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from varlaw.claims import experiments
from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.domains import CASES
from varlaw.claims.experiments.gates import GATES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.attending import alibi, rotary, sinusoidal
from varlaw.subjects.registry import named, select
from varlaw.subjects.subject import Experiment
from varlaw.subjects.torch.framework import TORCH

torch = pytest.importorskip("torch")

Function = Callable[..., Any]


class Mutant(NamedTuple):
    """What is replaced, and the claim that must see it."""

    topic: str  # of claims.experiments
    subject: str
    claim: str
    place: str  # of the function that is replaced
    wrong: Callable[[Function], Function]
    case: Mapping[str, Any] = {}  # beside the first of the domain


def _unscaled(attend: Function) -> Function:
    return lambda q, k, v, **more: attend(q, k, v, **{**more, "scale": 1.0})


def _looser(clip: Function) -> Function:
    return lambda parameters, limit, **more: clip(parameters, 1.5 * limit, **more)


def _towards_zero(cast: Function) -> Function:
    """A cast to float16 that cuts digits off."""

    def to(x: Any, *given: Any, **more: Any) -> Any:
        y = cast(x, *given, **more)
        if torch.float16 not in given:
            return y
        return torch.where(cast(y, x.dtype).abs() > x.abs(), torch.nextafter(y, torch.zeros_like(y)), y)

    return to


def _exchanged(glu: Function) -> Function:
    return lambda x, dim: glu(torch.cat(x.chunk(2, dim)[::-1], dim), dim)


def _fan_doubled(fans: Function) -> Function:
    return lambda w: (fans(w)[0], 2 * fans(w)[1])


def _by_inputs(xavier: Function) -> Function:
    return lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear")


def _without_bessel(batch_norm: Function) -> Function:
    def norm(x: Any, mean: Any, variance: Any, *rest: Any) -> Any:
        before, momentum, n = variance.clone(), rest[3], len(x)
        y = batch_norm(x, mean, variance, *rest)
        kept = (1 - momentum) * before
        variance.copy_(kept + (variance - kept) * (n - 1) / n)
        return y

    return norm


def _louder(function: Function) -> Function:
    return lambda *given, **more: 1.6 * function(*given, **more)


def _absent(norm: Function) -> Function:
    return lambda x, *rest, **more: x


def _leaking(relu: Function) -> Function:
    return lambda x: torch.nn.functional.leaky_relu(x, 0.9)


def _longer(qr: Function) -> Function:
    def factors(x: Any) -> Any:
        q, r = qr(x)
        return q, 1.5 * r

    return factors


def _wider(uniform: Function) -> Function:
    return lambda w, low, high: uniform(w, 1.2 * low, 1.2 * high)


def _clamped(cut: Function) -> Function:
    return lambda w, mean, std, low, high: w.normal_(mean, std).clamp_(low, high)


def _unrescaled(dropout: Function) -> Function:
    return lambda x, p: (1 - p) * dropout(x, p)


def _smoothed(loss: Function) -> Function:
    return lambda *given, **more: loss(*given, **more, label_smoothing=0.3)


def _shifted(huber: Function) -> Function:
    return lambda x, t, delta, **more: huber(x, t, delta=1.02 * delta, **more)


def _slower(optimiser: Function) -> Function:
    return lambda parts, **more: optimiser(parts, **{**more, "momentum": 0.98 * more["momentum"]})


def _other_gate(cell: Function) -> Function:
    """A GRU cell that keeps 1 - z of its state."""

    def turned(weight: Any) -> Any:
        reset, update, new = weight.chunk(3)
        return torch.cat([reset, -update, new])

    return lambda x, h, *weights: cell(x, h, *map(turned, weights))


def _swapped(layer: Function) -> Function:
    """A GRU whose gates are swapped."""

    def made(*given: Any, **more: Any) -> Any:
        gru, swap = layer(*given, **more), lambda w: torch.cat([w.chunk(3)[at] for at in (1, 0, 2)])
        gru.register_forward_pre_hook(
            lambda module, x: [p.data.copy_(swap(p.data)) for p in module.parameters()] and None
        )
        return gru

    return made


_F, _INIT = "torch.nn.functional.", "torch.nn.init."
MUTANTS = (
    Mutant("attending", "torch.einsum(logits)", "law.attention.scaled_logit_variance",
           f"{_F}scaled_dot_product_attention", _unscaled),
    Mutant("attending", f"{_F}scaled_dot_product_attention(weights)", "law.attention.entropy",
           f"{_F}scaled_dot_product_attention", _unscaled),
    Mutant("clipped", "torch.nn.utils.clip_grad_norm_(random)", "law.clip.norm_mean",
           "torch.nn.utils.clip_grad_norm_", _looser),
    Mutant("clipped", "torch.nn.utils.clip_grad_value_(two points)", "law.clip.two_point_mean",
           "torch.nn.utils.clip_grad_value_", _looser),
    Mutant("formats", "torch.Tensor.to(float16, subnormal)", "law.rounding.normal", "torch.Tensor.to", _towards_zero),
    Mutant("founding", "torch.founding", "law.relu.second_moment", "torch.Tensor.relu", _leaking),
    Mutant("gates", f"{_F}glu(moments)", "law.glu.gate_derivative_second_moment", f"{_F}glu", _exchanged),
    Mutant("geometry", f"{_INIT}_calculate_fan_in_and_fan_out(conv)", "law.shape_convention.fan_out",
           f"{_INIT}_calculate_fan_in_and_fan_out", _fan_doubled),
    Mutant("maps", f"{_INIT}kaiming_normal_(fan_out)", "law.glorot.forward_factor", f"{_INIT}xavier_uniform_",
           _by_inputs),
    Mutant("normalising", "torch.nn.BatchNorm1d(running)", "law.batch_norm.running_variance", f"{_F}batch_norm",
           _without_bessel, {"batch": 3}),
    Mutant("normalising", "torch.func.jacrev(layer_norm)", "law.norm.jacobian_frobenius", f"{_F}layer_norm", _louder),
    Mutant("optimising", "torch.optim.SGD", "law.sgd.momentum", "torch.optim.SGD", _slower, {"steps": 5}),
    Mutant("ours", "varlaw.torch.lora(start)", "law.lora.second_moment", "varlaw.impl.scales.lora_scale", _louder),
    Mutant("pairs", f"{_F}relu(pairs)", "law.kernel.k1", f"{_F}relu", _leaking),
    Mutant("products", "torch.linalg.qr(chain)", "law.products.log_det_mean", "torch.linalg.qr", _longer),
    Mutant("recurrent", "torch.nn.LSTM(start)", "law.recurrent.torch_weight_variance", f"{_INIT}uniform_", _wider),
    Mutant("recurrent", "torch.nn.GRUCell(update)", "law.recurrent.retention", "torch._VF.gru_cell", _other_gate),
    Mutant("recurrent", "torch.nn.GRU(start)", "law.recurrent.gate_mean(reset)", "torch.nn.GRU", _swapped),
    Mutant("sampling", f"{_INIT}trunc_normal_(moments)", "law.truncated_normal.second_moment", f"{_INIT}trunc_normal_",
           _clamped),
    Mutant("scoring", f"{_F}huber_loss", "law.loss.huber", f"{_F}huber_loss", _shifted),
    Mutant("spectra", "torch.linalg.eigvalsh(W W^T)", "law.spectra.second_moment", "torch.linalg.eigvalsh", _louder),
    Mutant("stages", f"{_F}batch_norm(residual)", "law.residual.relu_stream_second_moment", f"{_F}batch_norm", _louder),
    Mutant("stacks", f"{_F}batch_norm(branch)", "law.batch_norm.residual_explosion", f"{_F}batch_norm", _absent),
    Mutant("stacks", "torch.bmm(residual)", "law.residual.droppath_second_moment", f"{_F}dropout", _unrescaled),
    Mutant("starting", f"{_F}cross_entropy(random)", "law.loss.random_logits_gradient", f"{_F}cross_entropy",
           _smoothed),
)  # fmt: skip
ELSEWHERE = {"blocks"}  # tests/claims/test_blocks.py: a library's own blocks


def _owner(place: str) -> tuple[Any, str]:
    """What holds the function of that name."""
    path, _, name = place.rpartition(".")
    try:
        return importlib.import_module(path), name
    except ImportError:
        owner, attribute = _owner(path)
        return getattr(owner, attribute), name


def _claim(mutant: Mutant) -> Claim:
    subject = named(mutant.subject)
    (claim,) = (c for c in claims_of(subject) if c.name == mutant.claim)
    return claim


def _found(claim: Claim, case: Mapping[str, Any], which: str) -> Finding:
    given = {**CASES[claim.op].enumerate(Key("mutants", "cases"), 0)[0], **case}
    key = Key("kestrel-at-dusk", f"{claim.name}:{which}")  # another address: runs that are kept are not read again
    return claim.judge(Trial(given, claim.dtypes[0], "cpu", POLICIES["pr"], key))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.subject}-{m.claim}")
def test_a_mistake_in_the_real_function_violates(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = _claim(mutant)
    assert _found(claim, mutant.case, "healthy").outcome == "CONFORMS"
    owner, name = _owner(mutant.place)
    monkeypatch.setattr(owner, name, mutant.wrong(getattr(owner, name)))
    assert _found(claim, mutant.case, "wrong").outcome == "VIOLATES"


def test_every_topic_has_a_mutant() -> None:
    topics = {n for n, of in vars(experiments).items() if isinstance(of, ModuleType) and hasattr(of, "ROWS")}
    assert len(topics) > 15
    assert topics == {m.topic for m in MUTANTS} | ELSEWHERE
    assert [m for m in MUTANTS if m.claim not in _rows(m.topic)] == []


def _rows(topic: str) -> set[str]:
    """The names of a topic's claims."""
    rows = getattr(experiments, topic).ROWS.values()
    return {row.name or f"law.{row.law}" for of_op in rows for row in of_op}


# Experiments that neither torch nor varlaw has, by the file here whose mutants of them violate.
# Rules that torch has no optimiser of, or that its rows ask in another form.
UNSHOWN = (
    *(
        "adam_hat",
        "adam_plain",
        "adamax_plain",
        "nadam_plain",
        "adabelief",
        "rmsprop_inside",
        "rmsprop_started",
        "trust",
    ),
)
OTHERS = {
    **dict.fromkeys(("gpt2_stream", "llama_stream", "vit_stream", "basic_block_stream", "bottleneck_stream"), "blocks"),
    **dict.fromkeys((f"gated_{gate}" for gate in GATES), "gating"),
    **dict.fromkeys((f"optimiser_{rule}" for rule in UNSHOWN), "optimisers"),
    "simplex": "projecting",
    **dict.fromkeys(("router", "router_switch", "router_z"), "attention"),
    **dict.fromkeys(("rotary", "sinusoidal", "alibi"), "mutants"),
}


def test_every_row_is_refuted_by_some_mutant() -> None:
    """All of torch and of ours in test_experiments.py, which makes one for each row; the others where it says here."""
    subjects = {s.op for s in select(["torch.*", "varlaw.*"]) if isinstance(s, Experiment)}
    assert experiments.ROWS.keys() - subjects == OTHERS.keys()
    assert [n for n in OTHERS.values() if not Path(__file__).with_name(f"test_{n}.py").exists()] == []


# -- rotary positions, of which torch has no function ------------------------------------------------------------------


def _rotating(power: float = 2.0, first_only: bool = False) -> Experiment:
    def rotate(x: Any, first: int, base: float) -> Any:
        half = x.shape[-1] // 2
        rates = base ** (-power * torch.arange(half, dtype=torch.float64) / x.shape[-1])
        angles = (first + torch.arange(len(x), dtype=torch.float64))[:, None] * rates
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        a, b = x[:, :half], x[:, half:]
        return torch.cat([a * cos - b * sin, b if first_only else a * sin + b * cos], 1)

    return rotary(TORCH, "rotary", rotate)


def _positions(subject: Experiment) -> dict[str, str]:
    return {c.law.rpartition("_")[2]: _found(c, {}, "rotary").outcome.value for c in claims_of(subject)}


def test_rotary_positions_of_another_base_and_of_one_half_violate() -> None:
    assert _positions(_rotating()) == {"norm": "CONFORMS", "product": "CONFORMS"}
    assert _positions(_rotating(power=2.1)) == {"norm": "CONFORMS", "product": "VIOLATES"}
    assert _positions(_rotating(first_only=True)) == {"norm": "VIOLATES", "product": "VIOLATES"}


def _table(power: float = 2.0) -> Experiment:
    def sines(dim: int) -> Any:
        rates = 10000.0 ** (-power * torch.arange(dim // 2, dtype=torch.float64) / dim)
        angles = torch.arange(16.0, dtype=torch.float64)[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], 1)

    return sinusoidal(TORCH, "positions", sines, lambda dim: 10000.0)


def test_sinusoidal_positions_of_another_base_violate() -> None:
    assert _positions(_table()) == {"norm": "CONFORMS", "product": "CONFORMS"}
    assert _positions(_table(power=2.1)) == {"norm": "CONFORMS", "product": "VIOLATES"}


def _slopes(last: float = 8.0) -> Experiment:
    def biases(heads: int, distance: int, dtype: str, device: str) -> Any:
        whole = 1 << (heads.bit_length() - 1)
        first = [2.0 ** (-last * (i + 1) / whole) for i in range(whole)]
        between = [2.0 ** (-last * (2 * i + 1) / (2 * whole)) for i in range(heads - whole)]
        return torch.tensor([*first, *between], dtype=torch.float64) * -distance

    return alibi(TORCH, "alibi", biases)


def test_linear_biases_of_other_slopes_violate() -> None:
    assert _positions(_slopes()) == {"positions.alibi": "CONFORMS"}
    assert _positions(_slopes(last=7.5)) == {"positions.alibi": "VIOLATES"}
