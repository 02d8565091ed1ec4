"""The choice of every initial value, on the way from input to loss: each map gets the variance that its law asks for.

At a map with `fan` measured inputs of second moment q the variance is target / (fan q), so that E y^2 = target:

* in front of relu and its kin the target is q / E phi(1)^2: what they hand on is what came in (He);
* in front of another activation it is q*, 1 unless depth asks for less: with chi(q) the factor on a gradient per map,
  q* is the largest of a grid for which chi^maps stays within 100, the compromise between forwards and backwards;
* a map that ends one of N residual branches gets 1/N of the stream, so that all of them add up to e at most;
* a head gets logits whose variance adds 5 % to ln C, 1 at most; any other map keeps what comes in.

What starts at zero or at the identity, is frozen, was loaded, or is asked for by no finding keeps its values.
"""

import fnmatch
import math
from collections.abc import Mapping, Sequence
from statistics import median

import msgspec

from varlaw.diagnose.advising import following
from varlaw.diagnose.advising.following import Follower
from varlaw.diagnose.advising.profile import Profile, vectors_of, weight_of
from varlaw.diagnose.advising.records import Choice
from varlaw.diagnose.advising.scope import Scope
from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Call, Sight
from varlaw.diagnose.structure import Graph, Residual
from varlaw.theory.activations.named import under_normal

_QS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02)  # targets in front of an activation that keeps one size alone
_MOST = math.log(100.0)  # of the ln of a mean squared gradient over the depth: 10 in rms
_ALIKE = math.log(4.0)  # between the largest and the smallest std of siblings that are to share one
FIRM = ("is frozen", "asked to be kept")  # kept even where a finding names them
_SANE = (0.1, 10.0)  # second moments that are kept as they come: beyond, a map brings them to 1


class Chooser:
    """Chooses on the way; `choices` grows while a `Profile` runs."""

    def __init__(
        self,
        sight: Sight,
        graph: Graph,
        seconds: Mapping[str, float],
        scope: Scope,
        roles: Mapping[str, str],
        constants: frozenset[str] = frozenset(),
    ) -> None:
        """`roles`: parameters that keep their values, and why; `constants`: those whose entries are one number."""
        self.sight, self.graph, self.scope, self.roles = sight, graph, scope, roles
        self.start, self.constants = dict(seconds), constants
        self.profile = Profile(sight, graph, dict(seconds))
        self.choices: dict[str, Choice] = {}
        self.targets: dict[str, tuple[float, str]] = {}  # E y^2 of each map, and why
        self._residuals = graph.residuals()
        self._ends = {r.weight: r for r in self._residuals if r.weight is not None}
        self._depths = self._counted()

    def run(self) -> list[Choice]:
        """The choices of all parameters, in the model's order."""
        self._alone()
        self.profile.run(self._at)
        self._agree()
        for name, tensor in self.sight.tensors.items():
            if not tensor.buffer and name not in self.choices:
                self._keep(name)
        return [self.choices[n] for n, t in self.sight.tensors.items() if not t.buffer]

    def _agree(self) -> None:
        """Parameters of one place in sibling blocks share one scale: their inputs differ by little, and by chance."""
        groups: dict[tuple[object, ...], list[Choice]] = {}
        for choice in self.choices.values():
            if choice.law == "normal" and choice.std and choice.part is None:
                place = pattern(choice.name), self.sight.tensors[choice.name].shape, choice.source
                groups.setdefault(place, []).append(choice)
        for group in groups.values():
            logs = [math.log(choice.std or 1.0) for choice in group]
            if len(group) > 2 and max(logs) - min(logs) < _ALIKE:
                std = math.exp(sum(logs) / len(logs))
                self.choices.update({c.name: msgspec.structs.replace(c, std=std) for c in group})

    def _at(self, call: Call, q: float) -> None:
        if call.kind == "linear" and len(call.parents) == 1:
            self._map(call, q)
        elif call.kind == "norm":
            self._norm(call)
        elif call.kind == "recurrent":
            self._recurrent(call)

    # -- linear maps ---------------------------------------------------------------------------------------------------

    def _map(self, call: Call, q: float) -> None:
        weight, head = weight_of(call, self.sight), self._is_head(call)
        for name in vectors_of(call, self.sight):
            self._bias(name, head)
        if weight is None or weight in self.choices or not self._wanted(weight, head):
            return
        q = q if q > 0 and math.isfinite(q) else 1.0
        target, reason, source = self._target(call, q, head)
        self.targets[weight] = target, reason
        fan = self.profile.fan(call)
        q = self._handed_on(call, weight, target, q)
        self._normal(weight, math.sqrt(target / (fan * q)), fan, reason, source)

    def _handed_on(self, call: Call, weight: str, target: float, q: float) -> float:
        """E x^2 of the input; in a stack of maps of one shape that of them all, so that they share one law."""
        after = following.follower(call.number, self.graph, self.start)
        if not after.activation or following.homogeneous(after.activation) or not _SANE[0] <= q <= _SANE[1]:
            return q
        shape, stacked = self.sight.tensors[weight].shape, False
        for other in self.sight.calls:
            name = weight_of(other, self.sight) if other.kind == "linear" else None
            alike = name not in (None, weight) and pattern(name or "") == pattern(weight)
            if alike and name and self.sight.tensors[name].shape == shape:
                behind = [self.sight.calls[p] for p in other.parents]
                stacked = stacked or any(following.activation_of(b, self.start) == after.activation for b in behind)
        return float(under_normal("second", after.activation, target)) if stacked else q

    def _target(self, call: Call, q: float, head: bool) -> tuple[float, str, str]:
        """E y^2 that a map should make, why, and the law behind it."""
        end = self._ends.get(call.number)
        after = following.follower(call.number, self.graph, self.profile.seconds)
        level = q if _SANE[0] <= q <= _SANE[1] else 1.0
        if head:
            return self._logits(after)
        if end is not None and not self._post_norm():
            return self._branch(end)
        if after.kind == "activation":
            return self._activated(after, level, call)
        brought = "" if level == q else f"; E x^2 = {q:.2g} of its input is brought to 1"
        if after.kind == "norm":
            return 1.0, "a norm follows and sets the size; 1/fan_in keeps its eps small beside it", "norm.shortfall"
        if after.kind == "other":
            return level, f"no law of what follows: 1/fan_in keeps the second moment{brought}", "lecun_normal.variance"
        return level, f"no activation follows: 1/fan_in keeps the second moment{brought}", "lecun_normal.variance"

    def _activated(self, after: Follower, level: float, call: Call) -> tuple[float, str, str]:
        name = after.activation
        stem = name.partition(":")[0]
        handed = float(under_normal("second", name, 1.0))
        if following.homogeneous(name):
            brought = (
                f"; its input of E x^2 = {q:.2g} is brought to 1" if (q := self.profile.incoming(call)) != level else ""
            )
            return (
                level / handed,
                f"{stem} follows and keeps {handed:.3g} of E z^2: {1 / handed:.3g}/fan_in{brought}",
                "he_normal.variance",
            )
        q = self._compromise(name, call)
        chi, depth = math.sqrt(float(under_normal("chi", name, q))), self._depth(call)
        says = f"E z^2 = {q:g} in front of {stem}: a gradient changes x{chi:.3g} a map, x{chi**depth:.3g} over {depth}"
        return q, says, "meanfield.chi"

    def _compromise(self, name: str, call: Call) -> float:
        """The largest target with which the gradient stays within 10 over the depth, or the one that is best."""
        change = {q: self._depth(call) * abs(math.log(float(under_normal("chi", name, q)))) for q in _QS}
        return next((q for q in _QS if change[q] <= _MOST), min(_QS, key=lambda q: change[q]))

    def _branch(self, end: Residual) -> tuple[float, str, str]:
        n = len(self._residuals)
        normed = any(
            c.kind == "norm" and self.graph.leads(end.stream, c.number) and self.graph.leads(c.number, end.weight or 0)
            for c in self.sight.calls[end.stream + 1 : end.weight]
        )
        level = 1.0 if normed else self.profile.forward.get(end.stream, 1.0)
        law = "residual.prenorm_growth" if normed else "residual.scaled_growth"
        return level / n, f"ends one of {n} residual branches: 1/{n} of the stream each", law

    def _post_norm(self) -> bool:
        """Whether most residual adds feed a norm alone: it sets the stream's size, and branches need no scale."""
        normed = [
            (behind := self.graph.behind(r.add)) is not None
            and behind.kind == "norm"
            and len(self.graph.children[r.add]) == 1
            for r in self._residuals
        ]
        return sum(normed) > len(normed) / 2

    def _logits(self, after: Follower) -> tuple[float, str, str]:
        classes = _classes(after.call)
        if classes is None:
            return 1.0, "the last map: outputs of second moment 1", "lecun_normal.variance"
        size = min(1.0, 0.1 * math.log(classes))
        return (
            size,
            f"the head: logits of variance {size:.2g} start the loss at ln {classes} + {size / 2:.2g}",
            "loss.random_logits",
        )

    def _is_head(self, call: Call) -> bool:
        maps = [c.number for c in self.sight.calls if c.kind == "linear" and c.parameters]
        return (
            bool(maps)
            and call.number == maps[-1]
            and following.follower(call.number, self.graph, self.start).kind in ("loss", "end", "other", "softmax")
        )

    def _counted(self) -> dict[str, int]:
        """How many maps each activation follows."""
        names = [
            following.follower(c.number, self.graph, self.start).activation
            for c in self.sight.calls
            if c.kind == "linear"
        ]
        return {name: names.count(name) for name in set(names)}

    def _depth(self, call: Call) -> int:
        return self._depths.get(following.follower(call.number, self.graph, self.start).activation, 1)

    # -- what is no matrix ---------------------------------------------------------------------------------------------

    def _bias(self, name: str, head: bool) -> None:
        """Zero; a head's own bias is a prior that somebody chose."""
        drawn = self.start.get(name) != 0 and not (head and name in self.constants)
        asked = name in self.scope.asked or (self.scope.everything and drawn)
        if name not in self.choices and asked and not self._held(name):
            self._fill(
                name,
                "zeros",
                "a bias adds its own variance at every map and makes inputs alike",
                "meanfield.correlation_map",
            )

    def _norm(self, call: Call) -> None:
        for place, name in enumerate(call.parameters):
            if name in self.scope.asked and name not in self.choices and not self._held(name):
                law = "ones" if place == 0 else "zeros"
                self._fill(name, law, "a norm starts as the identity on what it normalises", "constant.value")

    def _alone(self) -> None:
        """Adapters, new rows, and parameters that no map uses."""
        for place in self.scope.adapters:
            self._adapter(place)
        for name, one in self.scope.rows.items():
            self._new_rows(name, one.says)
        users = self.graph.users()
        for name in self.scope.asked:
            tensor = self.sight.tensors.get(name)
            kinds = {self.sight.calls[n].kind for n in users.get(name, [])}
            if tensor is None or name in self.choices or kinds & {"linear", "norm", "recurrent"}:
                continue
            if "embedding" in kinds or len(tensor.shape) > 1:
                self._table(name)
            elif "product" in kinds:
                self._fill(name, "ones", "a factor starts at 1", "constant.value")
            else:
                self._fill(name, "zeros", "what is added starts at 0", "constant.value")

    def _table(self, name: str) -> None:
        like = self._peer_scale(name)
        std = like if like else 0.02
        self._normal(
            name,
            std,
            None,
            "a row is looked up: its size is its entries' own, whatever the vocabulary",
            "embedding.second_moment",
        )

    def _adapter(self, place: str) -> None:
        maps = [
            w for c in self.sight.calls
            if c.kind == "linear" and (w := weight_of(c, self.sight)) and self.sight.tensors[w].trainable
            and _adds(c, self.graph.behind(c.number), place)
        ]  # fmt: skip
        for name in maps[:1]:
            self._fill(
                name,
                "zeros",
                "the second factor at zero: the adapter changes nothing at the start, and learns",
                "lora.initial_change",
            )

    def _new_rows(self, name: str, says: str) -> None:
        """The last rows at the scale of those before them."""
        words = says.split()
        first, last = int(words[1]), int(words[3])
        total, rows = self.start.get(name, 0.0), self.sight.tensors[name].shape[0]
        ratio = (self.scope.rows[name].ratio or 1.0) ** 2
        new = (last - first + 1) / rows
        old = total / (1 - new + new * ratio)
        self.choices[name] = Choice(
            name=name, law="normal", std=math.sqrt(old), part=(first, last + 1), before=math.sqrt(old * ratio),
            reason="new rows with the scale of the old ones are no likelier than those", source="new_tokens.mean_kl",
        )  # fmt: skip

    def _recurrent(self, call: Call) -> None:
        """Inputs by fan_in, the recurrence orthogonal, biases zero but for a forget gate that keeps."""
        for name in call.parameters:
            if name in self.choices or not self._wanted(name, head=False):
                continue
            leaf = name.rpartition(".")[2]
            if leaf.startswith("weight_hh"):
                self._fill(
                    name,
                    "orthogonal",
                    "an orthogonal recurrence keeps the norm of its state",
                    "recurrent.orthogonal_norm",
                )
            elif leaf.startswith("bias_ih") and call.op.startswith("lstm"):
                self._forget(name, call)
            elif leaf.startswith("bias"):
                self._fill(name, "zeros", "torch adds two biases: one of them is enough", "recurrent.torch_forget_bias")
            else:
                fan = float(self.sight.tensors[name].shape[-1])
                self._normal(
                    name, fan**-0.5, fan, "1/fan_in of one gate keeps the second moment", "lecun_normal.variance"
                )

    def _forget(self, name: str, call: Call) -> None:
        first = call.options.get("argument_8", call.options.get("batch_first", False))
        steps = call.shape[1 if first else 0] if len(call.shape) == 3 else 2
        bias = max(1.0, math.log(max(steps - 1, 1)))
        reason = f"forget gate at {bias:.2g}: it keeps for {steps} steps, not for 1.4 as at 0"
        self.choices[name] = Choice(
            name=name, law="constant", value=bias, part="f", before=_root(self.start.get(name)), reason=reason,
            source="recurrent.chrono_bias",
        )  # fmt: skip

    # -- what is left alone --------------------------------------------------------------------------------------------

    def _wanted(self, name: str, head: bool) -> bool:
        if self._held(name):
            return False
        return self.scope.everything or name in self.scope.asked or (head and self.scope.head)

    def _held(self, name: str) -> bool:
        role = self.roles.get(name, "")
        return bool(role) and (name not in self.scope.asked or role in FIRM)

    def _keep(self, name: str) -> None:
        self.choices[name] = Choice(
            name=name, law="keep", before=_root(self.start.get(name)), reason=self.roles.get(name, "")
        )

    def _fill(self, name: str, law: str, reason: str, source: str) -> None:
        self.choices[name] = Choice(
            name=name, law=law, before=_root(self.start.get(name)), reason=reason, source=source
        )
        self.profile.seconds[name] = {"ones": 1.0, "zeros": 0.0}.get(law, self.start.get(name, 1.0))

    def _normal(self, name: str, std: float, fan: float | None, reason: str, source: str) -> None:
        if name in self.scope.peers and (like := self._peer_scale(name)):
            std, reason, source = like, "the scale of its peers, which the author chose", "parameters.coverage"
        elif name in self.scope.copies and self.start.get(name):
            std, reason, source = math.sqrt(self.start[name]), "drawn anew at its own scale", "parameters.coincidence"
        self.choices[name] = Choice(
            name=name, law="normal", std=std, fan=fan, before=_root(self.start.get(name)), reason=reason, source=source
        )
        self.profile.seconds[name] = std**2

    def _peer_scale(self, name: str) -> float | None:
        """The scale of parameters of the same place in sibling modules: as it is for one shape, by fan for others."""
        tensor = self.sight.tensors[name]
        peers = [
            n for n, t in self.sight.tensors.items()
            if n != name and n not in self.scope.asked and self.start.get(n) and t.module == tensor.module
            and n.rpartition(".")[2] == name.rpartition(".")[2] and len(t.shape) == len(tensor.shape)
        ]  # fmt: skip
        alike = [n for n in peers if pattern(n) == pattern(name)]
        closest = [n for n in alike if self.sight.tensors[n].shape == tensor.shape] or alike or peers
        if not closest:
            return None
        fan = math.prod(tensor.shape[1:])
        return math.sqrt(median(self.start[n] * math.prod(self.sight.tensors[n].shape[1:]) for n in closest) / fan)


def roles_of(
    sight: Sight, zeros: Sequence[str], identities: Sequence[str], loaded: Sequence[str], keep: Sequence[str]
) -> dict[str, str]:
    """Parameters that keep their values unless a finding names them, and why."""
    found = dict.fromkeys(zeros, "starts at zero on purpose")
    found |= dict.fromkeys(identities, "starts as the identity")
    found |= dict.fromkeys(loaded, "was loaded")
    found |= {n: "is frozen" for n, t in sight.tensors.items() if not t.buffer and not t.trainable}
    for glob in keep:
        matched = [n for n, t in sight.tensors.items() if not t.buffer and fnmatch.fnmatchcase(n, glob)]
        if not matched:
            msg = f"keep={glob!r} matches no parameter of the model [advise]"
            raise ValueError(msg)
        found |= dict.fromkeys(matched, "asked to be kept")
    return found


def _classes(call: Call | None) -> int | None:
    shape = call.options.get("shape_of_logits") if call is not None and call.kind == "loss" else None
    named = call is not None and call.op in ("cross_entropy", "nll_loss")
    return int(shape[1]) if named and shape and len(shape) > 1 and shape[1] > 1 else None


def _adds(call: Call, behind: Call | None, place: str) -> bool:
    """Whether a map ends the branch that a finding places there: at the add, or at the map itself."""
    return behind is not None and behind.kind in ("add", "product") and place in (call.path, behind.path)


def _root(second: float | None) -> float | None:
    return None if second is None else math.sqrt(second)
