"""The public names of equinox that hold parameters, normalise or drop, and the reasons for those without a row."""

import inspect
from collections.abc import Iterator, Mapping


def PUBLIC() -> Iterator[str]:
    """Every module class under equinox.nn."""
    import equinox as eqx

    for name, value in vars(eqx.nn).items():
        if inspect.isclass(value) and issubclass(value, eqx.Module) and not name.startswith("_"):
            yield f"equinox.nn.{name}"


_PLAIN = "holds no parameters and draws nothing"
LEFT_OUT: Mapping[str, str] = {
    "equinox.nn.*Pool*": _PLAIN,
    "equinox.nn.Conv": "base class of the classes that have rows",
    "equinox.nn.ConvTranspose": "base class of the classes that have rows",
    "equinox.nn.Identity": _PLAIN,
    "equinox.nn.Lambda": _PLAIN,
    "equinox.nn.Sequential": "a container",
    "equinox.nn.Shared": "a container",
    "equinox.nn.State*": "a container of running statistics",
}
