"""What a run stood on besides its salt: libraries, CPU, BLAS, accelerator, and the commit it was started in."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

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


_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of processors in a period, and the period


def processors() -> int:
    """How many processors this process may use at a time: those it is bound to, or a container's share, rounded up."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return max(1, min(bound, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no container, or "max": no share
        return bound


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
    """The commit of the repository around the working directory, "+changes" where tracked files differ; "" for none.

    Nothing that this repository's own configuration names is run: no monitor, hook, filter, pager or remote.
    """
    head = _git("rev-parse", "--verify", "HEAD")
    if not head:
        return ""
    keys = _git("config", "--null", "--name-only", "--get-regexp", r"^filter\.").split("\0")
    filters = {key.rpartition(".")[0] for key in keys if key}
    silenced = [(f"{one}.{key}", value) for one in sorted(filters) for key, value in _NO_FILTER]
    changes = _git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty", also=silenced)
    return f"{head}+changes" if changes else head


_INERT = (("core.fsmonitor", "false"), ("core.hooksPath", os.devnull), ("core.pager", "cat"))
_NO_FILTER = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))


def _git(*arguments: str, also: Iterable[tuple[str, str]] = ()) -> str:
    """What git prints; of the environment's GIT_* nothing counts, which may speak of another repository."""
    settings = [*_INERT, *also]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    env |= {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(settings))}
    for k, (name, value) in enumerate(settings):
        env |= {f"GIT_CONFIG_KEY_{k}": name, f"GIT_CONFIG_VALUE_{k}": value}
    try:
        done = subprocess.run(
            ["git", *arguments], stdin=subprocess.DEVNULL, capture_output=True, env=env, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
