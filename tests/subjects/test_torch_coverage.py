"""What torch's own namespaces hold: lazy modules become classes that have rows, and the enumeration sees layers."""

import pytest

from varlaw.subjects.registry import subjects

torch = pytest.importorskip("torch")


def test_lazy_modules_become_their_eager_class() -> None:
    lazy = [c for n, c in vars(torch.nn).items() if n.startswith("Lazy")]
    covered = {s.name.split(".")[2] for s in subjects("torch") if s.name.startswith("torch.nn.")}
    assert lazy
    assert {c.cls_to_become.__name__ for c in lazy} <= covered


def test_the_enumeration_finds_layers_samplers_and_clipping() -> None:
    from varlaw.subjects.torch import PUBLIC

    found = set(PUBLIC())
    wanted = {"nn.Linear", "nn.Conv2d", "nn.LSTM", "nn.MultiheadAttention", "nn.PReLU", "nn.LayerNorm", "nn.Dropout"}
    wanted |= {"nn.init.kaiming_normal_", "nn.utils.clip_grad_norm_", "nn.functional.rms_norm", "randn"}
    assert {f"torch.{n}" for n in wanted} <= found
    assert not found & {"torch.nn.ReLU", "torch.nn.MaxPool2d", "torch.nn.Sequential"}
