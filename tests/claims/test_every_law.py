"""Every law has a claim on torch or on varlaw's own functions, or says in its own entry why it has none."""

from varlaw.claims.tables import claims_of
from varlaw.subjects.registry import select
from varlaw.theory import LAWS

UNMEASURED = {
    "adam.constant_gradient_eps_hat",
    "adam.uncorrected_first_step",
    "sign.constant_gradient",
    "trust.step_norm",
    "router.balanced_loss",
    "router.z_loss",
    "meanfield.relu_correlation_decay",
    "meanfield.tanh_variance_decay",
    "mup.attention_scale",
    "mup.hidden_learning_rate",
    "mup.output_multiplier",
    "products.relu_log_mean",
    "residual.prenorm_last_gradient_bound",
}


def test_every_law_is_measured_or_says_why_not() -> None:
    measured = {claim.law for subject in select(["torch.*", "varlaw.*"]) for claim in claims_of(subject)}
    assert LAWS.keys() - measured == UNMEASURED
    assert {name for name, law in LAWS.items() if law.unmeasured} == UNMEASURED


def test_reasons_are_sentences() -> None:
    assert all(len(LAWS[name].unmeasured.split()) >= 5 for name in UNMEASURED)
