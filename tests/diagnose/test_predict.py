"""`varlaw.predict`: words become the blocks that they say, and a profile shows itself as text, JSON, SVG and HTML."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

import varlaw
from varlaw.commands.predict import predict as command
from varlaw.theory.networks.description import blocks_of
from varlaw.theory.networks.propagation import predict

GPT = (
    "embedding 768 std=0.02, positions std=0.02, 12 x (residual (layer_norm, attention heads=12 context=128 std=0.02), "
    "residual (layer_norm, dense 3072 std=0.02, gelu, dense 768 std=0.02)), layer_norm"
)


def test_words_are_blocks() -> None:
    assert blocks_of("input 3, conv 8 3x3 he_normal stride=2, leaky_relu:0.2, dropout 0.1, batch_norm eps=0.001") == [
        {
            "block": "conv",
            "channels_in": 3,
            "channels_out": 8,
            "kernel": [3, 3],
            "stride": [2, 2],
            "groups": 1,
            "scheme": "he_normal",
        },
        {"block": "activation", "name": "leaky_relu:0.2"},
        {"block": "dropout", "rate": 0.1},
        {"block": "norm", "kind": "batch", "eps": 0.001},
    ]


def test_widths_run_on_through_repeats_and_branches() -> None:
    blocks = blocks_of("input 10, 2 x (dense 20), concat (dense 3) (dense 4, relu), residual (dense 7) scale=0.5")
    assert [b["fan_in"] for b in blocks[:2]] == [10, 20]
    assert [b[0]["fan_in"] for b in blocks[2]["branches"]] == [20, 20]
    assert blocks[3]["branch"][0]["fan_in"] == 7
    assert blocks[3]["scale"] == 0.5


def test_words_and_blocks_foresee_the_same() -> None:
    layer = [
        {"block": "dense", "fan_in": 64, "fan_out": 64, "scheme": "he_normal"},
        {"block": "activation", "name": "relu"},
    ]
    by_words, by_blocks = varlaw.predict("3 x (dense 64 he_normal, relu)"), varlaw.predict(layer * 3)
    assert by_words.depths == by_blocks.depths
    np.testing.assert_allclose([d.second for d in by_words.depths], predict(layer * 3).forward)


def test_the_band_holds_draws_of_a_net() -> None:
    """Ten layers of ReLU of width 64: the share of 300 keyed draws within the band of 99.9 % is at least 98 %."""
    last = varlaw.predict("10 x (dense 64 he_normal, relu)").depths[-1]
    assert last.low is not None
    assert last.high is not None
    inside = 0
    for draw in range(300):
        rng = np.random.default_rng([draw, 5])
        x = rng.normal(size=64)
        x *= 8 / np.linalg.norm(x)
        for _ in range(10):
            x = np.maximum(rng.normal(0, np.sqrt(2 / 64), (64, 64)) @ x, 0)
        inside += last.low < (x**2).mean() < last.high
    assert inside >= 294


def test_orthogonal_maps_keep_norms_and_shrink_where_they_widen() -> None:
    """|Qx|^2 / |x|^2 is 1, or Beta(32/2, 32/2) where 32 rows see 64 inputs, whose ln has the variance below."""
    square, wide, tall = (varlaw.predict(f"input 64, dense {n} orthogonal").depths[-1] for n in (64, 32, 128))
    assert [(d.second, d.low == d.high) for d in (square, wide, tall)] == [(1.0, True), (1.0, False), (0.5, True)]
    steps = predict(blocks_of("input 64, dense 32 orthogonal, scale 1, dense 128 orthogonal"))
    np.testing.assert_allclose(steps.forward_spread[1:], polygamma(1, 16) - polygamma(1, 32))
    np.testing.assert_allclose(steps.backward_spread[[0, 2]], polygamma(1, [16, 16]) - polygamma(1, [64, 64]))
    spreads = [
        predict(blocks_of(f"8 x (dense 64 {law}, relu)")).forward_spread[-1] for law in ("orthogonal", "he_normal")
    ]
    assert spreads[0] == pytest.approx(3 / 5 * spreads[1], rel=0.02)  # (5 - 2) / n a layer, of 5 / n


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("dense 5 orthogonl", "or 'orthogonal'"),
        ("dense 5 relu", "scheme='relu', but should be a law of variance"),
        ("dnse 500", "nearest: dense"),
        ("dense", "the width of dense is missing"),
        ("dense 0", "a number > 0"),
        ("dense -3", "-3"),
        ("dense 5 foo=3", "foo"),
        ("dense 5 he_norml", "he_norml"),
        ("10 x (dense 5", "closing parenthesis"),
        ("10 x", "what repeats is written"),
        ("my.models:make", "foresees a model of one's own"),
        ("relu )", "a comma or the end"),
        ("", "at least one block"),
        ("0 x (relu)", "repeats >= 1"),
        ("99999999 x (relu)", "more than"),
        ("add (relu)", "two branches"),
        ("add (dense 3) (dense 4)", "one width"),
        ("dense 4, residual (dense 5)", "width of the stream"),
        ("dropout 2", "rate=2"),
        ("leaky_relu:x", "slope"),
        ("input 3 4, relu", "'4'"),
        ("dense 3, gelu, max_pool 2", "never falls"),
        ("attention", "width"),
        ("input 64, attention heads=7", "heads=7 in .* should divide 64"),
        ("input 3, conv 64 groups=2", "groups=2 in .* should divide 3"),
        ("dense 10.5", "whole number"),
        ("dense 9 std=0.1 variance=0.2", "one size"),
        ("dense 9 he_normal std=0.1", "one size"),
        ("dense 9 std=0.1 gain=2", "one size"),
        ("dense 10,, relu", "between two commas"),
        ("100 x (dense 1000 std=1e6)", "leave float64 behind block"),
        ("dense 3 std=1e200", "leave float64 behind block 1"),
        ("dense 3 gain=1e200", "leave float64 behind block 1"),
        ("dense 9, 600 x (relu)", "behind relu is .* too small"),
        ("scale 1e200", "leave float64 behind block 1"),
        ("conv 3 3x3 stride=0", "stride=0 in .* > 0"),
        ("max_pool 3 stride=0", "stride=0 in .* > 0"),
        ("conv 3 3x²", "sides such as 3x3"),
        ("attention width=8 context=0", "context=0 in .* >= 1"),
        ("embedding 8 same=3", "share >= 0 and <= 1"),
        ("dense 3 std=1 std=2", "std= stands twice"),
        ("dense 3, input 4", "at the beginning only"),
        ("residual ()", "should hold a branch"),
        ("gate () ()", "different branches"),
    ],
)
def test_bad_words_are_one_line_and_exit_2(words: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        varlaw.predict(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"block": []}, r"block=\[\], but should be one of"),
        ({"block": "residual"}, "branch=None, but should be a list"),
        ({"block": "merge", "by": "add"}, "branches=None, but should be a list"),
        ({"block": "activation"}, "activation='None'.* but should be one of"),
        ({"block": "norm", "kind": "layr"}, "kind='layr', but should be layer, rms"),
        ({"block": "dense", "fan_in": 10**400, "fan_out": 3, "variance": 1.0}, "fan_in=1.* a number >= 0"),
        ({"block": "conv", "channels_in": 3, "channels_out": 3, "kernel": "x"}, "kernel='x', but should be numbers"),
    ],
)
def test_bad_blocks_are_one_line(block: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        varlaw.predict([block])
    assert "\n" not in str(caught.value)


def test_a_gain_counts_whatever_the_scheme() -> None:
    for scheme in ("he_normal", "lecun_normal", "lecun_uniform", "glorot_normal"):
        assert varlaw.predict(f"dense 9 {scheme} gain=3").depths[-1].second == pytest.approx(9.0)


WORDS = ("dense", "500", "relu", "(", ")", ",", "10 x", "gate", "residual", "conv", "3x3", "std=0.1", "=", ":", "input")


@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_any_words_give_a_profile_or_one_line(words: list[str]) -> None:
    says = ""
    try:
        assert varlaw.predict(" ".join(words)).depths
    except ValueError as error:
        says = str(error)
    assert "\n" not in says


class TestShown:
    def test_text_fits_80_columns(self) -> None:
        text = str(varlaw.predict(GPT))
        assert max(map(len, text.splitlines()[1:])) <= 80
        assert "rms of the signal" in text
        assert "residual attention" in text

    def test_svg_is_one_picture_the_same_each_time(self, tmp_path: Path) -> None:
        found = varlaw.predict(GPT)
        assert found.svg(tmp_path / "a.svg") == (tmp_path / "a.svg").read_text() == varlaw.predict(GPT).svg()
        root = ET.fromstring(found.svg())
        assert root.tag.endswith("svg")
        assert len(root.findall(".//{http://www.w3.org/2000/svg}polyline")) == 2

    def test_json_has_every_depth(self, tmp_path: Path) -> None:
        found = varlaw.predict("3 x (dense 8, tanh)", correlation=0.5)
        read = json.loads(found.json(tmp_path / "a.json"))
        assert read["schema"] == "varlaw.profile/1"
        assert [d["label"] for d in read["depths"]][:2] == ["input", "dense lecun_normal"]
        assert read["depths"][0]["correlation"] == 0.5

    def test_a_notebook_gets_picture_and_table(self) -> None:
        shown = varlaw.predict("dense 8, tanh")._repr_html_()
        assert "<svg" in shown
        assert "activation tanh" in shown

    def test_command(self, tmp_path: Path) -> None:
        run = CliRunner().invoke(command, ["2 x (dense 8, tanh)", "--svg", str(tmp_path / "p.svg")])
        assert run.exit_code == 0, run.output
        assert (tmp_path / "p.svg").exists()
        assert "4 blocks" in run.output

    def test_exit_codes(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert CliRunner().invoke(command, ["dnse"]).exit_code == 2
        assert CliRunner().invoke(command, ["relu", "--svg", str(tmp_path / "file" / "a.svg")]).exit_code == 3
