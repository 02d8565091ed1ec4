"""Claims on whole models: VIOLATES on each planted mistake of a small torch model, CONFORMS on the model without it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from varlaw.claims.claim import NotApplicable
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Model, Role

torch = pytest.importorskip("torch")

from ..meta.toy_models import (  # noqa: E402 - torch comes first
    BLOCK,
    MISTAKES,
    ROLES,
    WIDTH,
    Network,
    filled,
    finding_of,
    in_role,
    multiplied,
    promised,
    torch_default,
    toy,
    without_buffers,
)


@pytest.mark.parametrize("name", sorted({c for c, _ in MISTAKES.values()} | {"loss.initial", "structure.meta"}))
def test_the_truth_conforms(name: str) -> None:
    finding = finding_of(toy(), name)
    assert finding.outcome == "CONFORMS", finding


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_violates(mistake: str) -> None:
    name, change = MISTAKES[mistake]
    finding = finding_of(toy(change), name)
    assert finding.outcome == "VIOLATES", finding
    assert finding.detail


@pytest.mark.parametrize(("excess", "outcome"), [(0.4, "CONFORMS"), (5.0, "VIOLATES"), (-0.6, "VIOLATES")])
def test_the_first_loss_is_held_to_logits_of_variance_one(excess: float, outcome: str) -> None:
    assert finding_of(toy(loss=excess), "loss.initial").outcome == outcome


def test_a_buffer_lost_on_the_meta_device_violates() -> None:
    finding = finding_of(toy(rebuild=without_buffers), "structure.meta")
    assert (finding.outcome, finding.detail) == ("VIOLATES", "1 of 17: steps")


def test_a_foreseen_ratio_is_confirmed_and_another_is_not() -> None:
    twice = toy(multiplied(f"{BLOCK}c_proj.weight", 2.0))
    assert finding_of(twice, "model.residual", factor=2.0).outcome == "CONFORMS"
    assert finding_of(twice, "model.residual", factor=1.5).outcome == "VIOLATES"
    assert finding_of(toy(), "model.residual", factor=2.0).outcome == "VIOLATES"
    zero = toy(filled(f"{BLOCK}up.weight", 0.0))
    assert finding_of(zero, "model.linear", factor=0.0).outcome == "CONFORMS"
    bias = toy(torch_default)
    assert finding_of(bias, "model.bias", factor=float("inf")).outcome == "CONFORMS"


def test_the_worst_parameter_is_reported_and_all_are_named() -> None:
    def change(network: Any) -> None:
        network.layers[0].up.weight.mul_(3.0)
        network.layers[1].up.weight.mul_(1.5)

    finding = finding_of(toy(change), "model.linear")
    assert finding.ratio == pytest.approx(3.0, rel=0.2)
    assert finding.detail.startswith("2 of 5: layers.*.up.weight x")


@pytest.mark.parametrize("role", ROLES)
def test_a_promise_of_any_role_is_kept(role: str) -> None:
    assert finding_of(in_role(role), f"model.{role}").outcome == "CONFORMS"
    half = in_role(role, multiplied(f"{BLOCK}up.weight", 0.5))
    assert finding_of(half, f"model.{role}").outcome == "VIOLATES"


def test_a_role_that_nothing_plays_is_not_applicable() -> None:
    model = replace(toy(), roles=(Role(role="recurrent", documented="Normal(std)"),))
    with pytest.raises(NotApplicable, match="no parameter"):
        finding_of(model, "model.recurrent")


def test_gpt2_scales_its_residual_projections() -> None:
    """As 5.23.0 does; 5.14.1 gave them the full std (huggingface/transformers#47458)."""
    pytest.importorskip("transformers")
    (gpt2,) = select(["transformers.gpt2"])
    assert isinstance(gpt2, Model)
    assert finding_of(gpt2, "model.residual").outcome == "CONFORMS"
    assert finding_of(gpt2, "model.linear", case={"scale": 2.0}).outcome == "CONFORMS"


def test_claims_and_cases_share_the_models_that_are_built() -> None:
    built: list[int] = []
    model = toy()

    def counted(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        built.append(seed)
        return model.draws(case, dtype, device, seed, count)

    watched = replace(model, draws=counted)
    outcomes = [
        finding_of(watched, name, case={"scale": scale}).outcome
        for name in ("model.linear", "structure.distinct", "model.embedding", "model.linear")
        for scale in (1.0, 2.0)
    ]
    assert set(outcomes) == {"CONFORMS"}
    repeated = len(built) - len(set(built))
    assert repeated == 2, "only the first of each case, to see that it repeats"


def test_small_parameters_are_certified_on_more_models_than_large_ones() -> None:
    def change(network: Any) -> None:
        network.layers[0].up.weight[1:] = 0.0

    model = replace(toy(change), roles=(Role(role="vector", documented="Normal(std)"),), parameters=_promised_vectors)
    finding = finding_of(model, "model.vector")
    assert finding.outcome == "CONFORMS", finding
    assert finding.samples > 16 * WIDTH


@pytest.mark.parametrize(
    ("documented", "draw"),
    [
        ("TruncatedNormal(std, -2, 2)", lambda w: torch.nn.init.trunc_normal_(w, 0.0, 0.02, -0.04, 0.04)),
        ("Uniform(std)", lambda w: w.uniform_(-0.02, 0.02)),
    ],
)
def test_small_parameters_of_a_bounded_law_are_held_to_its_own_end(documented: str, draw: Any) -> None:
    def of(end: float) -> Model:
        def change(network: Any) -> None:
            draw(network.layers[0].up.weight[0]).mul_(end)
            network.layers[0].up.weight[1:] = 0.0

        return replace(toy(change), roles=(Role(role="vector", documented=documented),), parameters=_promised_vectors)

    finding = finding_of(of(1.0), "model.vector")
    assert (finding.outcome, "together" in finding.detail) == ("CONFORMS", True), finding
    assert finding_of(of(1.3), "model.vector").outcome == "VIOLATES"


def _promised_vectors(case: Any) -> Mapping[str, Any]:
    """One row of a matrix as if it were all that plays a role."""
    found = promised(Network())
    few = replace(found["layers.0.up.weight"], role="vector", zero_rows=tuple(range(1, 48)))
    return {**found, "layers.0.up.weight": few}
