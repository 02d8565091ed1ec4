"""A network in words, as blocks that `propagation.predict` takes: "input 784, 10 x (dense 500 he_normal, relu)".

    dense 500 he_normal | dense 500 std=0.02 bias_std=0.1 | conv 64 3x3 he_normal stride=2 groups=1
    relu, tanh, leaky_relu:0.2, ...            every activation of the table
    layer_norm, rms_norm, batch_norm, group_norm, instance_norm [eps=1e-5]
    dropout 0.1 | scale 0.1 | average_pool 4 | max_pool 4 | embedding 768 std=0.02 [same=0.1] | positions std=0.02
    attention heads=12 context=128 std=0.02 [causal]
    N x (...) | residual (...) [scale=0.5] | add (...) (...) | gate (...) (...) | concat (...) (...)

`input N` gives the width of the input; without it the first layer is as wide before as behind.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Any

from varlaw.theory.networks.words import Words, block_of

_TOKEN = re.compile(r"\s*(?:(\d+)\s*x(?=\s*\()|([(),])|([^\s(),]+))")
_MERGES = {"add": "add", "gate": "product", "concat": "concat"}
_MOST = 100_000  # blocks of a network, repeats written out
_DEEPEST = 100  # parentheses within each other


@dataclass
class _Reader:
    """The tokens that are left, and the width of the signal where they begin."""

    text: str
    tokens: list[str]
    width: float | None = None
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def expect(self, met: Any, expected: str) -> None:
        """Raises `ValueError` in one line where what is next is not what should be."""
        if not met:
            got = repr(self.peek()) if self.peek() else "the end"
            msg = f"{got} in {self.text!r}, but should be {expected} [predict]"
            raise ValueError(msg)

    @property
    def depth(self) -> int:
        """Of parentheses, at the deepest place."""
        steps = (1 if t == "(" else -1 if t == ")" else 0 for t in self.tokens)
        return max(itertools.accumulate(steps, initial=0))

    def words(self) -> Words:
        """The words up to the next sign."""
        found = []
        while self.peek() not in ("", ",", "(", ")"):
            found.append(self.take())
        pairs = [w.partition("=") for w in found if "=" in w]
        names = [name for name, _, _ in pairs]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            Words.fail(f"{twice}= stands twice behind one block in {self.text!r}")
        return Words(self.text, self.width, [w for w in found if "=" not in w], {n: v for n, _, v in pairs})


def blocks_of(text: str) -> list[dict[str, Any]]:
    """The blocks of a network in words; `ValueError` in one line for a word that is none.

    >>> blocks_of("2 x (dense 8 he_normal, relu)")[1:3]  # doctest: +NORMALIZE_WHITESPACE
    [{'block': 'activation', 'name': 'relu'},
     {'block': 'dense', 'fan_in': 8.0, 'fan_out': 8.0, 'scheme': 'he_normal'}]
    """
    reader = _Reader(text, _tokens(text))
    if reader.depth > _DEEPEST:
        msg = f"{reader.depth} parentheses within each other, but should be {_DEEPEST} or fewer [predict]"
        raise ValueError(msg)
    found = _items(reader)
    reader.expect(not reader.peek(), "a comma or the end")
    reader.expect(found, "at least one block, such as dense 500 he_normal")
    return found


def _tokens(text: str) -> list[str]:
    found = []
    for repeat, sign, word in _TOKEN.findall(text):
        found.append(f"{repeat} x" if repeat else sign or word)
    return found


def _items(reader: _Reader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    reader.expect(reader.peek() != ",", "a block before the comma")
    while reader.peek() not in ("", ")"):
        found += _item(reader)
        if reader.peek() != ",":
            break
        reader.take()
        reader.expect(reader.peek() != ",", "a block between two commas")
    return found


def _item(reader: _Reader) -> list[dict[str, Any]]:
    word = reader.take()
    if word.endswith(" x"):
        return _repeated(reader, int(word.removesuffix(" x")))
    if word == "(":
        reader.at -= 1
        return _group(reader)
    if word == "input":
        if reader.at > 1:
            Words.fail(f"'input' in {reader.text!r}, but should stand at the beginning only")
        words = reader.words()
        reader.width = words.count("the width of the input")
        words.done("input")
        return []
    if word == "residual":
        return [_residual(reader)]
    if word in _MERGES:
        return [_merge(reader, word)]
    words = reader.words()
    block = block_of(word, words)
    reader.width = words.width
    return [block]


def _residual(reader: _Reader) -> dict[str, Any]:
    before, branch, words = reader.width, _group(reader), reader.words()
    if not branch:
        Words.fail(f"residual () in {reader.text!r}, but should hold a branch")
    scale = words.number("scale", None)
    words.done("residual")
    same = before is None or reader.width == before
    reader.expect(
        same, f"a branch that ends at the width of the stream ({before or 0:g} before, {reader.width or 0:g} behind)"
    )
    return {"block": "residual", "branch": branch, **({} if scale is None else {"scale": scale})}


def _repeated(reader: _Reader, times: int) -> list[dict[str, Any]]:
    """The group, read anew for each repeat: its first layer sees the width that the last one left."""
    if not times:
        msg = f"0 x in {reader.text!r}, but should be a number of repeats >= 1 [predict]"
        raise ValueError(msg)
    start, found = reader.at, []
    for _ in range(times):
        reader.at = start
        found += _group(reader)
        if len(found) > _MOST:
            msg = f"more than {_MOST} blocks in {reader.text!r} [predict]"
            raise ValueError(msg)
    return found


def _group(reader: _Reader) -> list[dict[str, Any]]:
    reader.expect(reader.peek() == "(", "an opening parenthesis")
    reader.take()
    found = _items(reader)
    reader.expect(reader.peek() == ")", "a closing parenthesis")
    reader.take()
    return found


def _merge(reader: _Reader, word: str) -> dict[str, Any]:
    branches, widths, start = [], [], reader.width
    while reader.peek() == "(":
        reader.width = start
        branches.append(_group(reader))
        widths.append(reader.width)
    reader.expect(len(branches) > 1, f"two branches in parentheses behind {word}")
    if branches.count([]) > 1:
        Words.fail(f"{word} () () in {reader.text!r}, but should hold different branches")
    known = [w for w in widths if w is not None]
    same = word == "concat" or len(set(known)) < 2
    reader.expect(same, f"branches of one width ({', '.join(f'{w:g}' for w in known)})")
    reader.width = sum(known) if word == "concat" else known[0] if known else None
    return {"block": "merge", "by": _MERGES[word], "branches": branches}
