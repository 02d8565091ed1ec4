"""What lies between the last map of a model and its loss, read off the graph of the loss after the fact.

The model can be run again, the loss cannot: what it is made of is known only by the names of its operations. Those are
named that have no finite value, or no finite slope, somewhere.
"""

from typing import Any

_SINGULAR = frozenset(
    ["log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "exp", "expm1", "acos", "asin", "acosh", "atanh",
     "tan", "cosh", "sinh", "xlogy", "std", "linalgvectornorm", "norm", "lgamma", "digamma", "erfinv", "logit"]
)  # fmt: skip
_PERHAPS = frozenset(["div", "pow"])  # most of them are harmless: named where nothing else is
_MAPS = ("addmm", "mm", "bmm", "baddbmm", "convolution", "embedding", "native", "scaleddot", "mkldnn", "cudnn",
         "accumulategrad", "compiledfunction")  # fmt: skip
_MOST = 256  # operations that are looked at


def singular(node: Any) -> tuple[str, ...]:
    """Names of such operations from the loss backwards, up to the maps with parameters.

    >>> import torch
    >>> x = torch.nn.Linear(3, 2)(torch.ones(1, 3))
    >>> singular(x.softmax(-1).log().mean().grad_fn)
    ('log',)
    """
    found: dict[str, None] = {}
    waiting: list[Any] = [node]
    seen: set[Any] = set()
    while waiting and len(seen) < _MOST:
        node = waiting.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        name = node.name().split("Backward")[0].split("::")[-1].lower()
        if not name.startswith(_MAPS):
            found[name] = None
            waiting += [after for after, _ in node.next_functions]
    surely = tuple(name for name in found if name in _SINGULAR)
    return surely or tuple(name for name in found if name in _PERHAPS)
