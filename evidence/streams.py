"""Keyed randomness: every draw is addressed by what it is for, never by when it happens.

`seed = H(salt, claim, canonical JSON of the parameters, stage, block)`. The same key gives the same bits on every
re-run, worker and replay, so Hypothesis never meets flakiness; another salt gives fresh evidence. Hypothesis draws
shapes, gains and dtypes, never seeds.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# The epoch of pinned evidence: runs of one version repeat the same decisions until somebody asks for another salt.
SALT = "2026-11-22"


def check_salt(salt: Any) -> None:
    """Refuse a salt that is no part of a replay key; `ValueError` in one line."""
    if not isinstance(salt, str) or not re.fullmatch(r"[A-Za-z0-9._+-]+", salt):
        got = repr(salt) if isinstance(salt, str) else type(salt).__name__
        msg = f"salt={got}, but should be letters, digits and any of . _ + -"
        raise ValueError(msg)


def canonical(params: Mapping[str, Any]) -> str:
    """`params` as JSON with sorted names and no spaces: the one spelling that keys and ledgers use.

    >>> canonical({"stride": 2, "inputs": 16})
    '{"inputs":16,"stride":2}'
    """
    return _ENCODER.encode(params)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)  # made once, not with each call


@dataclass(frozen=True)
class Key:
    """The address of a stream: `params` is `canonical` JSON, `stage` 1 is an independent confirmation."""

    salt: str
    claim: str
    params: str = "{}"
    stage: int = 0
    block: int = 0

    def at(self, *, block: int, stage: int | None = None) -> "Key":
        """The key of another block (and stage) of the same decision."""
        return replace(self, block=block, stage=self.stage if stage is None else stage)

    @property
    def seed(self) -> int:
        """A 63-bit seed, as every framework's seeding call accepts it.

        >>> Key("salt", "claim").seed == Key("salt", "claim").seed != Key("salt", "claim", block=1).seed
        True
        """
        return int.from_bytes(self._digest()[:8]) >> 1

    def generator(self) -> "np.random.Generator":
        """A NumPy generator on the Philox counter stream of this key (128 bits of it)."""
        from varlaw.evidence.seeding import philox  # records and reports read salts and keys without NumPy

        return philox(int.from_bytes(self._digest()[8:24]))

    def _digest(self) -> bytes:
        fields = [self.salt, self.claim, self.params, str(self.stage), str(self.block)]
        return hashlib.blake2b(json.dumps(fields).encode(), digest_size=24, person=b"varlaw.stream.1").digest()
