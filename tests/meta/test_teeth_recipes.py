"""Losses, dropouts, adapters, networks, shards: every claim says VIOLATES of a mistake and CONFORMS of the truth."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import NotApplicable, Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import select

from . import complexes, recipes, wholes
from .test_teeth import outcomes

RIGHT = {
    "loss": recipes.loss(),
    "adapter": recipes.adapter(),
    "clipping": recipes.clipping(),
    "clipping with arguments": recipes.adjustable(),
    "clipping by value": recipes.boxing(),
    "normalising": recipes.normalising(),
    **{op: recipes.normalisation(op) for op in ("batch_norm", "layer_norm", "rms_norm", "group_norm", "instance_norm")},
    "spectral": recipes.spectral(5000),
    **wholes.RIGHT,
    **{op: recipes.right_dropout(op) for op in (
        "dropout", "channel_dropout", "drop_path", "alpha_dropout", "channel_alpha_dropout", "gaussian_dropout"
    )},
}  # fmt: skip


WRONG = {**recipes.WRONG, **wholes.WRONG, **complexes.WRONG}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_violates(name: str) -> None:
    claim, dtype, wrong = WRONG[name]
    assert "VIOLATES" in outcomes(wrong, claim, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", RIGHT)
def test_the_truth_conforms(name: str, dtype: str) -> None:
    for claim in claims_of(RIGHT[name]):
        try:
            found = outcomes(RIGHT[name], claim.name, dtype)
        except NotApplicable:
            continue
        assert found == {"CONFORMS"}, claim.name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", complexes.RIGHT)
def test_lawful_complex_weights_conform(name: str, dtype: str) -> None:
    for claim in ("init.documented", "structure.distinct", "structure.uncorrelated"):
        assert outcomes(complexes.RIGHT[name], claim, dtype) == {"CONFORMS"}, claim


@pytest.mark.parametrize("name", complexes.FINE)
def test_complex_weights_one_percent_off_violate_at_nightly(name: str) -> None:
    assert "VIOLATES" in outcomes(complexes.FINE[name], "init.documented", "float32", POLICIES["nightly"])


@pytest.mark.parametrize("claim", ["init.empty", "init.mean", "init.grid", "structure.uncorrelated"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_a_lawful_sampler_conforms(claim: str, dtype: str) -> None:
    normal = recipes.sampler("Normal(scale)", lambda rng, shape: rng.standard_normal(shape))
    assert outcomes(normal, claim, dtype) == {"CONFORMS"}


def test_masks_that_ignore_their_seed_violate() -> None:
    def frozen(rng: Any, shape: tuple[int, ...], dtype: str) -> Any:
        return np.random.default_rng(1).random(shape)

    assert outcomes(recipes.dropout(uniforms=frozen), "dropout.independent") == {"VIOLATES"}


def test_a_factor_rounded_to_float16_shows_at_nightly() -> None:
    coarse = recipes.dropout(factor=lambda p, dtype: float(np.float16(1 / (1 - p))))
    assert "VIOLATES" in outcomes(coarse, "dropout.mean", "float16", POLICIES["nightly"])


def test_a_documented_signal_is_lawful() -> None:
    """NaN in every leaf, where the documentation says so; zeros in their place are not."""

    def signals(grads: Any, limit: float, dtype: str, device: str) -> Any:
        bad = not all(np.isfinite(g).all() for g in grads)
        return [g * np.nan if bad else g for g in grads], None

    silent = dataclasses.replace(recipes.clipping(), apply=signals)
    assert outcomes(silent, "clip.nonfinite") == {"VIOLATES"}
    assert outcomes(dataclasses.replace(silent, nonfinite="signals"), "clip.nonfinite") == {"CONFORMS"}


def test_a_set_of_one_number_conforms() -> None:
    assert outcomes(select(["varlaw.numpy.batch_norm"])[0], "norm.single") == {"CONFORMS"}


def test_what_is_drawn_from_the_generator_handed_over_repeats() -> None:
    assert outcomes(wholes.handed(), "structure.repeats", "float64") == {"CONFORMS"}


_REFUSING: dict[str, Any] = {
    "clip.shut": recipes.clipping(),
    "clip.open": recipes.clipping(),
    "clip.nonfinite": recipes.clipping(),
    "clip.negative": recipes.clipping(),
    "clip.nan_limit": recipes.clipping(),
    "clip.empty": recipes.clipping(),
    "clip.nothing": recipes.clipping(),
    "clip.value_nonfinite": recipes.boxing(),
    "clip.value_negative": recipes.boxing(),
    "dropout.all": recipes.right_dropout("dropout"),
    "loss.outside": recipes.loss(),
    "norm.single": select(["varlaw.numpy.batch_norm"])[0],
    "norm.empty": recipes.normalisation("batch_norm"),
    "dropout.empty": recipes.right_dropout("dropout"),
}


@pytest.mark.parametrize("name", _REFUSING)
def test_what_refuses_every_input_refuses_none(name: str) -> None:
    """An exception on the odd input alone is a refusal; a function that always raises is missing or broken."""
    calls: list[int] = []

    def always(*args: Any) -> Any:
        raise AttributeError(name)

    def once(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError(name)
        return _REFUSING[name].apply(*args)

    claim = next(c for c in claims_of(dataclasses.replace(_REFUSING[name], apply=always)) if c.name == name)
    case = CASES[claim.op].enumerate(Key("teeth", name), 0)[0]
    with pytest.raises(AttributeError):
        claim.judge(Trial(case, "float32", "cpu", POLICIES["pr"], Key("teeth", name)))
    claim = next(c for c in claims_of(dataclasses.replace(_REFUSING[name], apply=once)) if c.name == name)
    found = claim.judge(Trial(case, "float32", "cpu", POLICIES["pr"], Key("teeth", name)))
    assert (found.outcome, found.detail) == ("CONFORMS", "refused: ValueError")
