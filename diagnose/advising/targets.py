"""The second moment that each linear map should make, from what follows it, with the reason and the law behind it.

* In front of relu and its kin: q / E phi(1)^2, so that they hand on what came in (He).
* In front of gelu and its kin, which spread sizes that differ, and of glu: what makes them hand on what came in.
* In front of another activation: q*, 1 unless depth asks for less. With chi(q) the factor on a squared gradient of a
  map, q* is the largest of a grid for which chi^maps stays within 100: the compromise of forwards and backwards.
  Where 1 is too small already (sigmoid, softplus: most of their size is a mean), it is the smallest beyond that does.
* In front of an activation that is written out by hand: 1, and the next map divides by what is measured behind it.
* At the end of one of N residual branches: 1/N of the stream, so that all of them add up to a factor e at most.
* In front of attention: 1, so that scores have a standard deviation of 1 whatever the stream has grown to; less where
  nothing divides them by the root of their width.
* In front of the loss: logits whose variance adds 5 % to ln C, 1 at most. In front of anything else: what came in.
"""

import math
from typing import NamedTuple

from varlaw.diagnose.advising import following
from varlaw.diagnose.advising.following import Follower
from varlaw.diagnose.advising.profile import Profile, weight_of
from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Call, Moments
from varlaw.diagnose.structure import Graph, Residual
from varlaw.theory.activations.named import under_normal

_QS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02)  # in front of an activation that keeps one size alone
LARGER = (2.0, 5.0, 10.0, 20.0)  # where those lose the gradient; beyond 60 half of a sigmoid's units are saturated
_MOST = math.log(100.0)  # of the ln of a mean squared gradient over the depth: 10 in rms
_REACH = (1e-3, 1e3)  # second moments among which one is looked for that hands on what came in
_LOUD = 2.0  # of scores that are not scaled: below, queries and keys are merely alike
_SANE = (0.1, 10.0)  # second moments that are kept as they come: beyond, a map brings them to 1


class Target(NamedTuple):
    """E y^2 wanted of a map, why, and by which law."""

    second: float
    reason: str
    source: str


class Targets:
    """The targets of the maps of one pass, whose `profile` is being walked."""

    def __init__(self, profile: Profile) -> None:
        self.profile, self.sight, self.graph = profile, profile.sight, profile.graph
        self._start = dict(profile.seconds)
        self._after = {c.number: following.follower(c.number, self.graph, self._start) for c in self.sight.calls}
        self._residuals = self.graph.residuals()
        self._ends = {r.weight: r for r in self._residuals if r.weight is not None}
        self._post_norm = self._normed_adds() > len(self._residuals) / 2
        names = [self._after[c.number].activation for c in self.sight.calls if c.kind == "linear"]
        calls = [(a.activation, _taken_by(a, self.graph)) for a in self._after.values() if a.call is not None]
        self._gates = {name for name, behind in calls if behind not in ("linear", "norm")}
        self._depths = {name: names.count(name) for name in set(names)}
        maps = [c.number for c in self.sight.calls if c.kind == "linear" and c.parameters]
        last = maps[-1] if maps else None
        self.head = last if last is not None and self._after[last].kind in ("loss", "end", "other", "softmax") else None

    def of(self, call: Call, q: float) -> Target:
        """What a map with an input of second moment q should make."""
        end, after = self._ends.get(call.number), self._after[call.number]
        level = q if _SANE[0] <= q <= _SANE[1] else 1.0
        brought = "" if level == q else f"; E x^2 = {q:.2g} of its input is brought to 1"
        if call.number == self.head:
            return _logits(after)
        if end is not None and not self._post_norm:
            return self._branch(end)
        made = following.composed(call, self.graph)
        if made and call.output and made.output and 0 < call.output.second < math.inf:
            kept = made.output.second / call.output.second
            why = f"what follows up to {made.op} keeps {kept:.3g} of E z^2, as measured: the next map makes up for it"
            return Target(1.0, why, "meanfield.variance_map")
        if after.activation:
            return self._activated(after.activation, level, brought)
        if after.call is not None and after.call.op == "glu":
            made_of = _handing("glu", level)
            why = f"glu follows and hands on E x^2 = {level:.3g} at E z^2 = {made_of:.3g}{brought}"
            return Target(made_of, why, "glu.second_moment")
        if after.kind == "norm":
            why = "a norm follows and sets the size; 1/fan_in keeps its eps small beside it"
            return Target(1.0, why, "norm.shortfall")
        if after.kind == "attention" or (after.kind == "linear" and after.call and len(after.call.parents) > 1):
            level = 1 / max(1.0, math.sqrt(self._of_scores(after.call)))
            why = f"queries and keys of second moment {level:.3g} give scores of standard deviation 1: no key has all"
            return Target(level, f"{why} the weight", "attention.scaled_logit_variance")
        why = "no law of what follows" if after.kind == "other" else "no activation follows"
        return Target(level, f"{why}: 1/fan_in keeps the second moment{brought}", "lecun_normal.variance")

    def _of_scores(self, call: Call | None) -> float:
        """Var of the scores of queries and keys of second moment 1: 1 where they are scaled, else their width."""
        if call is None or call.kind == "attention":
            scale = call.options.get("scale") if call else None
            return scale**2 * call.shape[-1] if call and isinstance(scale, float) and call.shape else 1.0
        given = [self.sight.calls[p] for p in call.parents]
        scaled = [c for c in self.graph.single(call.number, frozenset(["product"])) if c.kind == "product"]
        moments = [c.output for c in (*given, scaled[-1] if scaled else call)]
        if any(c.kind in ("softmax", "dropout") for c in given) or any(_unfit(m) for m in moments):
            return 1.0
        q, k, scores = (m.second for m in moments if m is not None)
        return scores / (q * k) if scores > _LOUD * q * k else 1.0

    def _activated(self, name: str, level: float, brought: str) -> Target:
        stem = name.partition(":")[0]
        if following.homogeneous(name):
            kept = float(under_normal("second", name, 1.0))
            why = f"{stem} follows and keeps {kept:.3g} of E z^2: {1 / kept:.3g}/fan_in{brought}"
            return Target(level / kept, why, "he_normal.variance")
        q, depth = self._compromise(name), self._depths[name]
        if _second(name, 2.0) > 2 * _second(name, 1.0) and self._change(name, far := _handing(name, level)) <= _MOST:
            q = far
        chi = math.sqrt(float(under_normal("chi", name, q)))
        why = f"E z^2 = {q:.3g} in front of {stem}: a gradient changes x{chi:.3g} a map, x{chi**depth:.3g} over {depth}"
        return Target(q, why, "meanfield.chi")

    def holds(self, name: str) -> bool:
        """Whether some target keeps the gradient within 10 over all maps in front of this activation."""
        return self._change(name, self._compromise(name)) <= _MOST

    def _compromise(self, name: str) -> float:
        """The largest target with which the gradient stays within 10 over the depth, or the one that is best."""
        sizes = _QS if name in self._gates else (*_QS, *LARGER)
        change = {q: self._change(name, q) for q in sizes}
        return next((q for q in sizes if change[q] <= _MOST), min(sizes, key=lambda q: change[q]))

    def _change(self, name: str, q: float) -> float:
        return self._depths[name] * abs(math.log(float(under_normal("chi", name, q))))

    def _branch(self, end: Residual) -> Target:
        n = len(self._residuals)
        normed = any(
            c.kind == "norm" and self.graph.leads(end.stream, c.number) and self.graph.leads(c.number, end.weight or 0)
            for c in self.sight.calls[end.stream + 1 : end.weight]
        )
        level = 1.0 if normed else self.profile.forward.get(end.stream, 1.0)
        law = "residual.prenorm_growth" if normed else "residual.scaled_growth"
        return Target(level / n, f"ends one of {n} residual branches: 1/{n} of the stream each", law)

    def _normed_adds(self) -> int:
        """Residual adds that feed a norm alone: in a post-norm net all do, and the norm sets the stream's size."""
        alone = [r.add for r in self._residuals if len(self.graph.children[r.add]) == 1]
        return sum((behind := self.graph.behind(n)) is not None and behind.kind == "norm" for n in alone)

    def handed_on(self, call: Call, weight: str, target: float, q: float) -> float:
        """E x^2 of the input; in a stack of maps of one shape that of them all, so that they share one law."""
        name = self._after[call.number].activation
        if not name or following.homogeneous(name) or not _SANE[0] <= q <= _SANE[1]:
            return q
        return float(under_normal("second", name, target)) if self._stacked(weight, name) else q

    def _stacked(self, weight: str, activation: str) -> bool:
        """Whether another map of this place and shape takes what that activation makes."""
        shape = self.sight.tensors[weight].shape
        for other in self.sight.calls:
            name = weight_of(other, self.sight) if other.kind == "linear" else None
            if name is None or name == weight or pattern(name) != pattern(weight):
                continue
            behind = [self.sight.calls[p] for p in other.parents]
            made = any(following.activation_of(b, self._start) == activation for b in behind)
            if made and self.sight.tensors[name].shape == shape:
                return True
        return False


def _unfit(moments: Moments | None) -> bool:
    return moments is None or moments.nonfinite or not 0 < moments.second < math.inf


def _taken_by(after: Follower, graph: Graph) -> str:
    """The kind of what alone takes an activation's output: a map, a norm; a gate's is a product."""
    behind = graph.behind(after.call.number) if after.call is not None else None
    return behind.kind if behind is not None else ""


def _second(name: str, q: float) -> float:
    """E phi(z)^2 of z ~ N(0, q); a gated unit's is that of its two independent halves."""
    if name == "glu":
        return q * float(under_normal("second", "sigmoid", q))
    return float(under_normal("second", name, q))


def _handing(name: str, level: float) -> float:
    """E z^2 with which an activation makes `level`, by bisection: it grows with E z^2."""
    low, high = (math.log(level * x) for x in _REACH)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _second(name, math.exp(middle)) < level else (low, middle)
    return math.exp(low)


def _logits(after: Follower) -> Target:
    classes = _classes(after.call)
    if classes is None:
        return Target(1.0, "the last map: outputs of second moment 1", "lecun_normal.variance")
    size = min(1.0, 0.1 * math.log(classes))
    why = f"the head: logits of variance {size:.2g} start the loss at ln {classes} + {size / 2:.2g}"
    return Target(size, why, "loss.random_logits")


def _classes(call: Call | None) -> int | None:
    shape = call.options.get("shape_of_logits") if call is not None and call.kind == "loss" else None
    named = call is not None and call.op in ("cross_entropy", "nll_loss")
    return int(shape[1]) if named and shape and len(shape) > 1 and shape[1] > 1 else None
