"""What the author meant, said by the rules that `initialise` takes: its own models conform, others do not."""

import pytest
import torch
from torch import nn

from tests.diagnose.models import batch
from varlaw import check_model
from varlaw.impl.torch import initialise
from varlaw.impl.torch.rules import Rule

X, IMAGES, ROWS = batch("vector"), torch.randn(8, 4, 8, 8), torch.randn(8, 5, 16)


def mixed() -> nn.Module:
    ends = nn.Flatten(), nn.Linear(6 * 14 * 14, 32), nn.Linear(32, 32), nn.Linear(32, 5)
    return nn.Sequential(nn.Conv2d(4, 8, 3, groups=2), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 6, 4, 2), *ends)


MIXED = [
    Rule("1.weight", "normal", mean=1.0, std=0.02), Rule("*.bias", "zeros"),
    Rule("2.weight", "uniform", mode="fan_avg"), Rule("4.weight", "uniform", low=-0.1, high=0.2),
    Rule("5.weight", "orthogonal", gain=1.4), Rule("6.weight", "keep"),
    Rule("*", "truncated_normal", gain=1.4, module=nn.Module),
]  # fmt: skip
PACKED = [Rule("*norm*.weight", "ones"), Rule("*bias", "zeros"), Rule("*", "uniform", mode="fan_avg")]
GATED = [Rule("*bias*", "zeros"), Rule("weight_hh*", "orthogonal", part="g"), Rule("weight*", "normal", mode="fan_out")]
CLASSES = [Rule("*.bias", "zeros"), Rule("0.*", "normal", std=0.3, module=nn.Linear), Rule("*", "identity")]
MODELS = {
    "mixed": (mixed, IMAGES, MIXED),
    "packed": (lambda: nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True), ROWS.repeat(1, 1, 2), PACKED),
    "gated": (lambda: nn.LSTM(16, 32, batch_first=True), ROWS, GATED),
    "classes": (lambda: nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8)), X, CLASSES),
}


def _built(name: str) -> nn.Module:
    model = MODELS[name][0]()
    initialise(model, MODELS[name][2], key=int(torch.randint(2**31, ())))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_what_rules_wrote_is_what_they_promise(name):
    _, x, rules = MODELS[name]
    report = check_model(lambda: _built(name), x, expect=rules)
    assert not [f for f in report.findings if f.outcome in ("VIOLATES", "UNDECIDED")], report


SCALED = [
    ("mixed", "1.weight"), ("mixed", "4.weight"), ("mixed", "5.weight"), ("packed", "self_attn.in_proj_weight"),
    ("gated", "weight_ih_l0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameter"), SCALED)
def test_another_scale_is_found(name, parameter):
    def build():
        model = _built(name)
        with torch.no_grad():
            model.get_parameter(parameter).mul_(1.2)
        return model

    report = check_model(build, MODELS[name][1], expect=MODELS[name][2])
    assert parameter in {n for f in report.findings if f.outcome == "VIOLATES" for n in f.where}, report


@pytest.mark.parametrize(("expect", "kind"), [({"0.weight": 3}, TypeError), ({"0.weight": None}, TypeError),
                                              ({"0.weight": "orthogonal(x)"}, ValueError), ([1], TypeError),
                                              ([Rule("none*", "zeros")], ValueError)])  # fmt: skip
def test_what_is_no_law_is_refused(expect, kind):
    with pytest.raises(kind, match=r"expect.*\[check_model\]"):
        check_model(nn.Sequential(nn.Linear(32, 4)), X, expect=expect)
