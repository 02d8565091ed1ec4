"""What a process frees it keeps, where the C library can be told so; elsewhere nothing happens."""

import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from varlaw.verify import memory


def test_glibc_is_told_and_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(sys, "platform", "linux")
    libraries: list[Any] = [SimpleNamespace(mallopt=lambda what, size: told.append((what, size))), SimpleNamespace()]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: libraries.pop(0))
    memory.keep()
    assert {what for what, _ in told} == {-1, -3}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
    memory.keep()  # musl has no mallopt
    assert not libraries
    monkeypatch.setattr(sys, "platform", "darwin")
    memory.keep()
