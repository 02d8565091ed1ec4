"""The table of symptoms: every word in it exists, causes that are shown come first."""

import pytest

from varlaw.diagnose import symptoms
from varlaw.diagnose.signals import SIGNALS, finding
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
