"""The choice of every initial value, on the way from input to loss: each map gets the variance that its law asks for.

At a map with `fan` measured inputs of second moment q the variance is target / (fan q), so that E y^2 is its target
(see `targets`). What no finding asks for keeps its values, and so does what has a role (see `roles`).
"""

import math
from collections.abc import Mapping
from statistics import median

import msgspec

from varlaw.diagnose.advising.profile import Profile, vectors_of, weight_of
from varlaw.diagnose.advising.records import Choice
from varlaw.diagnose.advising.roles import FIRM
from varlaw.diagnose.advising.scope import Scope
from varlaw.diagnose.advising.targets import Target, Targets
from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Call, Sight
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.unrolled import Gate, loops

_ALIKE = math.log(4.0)  # between the largest and the smallest std of siblings that are to share one


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
        self.targets: dict[str, Target] = {}
        self._targets = Targets(self.profile)

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
        weight, head = weight_of(call, self.sight), call.number == self._targets.head
        for name in vectors_of(call, self.sight):
            self._bias(name, head)
        if weight is None or weight in self.choices or not self._wanted(weight, head):
            return
        q = q if q > 0 and math.isfinite(q) else 1.0
        target = self.targets[weight] = self._targets.of(call, q)
        fan, q = self.profile.fan(call), self._targets.handed_on(call, weight, target.second, q)
        self._normal(weight, math.sqrt(target.second / (fan * q)), fan, target.reason, target.source)

    # -- what is no matrix ---------------------------------------------------------------------------------------------

    def _loops(self) -> None:
        """Recurrences by hand: a square map of the state orthogonal, gates that keep for as many steps as there are."""
        for loop in loops(self.graph):
            for gate in loop.gates:
                if gate.bias in self.scope.asked and gate.bias not in self.choices and not self._held(gate.bias):
                    self._keeping(gate, loop.steps)
            for name, calls in loop.maps.items():
                shape = self.sight.tensors[name].shape if name in self.sight.tensors else ()
                asked = name in self.scope.asked and name not in self.choices and not self._held(name)
                if asked and not loop.gates and len(shape) == 2 and shape[0] == shape[1] and len(calls) > 1:
                    why = "an orthogonal recurrence keeps the norm of its state"
                    self._fill(name, "orthogonal", why, "recurrent.orthogonal_norm")

    def _keeping(self, gate: Gate, steps: int) -> None:
        bias = gate.sign * max(1.0, math.log(max(steps - 1, 1)))
        reason = f"the gate's bias at {bias:.2g}: it keeps the state for {steps} steps, not for 1.4 as at 0"
        self.choices[gate.bias] = Choice(
            name=gate.bias, law="constant", value=bias, part=gate.part, before=_root(self.start.get(gate.bias)),
            reason=reason, source="recurrent.chrono_bias",
        )  # fmt: skip

    def _bias(self, name: str, head: bool) -> None:
        """Zero, or as its peers have it; a head's own bias is a prior that somebody chose."""
        drawn = self.start.get(name) != 0 and not (head and name in self.constants)
        asked = name in self.scope.asked or (self.scope.everything and drawn)
        if name in self.choices or not asked or self._held(name):
            return
        why = "a bias adds its own variance at every map and makes inputs alike"
        copied = name in self.scope.copies and bool(self.start.get(name))
        if copied or (name in self.scope.peers and self._peer_scale(name)):
            self._normal(name, 0.0, None, why, "meanfield.correlation_map")
        else:
            self._fill(name, "zeros", why, "meanfield.correlation_map")

    def _norm(self, call: Call) -> None:
        for place, name in enumerate(call.parameters):
            if name in self.scope.asked and name not in self.choices and not self._held(name):
                law = "ones" if place == 0 else "zeros"
                self._fill(name, law, "a norm starts as the identity on what it normalises", "constant.value")

    def _alone(self) -> None:
        """Adapters, new rows, and parameters that no map uses."""
        for factors in self.scope.adapters:
            self._adapter(factors)
        for name, one in self.scope.rows.items():
            self._new_rows(name, one.says)
        self._loops()
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

    def _adapter(self, factors: tuple[str, ...]) -> None:
        """`factors` are the parameters of its chain of maps, the last one first."""
        for name in [n for n in factors if len(self.sight.tensors[n].shape) > 1][:1]:
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
        steps = round(call.options.get("through_time", {}).get("steps", _steps(call)))
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
        sizes = {"ones": 1.0, "zeros": 0.0, "orthogonal": 1 / max(self.sight.tensors[name].shape, default=1)}
        self.profile.seconds[name] = sizes.get(law, self.start.get(name, 1.0))

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


def _steps(call: Call) -> int:
    first = call.options.get("argument_8", call.options.get("batch_first", False))
    return call.shape[1 if first else 0] if len(call.shape) == 3 else 2


def _root(second: float | None) -> float | None:
    return None if second is None else math.sqrt(second)
