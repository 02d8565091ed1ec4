"""The words that make one block of a network in words: `dense 500 he_normal`, `conv 64 3x3 stride=2`, `relu`."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from varlaw.theory.activations.named import resolve
from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.domain import nearest

NORMS = {f"{kind}_norm": kind for kind in ("layer", "rms", "batch", "group", "instance")}
OTHERS = ("add", "gate", "concat", "residual", "input")  # that the grammar reads itself


@dataclass
class Words:
    """The words behind the name of a block: plain ones in order, and those with an equals sign by name."""

    text: str  # of the whole network
    width: float | None  # of the signal in front of the block, then behind it
    plain: list[str]
    named: dict[str, str] = field(default_factory=dict)

    def size(self, what: str) -> float:
        """The next plain word, as a number > 0."""
        if not self.plain:
            self.fail(f"{what} is missing in {self.text!r}")
        found = self._number(self.plain.pop(0), what)
        if not found:
            self.fail(f"{what}=0 in {self.text!r}, but should be a number > 0")
        return found

    def count(self, what: str) -> float:
        """The next plain word, as a whole number >= 1."""
        found = self.size(what)
        return self.whole(what, found)

    def whole(self, what: str, value: float, *divides: float) -> float:
        """A number that has to be whole, >= 1, and to divide others."""
        if value < 1 or value % 1:
            self.fail(f"{what}={value:g} in {self.text!r}, but should be a whole number >= 1")
        for other in divides:
            if other % value:
                self.fail(f"{what}={value:g} in {self.text!r}, but should divide {other:g}")
        return value

    @staticmethod
    def fail(says: str) -> NoReturn:
        """Raises `ValueError` with what is wrong, in one line."""
        msg = f"{says} [predict]"
        raise ValueError(msg)

    def number(self, name: str, default: float | None) -> float | None:
        """The number given by that name."""
        return self._number(self.named.pop(name), name) if name in self.named else default

    def above(self, name: str, default: float, least: float = 0.0) -> float:
        """The number given by that name, which divides: > 0, and at least `least`."""
        found = self._number(self.named.pop(name), name) if name in self.named else default
        if not found or found < least:
            bound = f">= {least:g}" if least else "> 0"
            self.fail(f"{name}={found:g} in {self.text!r}, but should be a number {bound}")
        return found

    def _number(self, text: str, what: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (value >= 0 and math.isfinite(value)):
            self.fail(f"{what}={text!r} in {self.text!r}, but should be a number >= 0")
        return value

    def done(self, block: str) -> None:
        """Refuses words that nothing has read."""
        rest = [*self.plain, *self.named]
        if rest:
            self.fail(f"{rest[0]!r} in {self.text!r}, but {block} knows no such word")


def block_of(word: str, words: Words) -> dict[str, Any]:
    """The block that `word` and the words behind it make."""
    if word in _BLOCKS:
        found = _BLOCKS[word](words)
    elif word in NORMS:
        eps = words.number("eps", None)
        found = {"block": "norm", "kind": NORMS[word], **({} if eps is None else {"eps": eps})}
    else:
        found = {"block": "activation", "name": _activation(word, words)}
    words.done(word)
    return found


def _activation(word: str, words: Words) -> str:
    try:
        resolve(word)
    except ValueError as error:
        known = (*_BLOCKS, *NORMS, *OTHERS)
        if word[:1].isdigit():
            words.fail(f"{word!r} in {words.text!r} is no block: what repeats is written 10 x (dense 500, tanh)")
        if re.fullmatch(r"[\w./]+:[A-Za-z_]\w*", word) and word.partition(":")[0] not in ACTIVATIONS:
            words.fail(f"{word!r} in {words.text!r} is no block: `varlaw check` foresees a model of one's own")
        if close := nearest(word, known):
            words.fail(f"{word!r}{close} in {words.text!r} is no block")
        also = "" if ":" in word else f", or a block ({', '.join(known)})"
        words.fail(f"{error}{also}")
    return word


def _law(words: Words) -> dict[str, Any]:
    """The law of the weights, by scheme or by standard deviation, and the bias."""
    std, bias, gain = (words.number(name, None) for name in ("std", "bias_std", "gain"))
    given = words.number("variance", None)
    schemes = words.plain[:1]
    sizes = [*schemes, *(n for n, x in (("std", std), ("variance", given)) if x is not None)]
    if len(sizes) > 1 or (gain is not None and len(sizes) > len(schemes)):
        both = " and ".join([*sizes, *(["gain"] if gain is not None and len(sizes) < 2 else [])])
        words.fail(f"{both} in {words.text!r}, but should be one size: a law, std=, or variance=")
    variance = given if std is None else std * std  # inf where ** would raise: that is said behind the block
    found: dict[str, Any] = {} if bias is None else {"bias_variance": bias * bias}
    if variance is not None:
        return {"variance": variance, **found}
    scheme = words.plain.pop(0) if words.plain else "lecun_normal"
    return {"scheme": scheme, **({} if gain is None else {"gain": gain}), **found}


def _dense(words: Words) -> dict[str, Any]:
    width = words.count("the width of dense")
    fan_in = words.width or width
    words.width = width
    return {"block": "dense", "fan_in": fan_in, "fan_out": width, **_law(words)}


def _conv(words: Words) -> dict[str, Any]:
    channels = words.count("the channels of conv")
    sides = words.plain.pop(0).split("x") if words.plain and words.plain[0][0].isdecimal() else ["3"]
    if not all(side.isdecimal() and int(side) for side in sides):
        words.fail(f"kernel={'x'.join(sides)!r} in {words.text!r}, but should be sides such as 3x3")
    before, words.width = words.width or channels, channels
    groups = words.whole("groups", words.number("groups", 1.0) or 0.0, before, channels)
    return {
        "block": "conv", "channels_in": before, "channels_out": channels, "kernel": [float(s) for s in sides],
        "stride": [words.above("stride", 1.0)] * len(sides), "groups": groups,
        **_law(words),
    }  # fmt: skip


def _embedding(words: Words) -> dict[str, Any]:
    words.width = words.count("the width of embedding")
    std, same = words.number("std", 1.0) or 0.0, words.number("same", 0.0) or 0.0
    if same > 1:
        words.fail(f"same={same:g} in {words.text!r}, but should be a share >= 0 and <= 1")
    return {"block": "embedding", "width": words.width, "variance": std * std, "same": same}


def _attention(words: Words) -> dict[str, Any]:
    width = words.number("width", words.width)
    if width is None:
        words.fail(f"the width of attention is missing in {words.text!r}: width=512")
    heads = words.whole("heads", words.number("heads", 1.0) or 0.0, width)
    context, std = words.above("context", 128.0, least=1), words.number("std", None)
    causal = "causal" in words.plain
    words.plain = [w for w in words.plain if w != "causal"]
    variance = 1 / width if std is None else std * std
    laws = {f"{name}_variance": variance for name in ("query", "key", "value", "out")}
    words.width = width
    return {
        "block": "attention",
        "width": width,
        "context": context,
        "head_width": width / heads,
        "causal": causal,
        **laws,
    }


def _pool(kind: str) -> Callable[[Words], dict[str, Any]]:
    def read(words: Words) -> dict[str, Any]:
        size = words.size(f"the size of {kind}_pool")
        return {"block": "pool", "kind": kind, "size": size, "stride": words.above("stride", size)}

    return read


def _offset(words: Words) -> dict[str, Any]:
    std = words.number("std", 1.0) or 0.0
    return {"block": "offset", "variance": std * std}


_BLOCKS: dict[str, Callable[[Words], dict[str, Any]]] = {
    "dense": _dense,
    "conv": _conv,
    "attention": _attention,
    "embedding": _embedding,
    "positions": _offset,
    "dropout": lambda words: {"block": "dropout", "rate": words.size("the rate of dropout")},
    "scale": lambda words: {"block": "scale", "value": words.size("the value of scale")},
    "average_pool": _pool("average"),
    "max_pool": _pool("max"),
}
