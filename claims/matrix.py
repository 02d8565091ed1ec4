"""Which claim is asked of which kind of subject: the matrix of a run, and a reason for each of its holes.

A claim and a kind belong together where they stand in one table: both are of weights, of norms, of clipping, ... A hole
is a claim that is asked of some kinds of its table and of no subject of another. `holes.toml` says why, claim by claim;
a test holds it to be exact, so that a claim on a new kind, or a new claim, is asked or explained.
"""

import fnmatch
import functools
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import NamedTuple

from varlaw.claims.tables import claims_of
from varlaw.subjects.subject import Experiment, Sampler, Subject

# Kinds of weights -> the ops whose cases they are tried in. A kind of any other subject is its op.
WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "function of a shape": ("shape", "sample", "bulk", "matrix", "square", "dirac", "draw_*"),
    "initialiser of a layer": ("fill*", "stacked"),
    "dense": ("linear", "orthogonal_linear", "bilinear", "heads"),
    "convolution": ("conv?d", "conv?d_ungrouped"),
    "transposed convolution": ("conv_transpose*",),
    "depthwise": ("depthwise_*", "separable_*"),
    "embedding": ("embedding*", "adaptive_softmax"),
    "recurrent": ("recurrent", "conv_lstm*"),
    "attention": ("attention*", "transformer"),
    "vector": ("features",),
    "adapter": ("adapter",),
    "shard": ("sharded",),
}


class Table(NamedTuple):
    """One kind of record, e.g. `Norm`: how many subjects of each kind there are, and of how many a claim is asked."""

    record: str
    subjects: Counter[str]
    asked: dict[str, Counter[str]]

    def holes(self) -> Iterator[tuple[str, str]]:
        """(claim, kind) of which no subject is asked."""
        return ((claim, kind) for claim, asked in self.asked.items() for kind in self.subjects if not asked[kind])


def tables(subjects: Iterable[Subject]) -> list[Table]:
    """The matrix of some subjects, a table for each kind of record.

    Experiments are left out: each has laws of its own, and that every law has one is another test's matter.
    """
    found: dict[str, Table] = {}
    for subject in subjects:
        if isinstance(subject, Experiment):
            continue
        record, kind = type(subject).__name__, kind_of(subject)
        table = found.setdefault(record, Table(record, Counter(), {}))
        table.subjects[kind] += 1
        for claim in dict.fromkeys(claim.name for claim in claims_of(subject)):
            table.asked.setdefault(claim, Counter())[kind] += 1
    return list(found.values())


def kind_of(subject: Subject) -> str:
    """The column of a subject; `LookupError` for an op of weights that no kind has.

    >>> from varlaw.subjects.registry import named
    >>> kind_of(named("varlaw.numpy.he_normal")), kind_of(named("varlaw.numpy.rms_norm"))
    ('initialiser of a layer', 'rms_norm')
    """
    if not isinstance(subject, Sampler):
        return subject.op
    kinds = [kind for kind, ops in WEIGHTS.items() if any(fnmatch.fnmatchcase(subject.op, op) for op in ops)]
    if not kinds:
        msg = f"op {subject.op!r} of {subject.name} belongs to no kind of weights [claims.matrix.WEIGHTS]"
        raise LookupError(msg)
    return kinds[0]


@functools.cache
def reasons() -> Mapping[tuple[str, str, str], str]:
    """Globs over (record, claim, kind) -> why such a claim is not asked of such a kind, in the order of the file."""
    text = (resources.files("varlaw.claims") / "holes.toml").read_text(encoding="utf-8")
    return {
        (record, claim, kind): why
        for record, claims in tomllib.loads(text).items()
        for claim, kinds in claims.items()
        for kind, why in kinds.items()
    }


def reason(record: str, claim: str, kind: str) -> str:
    """Why a claim is not asked of a kind; "" where nobody said."""
    return next((why for key, why in reasons().items() if _speaks(key, (record, claim, kind))), "")


def unused(found: Iterable[Table]) -> list[str]:
    """Reasons that no hole of these tables needs."""
    holes = [(table.record, *hole) for table in found for hole in table.holes()]
    first = {next((key for key in reasons() if _speaks(key, hole)), None) for hole in holes}
    return [" ".join(key) for key in reasons() if key not in first]


def _speaks(key: tuple[str, str, str], hole: tuple[str, str, str]) -> bool:
    return all(map(fnmatch.fnmatchcase, hole, key))
