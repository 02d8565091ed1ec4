"""Record what one version of a framework starts with: its laws identified, its constants measured, errors and all."""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from varlaw.evidence.streams import Key
from varlaw.identify import of_subject
from varlaw.identify.baseline.facts import measured
from varlaw.identify.baseline.records import KEPT, SCHEMA, Baseline, Fact, Failed
from varlaw.identify.baseline.sound import BaselineError
from varlaw.identify.records import Identified
from varlaw.subjects.subject import Model, Sampler, Subject
from varlaw.subjects.targets import runnable

_LIBRARIES = ("numpy", "torch", "jax", "tensorflow", "keras")
Progress = Callable[[int, int, str], None]


def record(targets: str | Sequence[str], salt: str, progress: Progress = lambda done, total, name: None) -> Baseline:
    """The baseline of every subject that the targets name, frameworks or globs.

    progress: is called with how many subjects are done, of how many, and which one comes next.

    A subject that raises is recorded as failed and the others still run; one that raises `LookupError` says that this
    version does not have it. Raises `NothingSelected` or `CannotRun` as `verify` does, `BaselineError` where nothing
    could be recorded.
    """
    targets = (targets,) if isinstance(targets, str) else tuple(targets)
    subjects, absent = runnable(targets, (object,))
    tensors: list[Identified] = []
    facts: list[Fact] = []
    failed = [Failed(subject=a.framework, error=a.reason) for a in absent]
    for i, subject in enumerate(subjects):
        progress(i, len(subjects), subject.name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # advice on defaults is no evidence about them
                tensors += _tensors(subject, salt)
                facts += measured(subject, Key(salt, f"baseline:{subject.name}"))
        except LookupError:
            continue
        except Exception as error:  # whatever a framework raises is its own record, and the others still run
            text = " ".join(f"{type(error).__name__}: {error}".split())
            failed.append(Failed(subject=subject.name, error=text[:300]))
    target = " ".join(targets)
    if not tensors and not facts:
        msg = f"nothing of {target!r} could be recorded: {failed[0].error if failed else 'this version has none of it'}"
        raise BaselineError(msg)
    return _baseline(target, salt, subjects, tensors, facts, failed)


def _baseline(
    target: str, salt: str, subjects: list[Subject], tensors: list[Identified], facts: list[Fact], failed: list[Failed]
) -> Baseline:
    versions = {s.framework.name: s.framework.version() for s in subjects}
    libraries = {name: str(sys.modules[name].__version__) for name in _LIBRARIES if name in sys.modules}
    return Baseline(
        schema=SCHEMA, varlaw=version("varlaw"), target=target, versions=dict(sorted(versions.items())),
        libraries=libraries, salt=salt, tensors=tensors, facts=facts, failed=failed,
        looked=[s.name for s in subjects], keeps=list(KEPT),
    )  # fmt: skip


def _tensors(subject: Any, salt: str) -> Iterator[Identified]:
    if isinstance(subject, Sampler | Model):
        yield from (_lean(one, isinstance(subject, Model)) for one in of_subject(subject, salt))


def _lean(one: Identified, model: bool) -> Identified:
    """Without what a comparison does not need: runners-up, and the sums of what is constant."""
    reading = msgspec.structs.replace(one.reading, runner_up="", family_runner_up="", same=[], fit_p=None, lead=None)
    plain = reading.family in ("constant", "identity", "dirac") and (reading.constant is None or not reading.law)
    return msgspec.structs.replace(one, reading=reading, cases=[] if plain and reading.law else one.cases, version="")
