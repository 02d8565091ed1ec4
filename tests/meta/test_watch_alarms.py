"""The campaign on healthy training steps: it is quiet on each kind of noise, loud where a change is, and says so."""

from collections import Counter

import numpy as np
import pytest

from . import watch_alarms


@pytest.mark.parametrize("name", watch_alarms.NULLS)
def test_a_healthy_stream_is_quiet(name):
    assert not watch_alarms.alarms(name, 10**6)


def test_a_change_is_found_and_the_other_rules_hold_the_rate():
    noise = watch_alarms.SD * np.random.default_rng(0).standard_normal((2000, 200))
    assert watch_alarms.sigmas(noise, watch_alarms.calibrated(watch_alarms.sigmas, noise)).mean() <= 1e-5
    changed = noise[:, :16].copy()
    changed[1400:] += 4 * watch_alarms.SD
    first = watch_alarms.ours(changed, single=False)
    assert np.median(first) - 1400 < 60


def test_the_page_counts_what_was_said(monkeypatch):
    monkeypatch.setattr(watch_alarms, "delays", lambda *_: iter([("x", [watch_alarms.Found(0.5, 7)] * 5)]))
    monkeypatch.setattr(watch_alarms, "constants", lambda _: [1.0] * 4)
    page = watch_alarms.page({"white": Counter({"loss.grows": 2})}, 25, 3)
    assert "Measured: 2 in 100,000 steps" in page.replace("\n", " ")
    assert "| white | 100,000 | 2 | 8.4 | loss.grows 2 |" in page
    assert "| x | 7 (50%) |" in page
