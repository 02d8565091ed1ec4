"""Weights that the author's initialisation passed over: those that kept the default of their layer beside written ones.

What wrote whom, and when, is known from the build; no number is compared.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Finding, Tensor, Written
from varlaw.diagnose.signals import finding

_AGREE = 2 / 3  # share of the members that make a rule
_FEWEST = 3  # weights that one line wrote, from which it is a sweep over a model


def unset(tensors: Mapping[str, Tensor], written: Sequence[Written], heads: frozenset[str]) -> list[Finding]:
    """Weights that kept the default of their layer where the author's own line wrote those of the same class.

    A head may keep it on purpose, and so may a layer outside the blocks that write their own as they are made: those
    are notes.
    """
    matrices = [
        w for w in written if w.name in tensors and len(tensors[w.name].shape) > 1 and not tensors[w.name].buffer
    ]
    kinds = _kinds(matrices, tensors)
    found = _vanished(written)
    sweep = _sweep(matrices)
    for (module, _), members in kinds.items():
        authors = [w for w in members if not w.default]
        left = [w for w in members if w.default]
        late = bool(left) and bool(authors) and sweep is not None and min(w.made for w in left) > sweep
        few = len(authors) < 2 or len(left) > (1 - _AGREE) * len(members)
        wide = bool(left) and _of_a_sweep(authors, left, matrices, tensors)
        if not left or (few and not late and not wide):
            continue
        lines = {w.where for w in authors}
        says = f"kept the default of {module}, where {len(authors)} others were written at {sorted(lines)[0]}"
        body = any(w.name not in heads and (late or wide or _within(w.name, authors, members)) for w in left)
        listed = not wide and len({pattern(w.name) for w in authors}) == 1  # a loop over one list, with all of it
        passed = late or _inside(left, authors, tensors) or (not listed and _one_line(authors) and _swept(authors))
        outcome = "VIOLATES" if body and passed else "NOTE"
        found.append(finding("init.unset", outcome, says, *(w.name for w in left), samples=len(members)))
    return found


def _kinds(matrices: Sequence[Written], tensors: Mapping[str, Tensor]) -> dict[tuple[str, str], list[Written]]:
    """By class and name of the weight, those of one kind; one of another class counts where its place and shape do."""
    found: dict[tuple[str, str], list[Written]] = {}
    for w in matrices:
        found.setdefault((_class_of(w, tensors, matrices), w.name.rpartition(".")[2]), []).append(w)
    for (module, leaf), members in found.items():
        places = {_place(w, tensors) for w in members if not w.default}
        others = [w for (m, n), ws in found.items() if m != module and n == leaf for w in ws if w.default]
        members += [w for w in others if _place(w, tensors) in places and w not in members]
    return found


def _class_of(w: Written, tensors: Mapping[str, Tensor], matrices: Sequence[Written]) -> str:
    """Attention's last map is a subclass of Linear; who wrote the maps before it meant this one too."""
    module = tensors[w.name].module
    inside = f"{w.name.removesuffix('.out_proj.weight')}.in_proj_weight"
    meant = any(m.name == inside and not m.default for m in matrices)
    return "Linear" if module == "NonDynamicallyQuantizableLinear" and meant else module


def _place(w: Written, tensors: Mapping[str, Tensor]) -> tuple[str, tuple[int, ...]]:
    return pattern(w.name), tensors[w.name].shape


def _of_a_sweep(
    authors: Sequence[Written], left: Sequence[Written], matrices: Sequence[Written], tensors: Mapping[str, Tensor]
) -> bool:
    """Whether one line wrote these and the weights of other classes, all of which were there, and left few."""
    lines = {w.where for w in authors}
    wrote = [w for w in matrices if w.where in lines and not w.default]
    classes = {tensors[w.name].module for w in wrote}
    within = [w for w in matrices if tensors[w.name].module in classes]
    few = len(wrote) >= max(_FEWEST, _AGREE * len(within)) and len(left) < len(wrote)
    return len(lines) == 1 and len(classes) > 1 and few and min(w.at for w in wrote) > max(w.made for w in left)


def _vanished(written: Sequence[Written]) -> list[Finding]:
    """Parameters of which the author initialised a copy, as that which a parametrization computes."""
    lines: dict[str, list[str]] = {}
    for w in written:
        if w.vanished:
            lines.setdefault(w.vanished, []).append(w.name)
    says = "{} initialises a copy of it, which nothing reads"
    return [finding("init.unset", "VIOLATES", says.format(line), *names) for line, names in lines.items()]


def _sweep(matrices: Sequence[Written]) -> int | None:
    """When the author began to write the layers of a whole model, all of which were there; None where nobody did."""
    authors = [w for w in matrices if not w.default and w.at and not w.scope]
    return min(w.at for w in authors) if len(authors) > 2 and _swept(authors) else None


def _swept(authors: Sequence[Written]) -> bool:
    """Whether all layers were made before the first of them was written, not one after the other."""
    return min(w.at for w in authors) > max(w.made for w in authors)


def _one_line(authors: Sequence[Written]) -> bool:
    """Whether one line wrote them, or most of them in several roles, as where another then scales some of them."""
    line, count = Counter(w.where for w in authors).most_common(1)[0]
    roles = {pattern(w.name) for w in authors if w.where == line}
    return count == len(authors) or (2 * count >= len(authors) and len(roles) > 1)


def _within(name: str, authors: Sequence[Written], members: Sequence[Written]) -> bool:
    """Whether code whose reach is the model, not one block that wrote its own layers, had this one within it."""
    wide = [a.scope for a in authors if sum(_below(m.name, a.scope) for m in members) >= _AGREE * len(members)]
    return sum(_below(name, scope) for scope in wide) > 1


def _below(name: str, scope: str) -> bool:
    return not scope or name.startswith(scope + ".")


def _inside(left: Sequence[Written], authors: Sequence[Written], tensors: Mapping[str, Tensor]) -> bool:
    """Whether those passed over have the place in repeated blocks, and the shape, of those that were written."""
    return bool({_place(w, tensors) for w in left} & {_place(w, tensors) for w in authors})
