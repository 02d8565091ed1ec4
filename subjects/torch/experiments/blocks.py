"""Stacks of a library's own blocks, fresh in every run: the stream, two inputs of it, and the gradient at its start.

Each input is one token, so attention has one place to look at and hands on its value: laws then hold at any width. The
same weights are run twice: with the last maps of all branches as they are, and divided by the root of their number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from varlaw.subjects.subject import Case, Experiment, Framework
from varlaw.subjects.torch.experiments.running import experiment

_PAIRS = 8  # of inputs in each run, which tell what its weights make of any


@dataclass(frozen=True)
class Stack:
    """Blocks as a library builds and initialises them, without the norm that follows the last one."""

    stream: Callable[[Any], Any]  # inputs of shape (many, 1, width) -> what the blocks make of them
    last: Sequence[Any]  # the weights that end a branch, two of every block
    scaled: bool  # whether the library itself divides them by the root of their number


Build = Callable[[Any, Case, dict[str, Any]], Stack]  # (torch, case, {"dtype": ..., "device": ...}) -> a fresh stack


def blocks(name: str, op: str, build: Build, framework: Framework) -> Experiment:
    """The row of one kind of block."""

    def call(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
        runs = [_run(t, c, build(t, c, on), on) for _ in range(n)]
        return {of: t.stack([run[of] for run in runs]) for of in runs[0]}

    return experiment(name, op, call, framework)


def _run(t: Any, c: Case, stack: Stack, on: dict[str, Any]) -> dict[str, Any]:
    """Both ways of one stack: {"plain stream": ..., "scaled stream": ...} and so on."""
    first, other = c["start"] ** 0.5 * t.randn(2, _PAIRS, 1, c["width"], **on)
    x = t.cat([first, c["c"] * first + (1 - c["c"] ** 2) ** 0.5 * other]).requires_grad_()
    end = t.randn(2 * _PAIRS, 1, c["width"], **on)
    root = len(stack.last) ** 0.5
    found = _seen(t, stack, x, end, "scaled" if stack.scaled else "plain")
    with t.no_grad():
        for weight in stack.last:
            weight.mul_(root if stack.scaled else 1 / root)
    return found | _seen(t, stack, x, end, "plain" if stack.scaled else "scaled")


def _seen(t: Any, stack: Stack, x: Any, end: Any, way: str) -> dict[str, Any]:
    h = stack.stream(x)
    (back,) = t.autograd.grad((h * end).sum(), x)
    h = h.detach()
    return {
        f"{way} stream": h.square().mean(),
        f"{way} log": h[0].square().mean().log(),
        f"{way} product": (h[:_PAIRS] * h[_PAIRS:]).mean(),
        f"{way} gradient": back.square().sum() / end.square().sum(),
    }
