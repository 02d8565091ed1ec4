"""Every law has a claim on torch or on varlaw's own functions, or says in its own entry why it has none."""

from varlaw.claims.tables import claims_of
from varlaw.subjects.registry import select
from varlaw.theory import LAWS

UNMEASURED = {name for name, law in LAWS.items() if law.unmeasured}


def test_every_law_is_measured_or_says_why_not() -> None:
    measured = {claim.law for subject in select(["torch.*", "varlaw.*"]) for claim in claims_of(subject)}
    assert LAWS.keys() - measured == UNMEASURED
    assert len(UNMEASURED) < len(LAWS) / 20


def test_reasons_are_sentences() -> None:
    assert all(len(LAWS[name].unmeasured.split()) >= 5 for name in UNMEASURED)


# Laws that hold for any symmetric input, weights or steps: claims on ones that are normal, and on ones that are not.
SYMMETRIC = {
    "relu.second_moment": ("law.relu.second_moment", "law.relu.second_moment(uniform)"),
    "gain.leaky_relu": ("law.gain.leaky_relu", "law.gain.leaky_relu(uniform)"),
    "torch_default.relu_map": ("law.torch_default.relu_map(normal)", "law.torch_default.relu_map"),
    "residual.relu_stream_zeros": ("law.residual.relu_stream_zeros", "law.residual.relu_stream_zeros(uniform)"),
    "products.dead_layer": ("law.products.dead_layer", "law.products.dead_layer(uniform)"),
    "products.dead_network": ("law.products.dead_network", "law.products.dead_network(uniform)"),
}
# Of what they speak there is one kind alone: the rule's own weights, its pre-activations, initialisers of every law.
ONE_KIND = {"torch_default.relu_fixed_point", "products.relu_log_mean", "shards.correlation_std"}
SPEAKS = (
    "symmetric z",
    "z symmetric",
    "pre-activations symmetric",
    "symmetric about 0",
    "any symmetric",
    "symmetric con",
)


def test_laws_of_anything_symmetric_are_tried_with_what_is_normal_and_what_is_not() -> None:
    said = {n: " ".join((law.title, law.derivation, *law.hypotheses)) for n, law in LAWS.items()}
    assert {n for n, text in said.items() if any(word in text for word in SPEAKS)} == SYMMETRIC.keys() | ONE_KIND
    claims = {claim.name for subject in select(["torch.*"]) for claim in claims_of(subject)}
    assert {name for pair in SYMMETRIC.values() for name in pair} <= claims
