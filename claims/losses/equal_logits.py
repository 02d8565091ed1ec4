"""Claims on classification losses: equal logits cost ln C, whatever C, the batch, the dtype and the logits' level.

The bounds allow every elementary operation its rounding to the dtype, and sums the accumulation of at least float32
in any order: |fl(sum) - sum| <= gamma(n - 1) sum | |. A sum that accumulates in 16 bits stops growing (at 256 ones in
bfloat16), and shows.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic
from varlaw.evidence.exact import compare, reached
from varlaw.evidence.formats import FORMATS, Format, gamma
from varlaw.subjects.subject import Loss
from varlaw.theory.catalogue import LAWS

Floats = NDArray[np.float64]
Judging = Callable[[Loss, Trial], Finding]

_LARGE = (1e4, -1e4, 65504.0)  # the last is float16's largest number
_FEW = 8  # rows where the number of rows is not what is tried


def claims(subject: Loss) -> tuple[Claim, ...]:
    """The claims on one loss."""
    table: tuple[tuple[str, str, Judging], ...] = (
        ("loss.uniform", 'zero logits cost ln C, reduction "mean"', _uniform),
        ("loss.rows", 'zero logits cost ln C, reduction "none"', _rows),
        ("loss.shift", "equal logits cost ln C, however large they are", _shift),
        ("loss.large", "ln k for one of k largest logits, far above the rest", _large),
        ("loss.reduction", 'reduction "mean" is the mean of reduction "none"', _reduction),
    )
    return tuple(
        Claim(
            name=name, law="loss.zero_logits", statement=text, subject=subject, target=subject.name, op=subject.op,
            judge=_bind(judging, subject),
        )
        for name, text, judging in table
    )  # fmt: skip


def _bind(judging: Judging, subject: Loss) -> Callable[[Trial], Finding]:
    return lambda trial: judging(subject, trial)


def _labels(trial: Trial, rows: int) -> NDArray[np.int64]:
    return trial.key.generator().integers(0, trial.case["classes"], rows)


def working(fmt: Format) -> float:
    """The unit of the format that sums accumulate in."""
    return min(fmt.unit, FORMATS["float32"].unit)


def _rounding(fmt: Format, loss: Floats | float) -> Floats:
    """What rounding does to ln of C exponentials of 0: their sum is rounded twice at most, ln and what follows once."""
    return np.asarray(fmt.unit * (3 * np.abs(loss) + 2) + 8 * working(fmt) * (np.abs(loss) + 1))


def averaging(trial: Trial) -> float:
    """Relative rounding of a mean over the rows; in the dtype itself, 16 at a time, where a deviation foresees that."""
    fmt, rows = FORMATS[trial.dtype], trial.case["rows"]
    sixteens = 16 * math.ceil(math.log(rows, 16)) + 2 if rows > 1 else 2
    return gamma(rows + 2, working(fmt)) + (gamma(sixteens, fmt.unit) if trial.dtype_statistics else 0.0)


def number(mean: Floats) -> float:
    """A mean as reported; one that is not a number counts as infinite, so that a deviation can foresee it."""
    value = float(mean)
    return math.inf if math.isnan(value) else value


def _uniform(subject: Loss, trial: Trial) -> Finding:
    c, fmt = trial.case, FORMATS[trial.dtype]
    logits, labels = np.zeros((c["rows"], c["classes"])), _labels(trial, c["rows"])
    expected = LAWS["loss.zero_logits"].value(classes=c["classes"])
    mean = number(subject.apply(logits, labels, "mean", trial.dtype, trial.device))
    row = subject.apply(logits[:1], labels[:1], "none", trial.dtype, trial.device)
    as_its_rows = _as_its_rows(fmt, float(np.abs(row - expected).max()), expected, 8 * working(fmt) * (expected + 1))
    bound = min(float(_rounding(fmt, expected)), as_its_rows) + expected * (1 + fmt.unit) * averaging(trial)
    comparison = compare([mean], [expected], [bound])
    return deterministic(comparison, quantity="mean loss", names={"sum": c["rows"] * expected})


def _as_its_rows(fmt: Format, off: float, size: float, sums: float) -> float:
    """How far a mean may lie from the truth whose rows are `off` by that: it is rounded, and its rows may be again."""
    return off + 2 * fmt.unit * size + sums


def _exact(logits: Floats, labels: NDArray[np.int64]) -> Floats:
    """The loss of each row in float64."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    exact: Floats = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return exact


def _rows(subject: Loss, trial: Trial) -> Finding:
    c, fmt = trial.case, FORMATS[trial.dtype]
    logits, labels = np.zeros((c["rows"], c["classes"])), _labels(trial, c["rows"])
    expected = LAWS["loss.zero_logits"].value(classes=c["classes"])
    rows = np.unique(subject.apply(logits, labels, "none", trial.dtype, trial.device))
    bounds = [float(_rounding(fmt, expected))] * rows.size
    return deterministic(compare(rows.tolist(), [expected] * rows.size, bounds), quantity="loss of a row")


def _shift(subject: Loss, trial: Trial) -> Finding:
    """A backward-stable algorithm may lose what is lost by rounding the largest logit: in 16 bits that is all.

    There it is held to what is reached where the largest logit is taken off first.
    """
    c, fmt = trial.case, FORMATS[trial.dtype]
    labels = _labels(trial, _FEW)
    expected = LAWS["loss.zero_logits"].value(classes=c["classes"])
    observed, bounds = [], []
    for level in (fmt.round(v) for v in _LARGE):
        rows = np.unique(subject.apply(np.full((_FEW, c["classes"]), level), labels, "none", trial.dtype, trial.device))
        observed += rows.tolist()
        careful = _rounding(fmt, expected)
        bounds += [float(reached(careful + 2 * fmt.unit * abs(level), careful, expected))] * rows.size
    comparison = compare(observed, [expected] * len(observed), bounds)
    return deterministic(comparison, quantity="loss")


def _large(subject: Loss, trial: Trial) -> Finding:
    """Half of the logits at +1e4, the others at -1e4: probabilities of exactly 0, and a loss that must stay finite."""
    c, fmt = trial.case, FORMATS[trial.dtype]
    top, level = c["classes"] // 2, fmt.round(1e4)
    logits = np.full((2, c["classes"]), -level)
    logits[:, :top] = level
    labels = np.array([0, c["classes"] - 1])
    among = LAWS["loss.zero_logits"].value(classes=top)
    expected = np.array([among, among + 2 * level])
    observed = subject.apply(logits, labels, "none", trial.dtype, trial.device)
    careful = _rounding(fmt, expected)
    bounds = reached(careful + 2 * fmt.unit * level, careful, np.maximum(expected, 1.0))
    comparison = compare(observed.tolist(), expected.tolist(), bounds.tolist())
    return deterministic(comparison, quantity="loss")


def _reduction(subject: Loss, trial: Trial) -> Finding:
    """Both reductions on random logits: the mean is as close to the truth as the rows are, rounded twice more."""
    c, fmt = trial.case, FORMATS[trial.dtype]
    rng, labels = trial.key.at(block=1).generator(), _labels(trial, c["rows"])
    logits = fmt.round_all(3 * rng.standard_normal((c["rows"], c["classes"])))
    rows = subject.apply(logits, labels, "none", trial.dtype, trial.device)
    mean = number(subject.apply(logits, labels, "mean", trial.dtype, trial.device))
    size = float(np.abs(rows).mean())
    if not np.isfinite(size):
        msg = "rows that are not finite have no mean to compare with; loss.large and loss.shift speak of them"
        raise NotApplicable(msg)
    # The rows themselves: shifted logits, exponentials, the sum over C, ln and the difference, each rounded.
    largest, sums = float(np.abs(logits).max()), gamma(c["classes"] + 8, working(fmt))
    of_rows = 2 * (fmt.unit * (3 * size + 2 * largest) + sums)
    off = float(np.abs(rows - _exact(logits, labels)).mean())
    bound = min(of_rows, _as_its_rows(fmt, off, size, sums * (1 + largest + size))) + size * averaging(trial)
    comparison = compare([mean], [float(rows.mean())], [bound])
    return deterministic(comparison, quantity="mean loss", names={"sum": c["rows"] * size})
