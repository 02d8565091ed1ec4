"""Rows of torch draw where they are told to: shown on fake CUDA tensors, and on real ones where there are any."""

from typing import Any

import numpy as np
import pytest

from varlaw.claims.domains import CASES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import subjects
from varlaw.subjects.subject import Activation, Experiment, Network, Sampler
from varlaw.subjects.torch import activations, networks
from varlaw.subjects.torch.experiments import running

torch = pytest.importorskip("torch")

# Our own functions take a seed and are shown on fake devices in tests/impl/test_devices.py.
# What is sharded is drawn by processes of its own, on a mesh of CPUs.
_SAMPLERS = [s for s in subjects("torch") if isinstance(s, Sampler) and not s.name.startswith("torch.distributed.")]
# These read values to choose or to check, which a tensor without data cannot answer.
_READ_VALUES = {"torch.nn.init.trunc_normal_", "torch.nn.init.sparse_", "torch.nn.Transformer"}


def _case(sampler: Sampler) -> dict[str, Any]:
    return CASES[sampler.op].enumerate(Key("device", "cases"), 0)[0]


@pytest.mark.parametrize("sampler", [s for s in _SAMPLERS if s.name not in _READ_VALUES], ids=lambda s: s.name)
def test_draws_stay_on_a_fake_device(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    for name in ("manual_seed", "get_rng_state", "set_rng_state"):
        monkeypatch.setattr(torch.cuda, name, lambda *given: None)
    case = _case(sampler)
    if sampler.shape:
        sampler.shape(case)  # measured on real layers, once, outside the mode
    with FakeTensorMode():
        try:
            (instance,) = sampler.draws(case, "float32", "cuda", 1, 1)
        except RuntimeError as error:
            if "cuda" in str(error).lower() and "not linked" in str(error).lower():
                pytest.skip("this build of torch cannot index fake CUDA tensors")
            raise
        assert {str(x.device) for x in instance.values()} <= {"cuda:0", "cuda"}


def test_experiments_make_everything_on_their_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """On fake tensors of a device that is not the CPU two devices do not mix; what reads values cannot be run so."""
    from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError, FakeTensorMode

    made: list[str] = []
    monkeypatch.setattr(running, "floats", lambda x: made.append(x.device.type))
    mixed, ran = [], 0
    for row in (row for row in subjects("torch") if isinstance(row, Experiment)):
        made.clear()
        case = CASES[row.op].enumerate(Key("device", "cases"), 0)[0]
        try:
            with FakeTensorMode():
                row.run(case, "float32", "meta", 1, 2)
        except FakeTensorDeviceMismatchError as error:
            mixed.append(f"{row.name}: {error}")
        except Exception:  # it reads values, which a fake tensor has none of
            continue
        ran += "meta" in made
    assert not mixed
    assert ran > 60


def test_activations_and_networks_compute_on_their_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    made: list[str] = []
    for room in (activations, networks):
        monkeypatch.setattr(room, "floats", lambda x: made.append(x.device.type))
    rows = [row for row in subjects("torch") if isinstance(row, Activation | Network)]
    elsewhere = []
    for row in rows:
        made.clear()
        with FakeTensorMode():
            if isinstance(row, Activation):
                row.apply(np.ones(4), "float32", "meta")
            else:
                list(row.draws(CASES[row.op].enumerate(Key("device", "cases"), 0)[0], "float32", "meta", 1, 1))
        if set(made) != {"meta"}:
            elsewhere.append(row.name)
    assert len(rows) > 30
    assert not elsewhere


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("sampler", _SAMPLERS, ids=lambda s: s.name)
def test_draws_stay_on_a_real_device(sampler: Sampler) -> None:
    (instance,) = sampler.draws(_case(sampler), "float32", "cuda:0", 1, 1)
    assert {x.device.type for x in instance.values()} == {"cuda"}
