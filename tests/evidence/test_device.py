"""The reduction stays on the tensor's device and comes back to the host once, with six numbers."""

from typing import Any

import numpy as np
import pytest

from varlaw.evidence import state
from varlaw.evidence.state import reduce

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_only_six_numbers_leave_the_device(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake cuda tensors have no data: any host synchronisation but the last would raise."""
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    left: list[tuple[str, tuple[int, ...]]] = []

    def tolist(self: Any) -> list[float]:
        left.append((self.device.type, tuple(self.shape)))
        return [0.0, 1.0, 0.0, 1.0, 1.0, -1.0]

    with FakeTensorMode():
        x = torch.empty(300, 1000, dtype=getattr(torch, dtype), device="cuda")
        monkeypatch.setattr(FakeTensor, "tolist", tolist)
        reduced = reduce(x, unit=0.5)
    assert left == [("cuda", (6,))]
    assert reduced.n == 300_000


def test_a_synchronisation_would_be_seen() -> None:
    from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        torch.empty(4, device="cuda").sum().item()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_real_device_gives_the_same_sums() -> None:
    x = torch.randn(1 << 20, generator=torch.Generator().manual_seed(1))
    ours, theirs = reduce(x.cuda()), reduce(x)
    assert (ours.n, ours.peak) == (theirs.n, theirs.peak)
    assert ours.squares == pytest.approx(theirs.squares, rel=1e-12)


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_NUMPY_BLOCK", 7)
    x = np.arange(100.0)
    assert reduce(x).squares == float((x**2).sum())
