"""Risk, fixed before the data: the false-alarm rate alpha, the false-conform rate beta, and delta, what must be found.

Passing costs do not depend on alpha (1.86e5 samples at delta 1 % for every alpha from 1e-3 to 1e-18), so alpha is
1e-12 everywhere: a year of 4.8e8 decisions has 5e-4 expected false alarms. Beta is what a pass costs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """What a decision must find and at what risk.

    `delta` is a relative error of the standard deviation in one case, `pooled` one that all cases of a claim share; a
    decision looks after `first` scalars and then each time the evidence has grown by `growth`; `max_tensors` bounds the
    calls of a sampler of small tensors. A pattern of places that is a few percent of a std shows in no single tensor,
    so where the scale conforms already, tensors are drawn on, up to `redraws`, and compared place by place: 640 of
    64 x 64 find one entry that is off by 0.6 std, one row by 7 %, any pattern of means of 3 %.
    """

    name: str
    delta: float
    beta: float
    alpha: float = 1e-12
    pooled: float = 1.0  # delta of a claim pooled over its cases; 1: no smaller than that of one case
    first: int = 1024
    growth: float = 0.05
    max_tensors: int = 20_000
    battery: int = 100_000  # scalars that the battery looks at
    min_scalars: int = 100_000  # of shape evidence before CONFORMS, where `min_tensors` hold as many
    min_tensors: int = 64
    redraws: int = 0  # tensors drawn before CONFORMS, for patterns that all of them share,
    redraw_samples: int = 2_700_000  # as long as they hold no more scalars than that
    max_samples: int | None = None  # stop here, undecided, even where the test would go on
    gamma: float = 1e-3  # the displayed interval misses the truth at most this often, at whatever moment one looks

    def __post_init__(self) -> None:
        for name in ("delta", "alpha", "beta", "growth", "gamma"):
            if not 0 < getattr(self, name) < 1:
                msg = f"{name}={getattr(self, name)!r}, but should be a number > 0 and < 1 [policy {self.name}]"
                raise ValueError(msg)


POLICIES = {
    p.name: p
    for p in (
        Policy("pr", delta=0.05, beta=1e-3, pooled=0.01, battery=20_000, min_scalars=4096, min_tensors=16),
        Policy("nightly", delta=0.01, beta=1e-6, pooled=0.005, max_tensors=120_000, redraws=640),
        Policy("release", delta=0.001, beta=1e-6, max_tensors=200_000, redraws=640),
    )
}


def policy(name: object) -> Policy:
    """The policy of that name; `ValueError` naming the ones there are."""
    if not isinstance(name, str) or name not in POLICIES:
        msg = f"policy={name!r}, but should be one of {', '.join(POLICIES)}"
        raise ValueError(msg)
    return POLICIES[name]
