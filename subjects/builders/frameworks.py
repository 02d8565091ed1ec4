"""The library that a row is of, by the first part of its name: its version as it is installed."""

import functools
import importlib
import re
import sys
from contextlib import nullcontext
from importlib import metadata

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.builders.instances import draws_of
from varlaw.subjects.libraries import floats, rounded


@functools.cache
def framework_of(name: str) -> Boundary:
    """The boundary to the library that a row's name begins with; its version is "0" where nothing says it.

    Its arrays are NumPy's, and what is somebody's own is handed the seed.

    >>> framework_of("numpy.mine").name
    'numpy'
    """
    library = re.split("[.:]", name)[0]
    return Boundary(
        name=library,
        version=lambda: _version(library),
        devices=_devices,
        array=lambda x, dtype, device: rounded(x, dtype),
        floats=floats,
        draws=draws_of,
        chance=lambda seed, dtype, device: nullcontext(seed),
    )


@functools.cache
def _version(library: str) -> str:
    from packaging.version import InvalidVersion, Version

    for found in (_of_distribution, _of_module):
        try:
            return str(Version(found(library)))
        except (metadata.PackageNotFoundError, ImportError, AttributeError, TypeError, InvalidVersion):
            continue
    return "0"


def _of_distribution(library: str) -> str:
    named = metadata.packages_distributions().get(library, [library])
    return metadata.version(named[0])


def _of_module(library: str) -> str:
    return str(importlib.import_module(library).__version__)


def _devices() -> tuple[str, ...]:
    torch = sys.modules.get("torch")
    return ("cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count() if torch else 0)))
