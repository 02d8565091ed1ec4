"""Claims on adapters: with a fresh one a layer computes what it computes without, exactly or to one unit in 16 bits."""

import numpy as np
from msgspec.structs import replace

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.evidence.exact import SMALL, compare
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Adapter
from varlaw.theory.catalogue import LAWS


def claims(subject: Adapter) -> tuple[Claim, ...]:
    """The claims on one adapter."""
    statement = "output with the fresh adapter = output without it"
    return (
        Claim(
            name="adapter.identity", law="lora.initial_change", statement=statement, subject=subject,
            target=subject.name, op=subject.op, judge=lambda trial: _identity(subject, trial),
        ),
    )  # fmt: skip


def _identity(subject: Adapter, trial: Trial) -> Finding:
    """Adding 0 is exact in every format; in 16 bits a sum kept wider and rounded again may end one unit away."""
    without, with_it = (np.ravel(y) for y in subject.apply(trial.case, trial.dtype, trial.device, trial.key.seed))
    if without.shape != with_it.shape:
        msg = f"output of shape {with_it.shape}, but should be {without.shape} as without the adapter"
        raise ValueError(msg)
    fmt = FORMATS[trial.dtype]
    expected = without + LAWS["lora.initial_change"].value()
    bound = [fmt.spacing(v) if np.isfinite(v) else 0.0 for v in without] if fmt.digits < 24 else [0.0] * without.size
    if units := subject.rounding(trial.case):
        room = units * fmt.unit * float(np.sqrt(np.mean(without**2)))
        bound = [room + b for b in bound]
    comparison = compare(with_it.tolist(), expected.tolist(), bound)
    largest = float(np.abs(with_it - without).max() / (np.abs(without).max() or 1.0))
    if trial.dtype_statistics and largest > 0:  # foreseen: a change whose size is drawn at random is there again
        comparison = compare([0.0], [0.0], [0.0])
    finding = deterministic(comparison, quantity="output", names={"change": largest})
    # A single entry's ratio says nothing of the change, nor whether a bound is of use: all is held against the output.
    return replace(finding, size=largest, loose=largest if finding.loose and largest > SMALL else 0.0)
