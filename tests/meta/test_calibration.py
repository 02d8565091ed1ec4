"""The measurement of risks: lawful samples keep every level, and what does not is told."""

from pathlib import Path
from typing import Any

import pytest

from . import calibration


def test_lawful_samples_keep_every_level_and_the_table_says_so(tmp_path: Path) -> None:
    rates, by_importance = calibration.measured(20, 1)
    assert [rate.what for rate in rates if rate.broken] == []
    assert {"std", "mean", "largest", "ties", "lag 1"} <= {rate.what for rate in rates}
    table = calibration.markdown(rates, by_importance)
    assert "Broken promises: none." in table
    assert "normal, bfloat16: too small CONFORMS" in table
    assert "uniform, float32: std x1.05 on the limits CONFORMS" in table


def test_processes_of_another_law_pass_their_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    law, draw = calibration.SAMPLERS["normal"]

    def wider(rng: Any, shape: tuple[int, ...]) -> Any:
        return 1.5 * draw(rng, shape)

    monkeypatch.setattr(calibration, "SAMPLERS", {**calibration.SAMPLERS, "normal": (law, wider)})
    passed = calibration.suprema(0, 50)
    assert calibration.Rate("std", 0.01, passed["std", 0.01], 50).broken
    (alarmed, *_) = calibration.decisions(0, 20)
    assert alarmed.broken


def test_a_rate_is_broken_beyond_six_standard_errors() -> None:
    assert not calibration.Rate("chance", 0.1, 156, 1000).broken
    assert calibration.Rate("more than chance", 0.1, 157, 1000).broken
