"""Claims on varlaw's own recipes: truncated weights, LoRA, new tokens, clips by parameter and unit, named scales."""

from collections.abc import Mapping
from typing import Any

from varlaw.claims.cases import Cases, corners
from varlaw.claims.experiments.rows import Row, each, limit, mean, nothing, taking
from varlaw.theory.domain import Domain, one_of

CASES: Mapping[str, Cases] = {
    "our_weights": Cases(
        Domain(fan_in=one_of(8, 16), fan_out=one_of(12, 32), scale=one_of(0.5, 3.0)),
        corners("fan_in fan_out scale", (8, 24, 1.5)),
    ),
    "our_lora": Cases(
        Domain(
            in_features=one_of(8, 12), out_features=one_of(6, 10), rank=one_of(2, 4), alpha=one_of(1.0, 8.0),
            std_b=one_of(0.1, 1.0),
        ),
        corners("in_features out_features rank alpha std_b", (10, 8, 3, 6.0, 0.5)),
    ),
    "our_tokens": Cases(Domain(vocabulary=one_of(16, 64), count=one_of(1, 8)), corners("vocabulary count", (32, 4))),
    "our_clips": Cases(
        Domain(parameters=one_of(3, 8), limit=one_of(0.5, 2.0), ratio=one_of(0.01, 1.0)),
        corners("parameters limit ratio", (5, 1.0, 0.1)),
    ),
    "our_chrono": Cases(Domain(longest=one_of(10.0, 50.0)), corners("longest", (30.0,))),
    "scales": Cases(
        Domain(layers=one_of(2, 12, 48), other=one_of(3, 6), weights=one_of(2, 4)),
        corners("layers other weights", (6, 6, 3), (20, 4, 2), (48, 12, 3)),
    ),
}  # fmt: skip


def _variances(case: Mapping[str, Any]) -> dict[str, Any]:
    """A starts as U(+-1/sqrt(in)), B as if it were trained."""
    return {"variance_a": 1 / (3 * case["in_features"]), "variance_b": case["std_b"] ** 2}


def _change(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_variances(case), "alpha": case["alpha"], "rank": case["rank"], "out_features": case["out_features"]}


def _start(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"alpha": case["alpha"], "rank": case["rank"], "variance_a": _variances(case)["variance_a"]}


def _scale(law: str, of: str, *names: str, **others: str) -> Row:
    return each(law, of, taking(*names, **others), roundings=8, dtypes=("float64",))


_FEW: dict[str, Any] = {"kurtosis": 20.0, "block": 512}

ROWS: Mapping[str, tuple[Row, ...]] = {
    "our_weights": (
        mean("he_truncated.variance", "he", lambda c: {"fan_in": c["fan_in"], "gain": 2**0.5}),
        mean("lecun_truncated.variance", "lecun", taking("fan_in")),
        mean(
            "glorot_truncated.variance", "glorot",
            lambda c: {"fan_in": c["fan_in"], "fan_out": c["fan_out"], "gain": 1.0},
        ),
        mean("variance_scaling.variance", "scaled", taking("scale", fan="fan_out")),
        each(
            "delta_orthogonal.variance", "delta",
            lambda c: {"channels_in": c["fan_in"], "channels_out": c["fan_out"], "taps": 3},
        ),
    ),
    "our_lora": (
        each("lora.gradient_a", "gradient a", nothing),
        mean("lora.gradient_b", "gradient b", _start, **_FEW),
        mean("lora.second_moment", "change", _change, **_FEW),
        mean("lora.rank_stable_second_moment", "stable change", _change, **_FEW),
        limit("lora.rank", "numerical rank", taking("rank", "out_features", "in_features")),
    ),
    "our_tokens": (
        each("new_tokens.mean_logit", "logit", taking("logits"), scale=lambda k: k["size"]),
        each("new_tokens.mean_kl", "kl", taking("logits", "count"), scale=lambda k: 1 + k["size"]),
        limit("new_tokens.mean_kl_bound", "kl", taking("count", "vocabulary")),
        each("new_tokens.zero_share", "share", taking("logits", "count"), scale=lambda k: 1 + k["size"]),
    ),
    "our_clips": (
        each("clip.per_parameter", "after", lambda k: {"norm": k["before"], "limit": k["limit"]}),
        limit("clip.per_parameter_global", "together", taking("parameters", "limit")),
        each(
            "clip.adaptive_factor", "factor",
            lambda k: {**taking("weight_norm", "gradient_norm", "ratio")(k), "floor": 1e-3},
        ),
    ),
    "our_chrono": (each("recurrent.chrono_bias", "bias", taking("memory"), scale=lambda k: k["longest"]),),
    "scales": (
        _scale("deepnorm.alpha", "alpha", "layers"),
        _scale("deepnorm.beta", "beta", "layers"),
        _scale("deepnorm.encoder_alpha", "encoder alpha", encoder_layers="layers", decoder_layers="other"),
        _scale("deepnorm.encoder_beta", "encoder beta", encoder_layers="layers", decoder_layers="other"),
        _scale("deepnorm.decoder_alpha", "decoder alpha", decoder_layers="layers"),
        _scale("deepnorm.decoder_beta", "decoder beta", decoder_layers="layers"),
        _scale("fixup.scale", "fixup", branches="layers", branch_layers="weights"),
        _scale("t_fixup.encoder_scale", "t-fixup", encoder_layers="layers"),
        _scale("layer_scale.initial", "layer scale", "layers"),
        each(
            "residual.gpt2_std", "gpt2", lambda c: {"std": 0.02, "layers": c["layers"]}, roundings=8,
            dtypes=("float64",),
        ),
        each(
            "depth_mup.branch_multiplier", "depth", lambda c: {"layers": c["layers"], "base_layers": 1}, roundings=8,
            dtypes=("float64",),
        ),
    ),
}  # fmt: skip
