"""What a run stood on besides its salt: libraries, CPU, BLAS, accelerator, and the commit it was started in."""

import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version

import numpy as np

from varlaw.subjects.subject import Framework

_LIBRARIES = ("varlaw", "numpy", "scipy", "torch")


def versions(frameworks: Iterable[Framework]) -> dict[str, str]:
    """Of the frameworks under test, of what every decision stands on, and of the libraries that are loaded beside them.

    What decides may be another process: numpy and scipy are named whether or not this one has loaded them.
    """
    found = {framework.name: framework.version() for framework in frameworks}
    for library in _LIBRARIES:
        if library in sys.modules or library in ("numpy", "scipy"):
            found.setdefault(library, version(library))
    return dict(sorted(found.items()))


def cpu() -> str:
    """The model of the processor, as the system names it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a file, and only there on Linux
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def blas() -> str:
    """The linear algebra library that NumPy was built with.

    >>> bool(blas())
    True
    """
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', '')} {found.get('version', '')}".strip()


def hardware(frameworks: Iterable[Framework], device: str) -> str:
    """What the frameworks say of the device, each answer once."""
    return "; ".join(dict.fromkeys(filter(None, (framework.hardware(device) for framework in frameworks))))


def commit() -> str:
    """The commit of the repository around the working directory, "+changes" where tracked files differ; "" for none."""
    head = _git("rev-parse", "HEAD")
    return f"{head}+changes" if head and _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
