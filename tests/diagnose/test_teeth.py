"""Every mistake is found with its word and its place; its healthy twin is left alone."""

from collections.abc import Callable

import pytest
from torch import nn

from tests.diagnose.dealt import DEALT, SEATED
from tests.diagnose.decided import DECIDED, Asking
from tests.diagnose.fed import FED, NOT_FED, encoding, recurrent
from tests.diagnose.firsts import FIRST, STILL
from tests.diagnose.mistakes import MORE
from tests.diagnose.models import PAIRS, Pair, batch, loss_of
from tests.diagnose.sound import SOUND, observed
from tests.diagnose.starts import LATER, QUIET
from tests.diagnose.wired import APART, WIRED
from varlaw import check_model

ALL = (*PAIRS, *MORE, *LATER, *FIRST, *WIRED, *FED, *DECIDED, *DEALT)
LEFT_ALONE = {**SOUND, **QUIET, **STILL, **APART, **NOT_FED, **SEATED}


def _report(pair: Pair, build: object, loss: object):
    given = loss or loss_of(pair.kind)
    return check_model(build, batch(pair.kind), given, expect=pair.expect, redraws=6, name=pair.name)


@pytest.mark.parametrize("pair", ALL, ids=lambda pair: pair.name)
def test_a_mistake_is_found_where_it_is(pair: Pair):
    report = _report(pair, pair.faulty, pair.loss)
    named = [f for f in report.findings if f.signal == pair.signal and f.outcome == "VIOLATES"]
    assert named, report
    assert any(pair.place in where for f in named for where in f.where), report


@pytest.mark.parametrize("pair", ALL, ids=lambda pair: pair.name)
def test_its_healthy_twin_is_left_alone(pair: Pair):
    report = _report(pair, pair.healthy, pair.healthy_loss)
    assert report.ok, report


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_only_looks_like_a_mistake_is_left_alone(name: str):
    build, kind, loss = LEFT_ALONE[name]
    report = check_model(build, batch(kind), loss or loss_of(kind), redraws=4, name=name)
    assert report.ok, report


@pytest.mark.parametrize(
    ("layers", "signal"),
    [
        ((nn.Linear(32, 64), nn.Linear(64, 32), nn.ReLU()), "structure.linear"),
        ((nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU()), "norm.bias"),
        ((nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.9)), "structure.dropout"),
    ],
)
def test_what_does_no_harm_is_a_note(layers: tuple[nn.Module, ...], signal: str):
    report = check_model(nn.Sequential(*layers, nn.Linear(32, 10)), batch("vector"), loss_of("vector"))
    assert report.ok, report
    assert signal in {f.signal for f in report.findings if f.outcome == "NOTE"}, report


def _one_frozen() -> nn.Module:
    model = nn.Sequential(*(nn.Linear(32, 32) for _ in range(3)))
    model[1].requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("build", "signal", "place"),
    [
        (_one_frozen, "gradient.none", "1.weight"),
        (lambda: nn.Sequential(*[nn.Linear(32, 32), nn.Tanh()] * 3, nn.Linear(32, 10)), "init.copied", "0.weight"),
        (lambda: nn.Sequential(nn.BatchNorm1d(32, momentum=0.99), nn.Linear(32, 10)), "norm.statistics", "0"),
    ],
    ids=("frozen", "shared", "momentum"),
)
def test_what_may_be_meant_is_a_note(build: Callable[[], nn.Module], signal: str, place: str):
    report = check_model(build, batch("vector"), loss_of("vector"), redraws=2)
    assert report.ok, report
    assert (signal, place) in {(f.signal, f.where[0]) for f in report.findings if f.outcome == "NOTE"}, report


def test_observers_and_their_model_are_put_back():
    model = observed()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert check_model(model, batch("vector"), loss_of("vector")).ok
    after = model.state_dict()
    assert all(before[name].shape == after[name].shape and before[name].equal(after[name]) for name in before)


@pytest.mark.parametrize(("build", "place"), [(recurrent, "rnn"), (encoding, "layer.self_attn")])
def test_a_pass_along_the_rows_of_the_batch_is_a_note(build: Callable[[bool], nn.Module], place: str):
    wrong, right = (check_model(build(first), batch("sequence"), loss_of("sequence")) for first in (False, True))
    assert [f.where for f in wrong.findings if f.signal == "structure.batch"] == [(place,)]
    assert "structure.batch" not in {f.signal for f in right.findings}


def test_what_a_bias_will_feed_waits_and_what_nothing_feeds_does_not():
    report = check_model(lambda: Asking(True), batch("vector"), loss_of("vector"), redraws=2)
    still = {name for f in report.findings if f.signal == "gradient.zero" for name in f.where}
    assert {"value.weight", "query.weight", "key.weight"} <= still
    assert "out.weight" not in still
