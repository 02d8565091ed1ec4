"""Which parameters have not moved since the start of a run: by a sample of their entries, then by two sums of all."""

from collections.abc import Collection, Mapping

import torch

from varlaw.diagnose.torch.sampling import Sample, grouped, local

Sums = tuple[float, float]


class Stillness:
    """The trainable parameters of a model as they were at first, by sums of their entries."""

    def __init__(self, named: Mapping[str, torch.Tensor]) -> None:
        kept = {n: p for n, p in named.items() if p.requires_grad and not p.is_meta and p.numel()}
        self._names, self._tensors = list(kept), list(kept.values())
        self._places = grouped(self._tensors)
        self._samples = [Sample([self._tensors[i] for i in places]) for places in self._places]
        self._first = [sample.read() for sample in self._samples]
        self._sums = [_sums(t) for t in self._tensors]

    @property
    def names(self) -> list[str]:
        """Of all that could move."""
        return self._names

    def replaced(self, named: Mapping[str, torch.Tensor], held: Collection[int]) -> list[str]:
        """Those whose name is now another tensor's, which gets gradients and is held by no optimiser (`held`: ids)."""
        first = dict(zip(self._names, self._tensors, strict=True))
        others = {n: p for n, p in named.items() if n in first and p is not first[n] and id(first[n]) in held}
        return [n for n, p in others.items() if p.grad is not None and id(p) not in held]

    @torch.no_grad()
    def kept(self, name: str) -> float:
        """The norm of one of them now, as a share of what it was; 1 where it was 0, or is unknown."""
        if name not in self._names or not (first := self._sums[place := self._names.index(name)][1]):
            return 1.0
        return _sums(self._tensors[place])[1] / first

    @torch.no_grad()
    def still(self) -> list[str]:
        """Those that are what they were."""
        found: list[int] = []
        for sample, first, places in zip(self._samples, self._first, self._places, strict=True):
            moved = sample.sums(sample.read() != first).tolist()
            found += [place for place, count in zip(places, moved, strict=True) if not count]
        return [self._names[i] for i in sorted(found) if _sums(self._tensors[i]) == self._sums[i]]


@torch.no_grad()
def _sums(tensor: torch.Tensor) -> Sums:
    part = local(tensor)
    wide = torch.float32 if part.device.type == "mps" else torch.float64
    if part.is_complex():
        part = torch.view_as_real(part)
    return float(part.sum(dtype=wide)), float(torch.linalg.vector_norm(part, dtype=wide))
