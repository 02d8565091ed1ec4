"""Laws without chance in them, asked of many seeds: a sampler may be right for most and wrong for some.

n tensors that are right, from keyed seeds, miss a fault of a share s of the seeds with probability (1 - s)^n.
"""

import math


def tensors_for(share: float, beta: float) -> int:
    """How many tensors find a fault in a share of the seeds or more, but for a risk beta.

    >>> tensors_for(0.01, 1e-6), tensors_for(0.05, 1e-3)
    (1375, 135)
    """
    return math.ceil(math.log(beta) / math.log1p(-share))


def words(tensors: int, beta: float) -> str:
    """What so many right tensors say.

    >>> words(135, 1e-3)
    '135 seeds: a fault in 5 % of them or more is missed with risk 0.001'
    """
    share = -math.expm1(math.log(beta) / tensors)
    return f"{tensors} seeds: a fault in {100 * share:.2g} % of them or more is missed with risk {beta:g}"
