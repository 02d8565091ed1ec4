"""What there is can be found: subjects, claims, laws by the words that people know them by."""

import json

import pytest
from click.testing import CliRunner, Result

from varlaw.cli import cli
from varlaw.theory.catalogue import LAWS
from varlaw.theory.lookup import ALIASES, search


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_every_alias_names_laws() -> None:
    for alias, starts in ALIASES.items():
        for start in starts:
            assert any(name.startswith(start) for name in LAWS), (alias, start)


@pytest.mark.parametrize(
    ("words", "law"),
    [
        ("xavier", "glorot_uniform.variance"),
        ("Kaiming", "he_normal.variance"),
        ("edge of chaos", "meanfield.critical_weight_variance"),
        ("Fixup", "fixup.scale"),
        ("gpt-2", "residual.gpt2_std"),
        ("glorot", "glorot_normal.variance"),
        ("AGC", "clip.adaptive_factor"),
    ],
)
def test_laws_are_found_by_the_words_of_people(words: str, law: str) -> None:
    assert law in [hit.law.name for hit in search(words)]


QUESTIONS = {
    "why divide attention scores by sqrt d": "attention.scaled_logit_variance",
    "probability a relu unit is dead": "products.dead_layer",
    "initial loss with 1000 classes": "loss.zero_logits",
    "why do gradients vanish": "products.lyapunov_exponent",
    "what happens if all weights are zero": "zeros.hidden_gradient",
    "batch norm momentum 0.1": "batch_norm.keras_momentum",
    "softmax entropy of random scores": "attention.entropy",
    "largest float16 number": "dtype.largest",
    "loss of an untrained classifier": "loss.zero_logits",
    "why is the variance of relu not half": "relu.variance",
}


def test_a_question_finds_the_law_that_answers_it() -> None:
    missed = [q for q, law in QUESTIONS.items() if law not in [hit.law.name for hit in search(q)][:2]]
    assert not missed


@pytest.mark.parametrize(
    "words", ["who won the world cup", "best gpu for relu", "adam stroganoff", "convert csv to json"]
)
def test_what_no_law_speaks_of_finds_none(words: str) -> None:
    assert not search(words)


def test_the_verb_prints_what_was_found_in_what() -> None:
    done = _run("laws", "search", "edge", "of", "chaos", "--json")
    assert {"law", "title", "found_in"} == set(json.loads(done.output)[0])
    nothing = _run("laws", "search", "zzz")
    assert nothing.exit_code == 5
    assert "no law speaks of 'zzz'" in nothing.stderr


def test_subjects_are_listed_with_what_they_promise() -> None:
    done = _run("subjects", "varlaw.numpy.he_*", "--json")
    rows = json.loads(done.output)
    assert "varlaw.numpy.he_normal" in [row["name"] for row in rows]
    assert all(row["promises"] for row in rows)
    assert "varlaw.numpy.he_normal" in _run("subjects", "varlaw.numpy.he_normal").output


def test_a_claim_is_shown_with_its_law_and_subjects() -> None:
    done = _run("claims", "show", "init.haar")
    assert "orthogonal.entry_variance" in done.output
    assert "varlaw.numpy.orthogonal" in done.output
    assert "clip.norm" in _run("claims").output


def test_only_the_claims_that_are_named_are_asked() -> None:
    done = _run("verify", "varlaw.numpy.he_normal", "--claim", "structure.*", "--dtype", "float32", "--json", "-")
    assert {v["claim"].partition(".")[0] for v in json.loads(done.stdout)["verdicts"]} == {"structure"}
    none = _run("verify", "varlaw.numpy.he_normal", "--claim", "nope.*")
    assert none.exit_code == 5
    assert "no claim on these subjects is named nope.*" in none.stderr
