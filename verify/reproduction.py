"""A violation in a few lines of Python, without the engine: to look at, to change, and to send upstream.

A documented deviation has a script of its own where somebody wrote one; for the spread of a drawn tensor one is made.
"""

from varlaw.claims.claim import Case, Finding
from varlaw.claims.verdict import Deviation, Outcome
from varlaw.subjects.subject import Sampler, Subject
from varlaw.verify import deviations

_DRAWN = """\
import numpy as np
from varlaw.subjects.registry import named
from varlaw.evidence.state import float64

subject = named({name!r})  # runs the framework's own code
drawn = subject.draws({case!r}, {dtype!r}, {device!r}, 1, 100)  # seed, instances
x = np.concatenate([float64(tensors[{tensor!r}]).ravel() for tensors in drawn])
print(f"std {{x.std():.6g}}, expected {expected:.6g}")
"""


def reproduction(
    subject: Subject, target: str, case: Case, dtype: str, device: str, finding: Finding, known: Deviation | None
) -> str:
    """The script for a finding, or nothing where it violates no law or no script can say why."""
    if finding.outcome is not Outcome.VIOLATES:
        return ""
    written = deviations.reproductions().get(known.id, "") if known else ""
    if written or not isinstance(subject, Sampler) or finding.quantity != "std" or finding.expected is None:
        return written
    tensor = target.removeprefix(subject.name).removeprefix(".")
    if tensor not in {t.name for t in subject.tensors}:
        return ""
    return _DRAWN.format(
        name=subject.name, case=dict(case), dtype=dtype, device=device, tensor=tensor, expected=finding.expected
    )
