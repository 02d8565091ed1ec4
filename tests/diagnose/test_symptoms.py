"""The table of symptoms: every word in it exists, causes that are shown come first."""

import ast
from pathlib import Path

import pytest

from varlaw.diagnose import symptoms
from varlaw.diagnose.signals import SIGNALS, TABLE, finding
from varlaw.diagnose.symptoms import REMEDIES, SYMPTOMS, diagnoses


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda s: s.name)
def test_every_word_of_a_symptom_exists(symptom):
    words = {*symptom.signals, *(word for cause in symptom.causes for word in cause.shown_by)}
    assert words <= SIGNALS.keys()
    assert set(symptom.remedies) <= REMEDIES.keys()


def test_every_remedy_is_some_symptoms():
    assert {key for symptom in SYMPTOMS for key in symptom.remedies} == REMEDIES.keys()


def test_what_is_found_puts_its_cause_first():
    stuck = finding("loss.stuck", "VIOLATES", "does not fall", "loss")
    clipped = finding("clip.always", "VIOLATES", "always", "all gradients")
    note = finding("update.small", "NOTE", "small", "all updates")
    (alone,) = diagnoses([stuck, note])
    assert (alone.symptom, alone.shown, alone.hypotheses[0]) == ("stuck", 0, "rate too small")
    (both,) = diagnoses([stuck, clipped])
    assert (both.shown, both.hypotheses[0]) == (1, "clipping binds (clip.always)")
    assert both.remedies[0] == "exact"
    assert both.advice[0] == REMEDIES["exact"]


def test_nothing_found_is_nothing_said():
    assert symptoms.diagnoses([]) == []


def test_a_finding_of_a_law_with_a_row_has_that_row_alone():
    through_time = finding("gradient.shrinks", "VIOLATES", "forgets", "rnn.bias_ih_l0", law="recurrent.time_constant")
    assert through_time.remedies[0] == REMEDIES["forget"]
    assert [d.symptom for d in diagnoses([through_time])] == ["time"]
    through_depth = finding("gradient.shrinks", "VIOLATES", "vanishes", "0.weight")
    assert [d.symptom for d in diagnoses([through_depth, through_time])] == ["vanishing", "time"]


def own_words(source: str) -> list[int]:
    """Lines where a call is given remedies, or hypotheses in words of its own."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    given = [k for call in calls for k in call.keywords]
    return [
        k.value.lineno for k in given
        if k.arg == "remedies" or (k.arg == "hypotheses" and isinstance(k.value, ast.Tuple)
                                   and any(isinstance(entry, ast.Constant) for entry in k.value.elts))
    ]  # fmt: skip


def test_nobody_but_the_table_holds_remedies():
    room = Path(symptoms.__file__).parent
    sources = {p.relative_to(room): p.read_text() for p in room.rglob("*.py") if p.name != "symptoms.py"}
    assert {str(p): lines for p, source in sources.items() if (lines := own_words(source))} == {}
    assert own_words('finding("loss.nan", remedies=tried)\nfinding("loss.nan", hypotheses=("luck",))') == [1, 2]
    elsewhere = [str(p) for p, source in sources.items() if any(f'"{text}"' in source for text in REMEDIES.values())]
    assert elsewhere == []
    texts = [text for row in TABLE for text in row.remedies if text not in REMEDIES.values()]
    assert len(texts) == len(set(texts))
