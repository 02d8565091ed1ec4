"""Every mistake is found with its word and its place; its healthy twin is left alone."""

import pytest

from tests.diagnose.models import PAIRS, Pair, batch, loss_of
from varlaw import check_model


def _report(pair: Pair, build: object):
    return check_model(build, batch(pair.kind), loss_of(pair.kind), expect=pair.expect, name=pair.name)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_mistake_is_found_where_it_is(pair: Pair):
    report = _report(pair, pair.faulty)
    named = [f for f in report.findings if f.signal == pair.signal and f.outcome == "VIOLATES"]
    assert named, report
    assert any(pair.place in where for f in named for where in f.where), report


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_its_healthy_twin_is_left_alone(pair: Pair):
    report = _report(pair, pair.healthy)
    assert report.ok, report
