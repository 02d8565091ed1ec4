"""Which of the selected subjects can run here: frameworks that are missing or broken are named, never passed over.

A layer that the installed version does not have is not applicable, whoever asked: rows speak of several versions.

A framework that is not installed is not applicable where a wide glob reached it; asked for by name, or installed but
failing to import, it is an error of the run, and the other subjects still run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType

from varlaw.subjects.subject import Framework, Subject


@dataclass(frozen=True)
class Absence:
    """A framework that cannot run, why, and whether that is an error."""

    framework: str
    reason: str
    error: bool


def available(
    selected: Iterable[Subject], device: str, targets: Iterable[str] = ()
) -> tuple[list[Subject], list[Absence]]:
    """The subjects that can run on `device`, and every framework of the others with its reason.

    targets: the globs that selected them; one that begins with a framework's name asks for that framework.
    """
    present: list[Subject] = []
    reasons: dict[str, Absence | None] = {}
    for subject in selected:
        name = subject.framework.name
        if name not in reasons:
            asked = any(target == name or target.startswith(f"{name}.") for target in targets)
            reasons[name] = _absence(subject.framework, device, asked)
        if reasons[name] is None:
            present.append(subject)
    return present, [absence for absence in reasons.values() if absence]


def _absence(framework: Framework, device: str, asked: bool) -> Absence | None:
    try:
        framework.version()
        devices = framework.devices()
    except Exception as error:  # whatever an import runs into is this framework's error, and no other's
        module = framework.name.rpartition(".")[2]
        if isinstance(error, ImportError) and find_spec(module) is None:  # whichever of its imports failed first
            return Absence(framework.name, f"{framework.name} is not installed (No module named {module!r})", asked)
        return _broken(framework, error)
    if device not in devices:
        others = f", only {', '.join(devices)}" if devices else " here (a compiler or a driver is missing)"
        return Absence(framework.name, f"{framework.name} has no device {device}{others}", asked)
    return None


def _broken(framework: Framework, error: Exception) -> Absence:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return Absence(framework.name, f"{framework.name} cannot be imported ({text[:300]})", error=True)


def missing(error: BaseException, subject: Subject) -> str:
    """What the installed version does not have, where `error` says that it is what the subject is named after.

    An attribute of another name is a fault of the row, or of the framework.
    """
    if not isinstance(error, AttributeError) or not isinstance(error.obj, ModuleType):
        return ""
    module, framework = error.obj.__name__, subject.framework
    named_after = error.name in subject.name.replace("(", ".").split(".")
    if module.partition(".")[0] != framework.name.partition(".")[0] or not named_after:
        return ""
    return f"{framework.name} {framework.version()} has no {module}.{error.name}"
