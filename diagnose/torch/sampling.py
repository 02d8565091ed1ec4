"""Up to 512 entries of each of many tensors, at fixed places, read at once: what moved, without a copy of the model.

A norm is estimated from them to a few percent (exactly in tensors of 512 entries and fewer). The places are views that
are made once; a tensor whose memory was replaced gets new ones. Of a sharded tensor the local part is read.
"""

from collections.abc import Sequence

import torch

ENTRIES = 512
_WHOLE = (torch.Tensor, torch.nn.Parameter)  # of which no process holds a part only


def local(tensor: torch.Tensor) -> torch.Tensor:
    """The part of a tensor that this process holds."""
    return (tensor if type(tensor) in _WHOLE or not hasattr(tensor, "to_local") else tensor.to_local()).detach()


class Sample:
    """Some tensors of one device; `read` gives their entries one after another."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self._tensors = list(tensors)
        parts = [local(t) for t in self._tensors]
        self._views = [_view(part) for part in parts]
        self._places = [part.data_ptr() for part in parts]
        self.device = parts[0].device
        counts = torch.tensor([len(view) for view in self._views])
        self._counts = counts
        self._segments = torch.repeat_interleave(torch.arange(len(counts)), counts).to(self.device)
        self._wide = torch.float32 if self.device.type == "mps" else torch.float64
        sizes = torch.tensor([part.numel() for part in parts])
        self._scale = (sizes / counts.clamp(min=1)).to(self.device, self._wide)
        whole = torch.tensor([t.numel() for t in self._tensors])  # of all processes
        self._whole = (whole / counts.clamp(min=1)).to(self.device, self._wide)

    def read(self) -> torch.Tensor:
        """The entries now, as a tensor of their own."""
        for i, tensor in enumerate(self._tensors):
            place = tensor.data_ptr() if type(tensor) in _WHOLE else local(tensor).data_ptr()
            if place != self._places[i]:
                self._views[i], self._places[i] = _view(local(tensor)), place
        return torch.cat(self._views)

    def like(self, others: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """The same places in tensors of the same shapes; zeros for None."""
        views = [
            v.new_zeros(len(v)) if o is None else _view(local(o)) for o, v in zip(others, self._views, strict=True)
        ]
        return torch.cat(views)

    def sums(self, entries: torch.Tensor) -> torch.Tensor:
        """Sum of the entries by tensor."""
        if self.device.type == "cpu":  # a third of the time
            return torch.segment_reduce(entries.to(self._wide), "sum", lengths=self._counts, unsafe=True, initial=0)
        zeros = torch.zeros(len(self._views), dtype=self._wide, device=self.device)
        return zeros.index_add_(0, self._segments, entries.to(self._wide))

    def squares(self, entries: torch.Tensor) -> torch.Tensor:
        """Square norm of each tensor, from its entries."""
        return self.sums(entries.to(self._wide).square()) * self._scale

    def products(self, others: Sequence[torch.Tensor | None], entries: torch.Tensor) -> torch.Tensor:
        """Inner products of whole tensors of the same shapes with moves of these, from the entries of both."""
        return self.sums(self.like(others).to(self._wide) * entries) * self._whole


def grouped(tensors: Sequence[torch.Tensor]) -> list[list[int]]:
    """The places of tensors by device; those that hold no numbers are left out."""
    places: dict[torch.device, list[int]] = {}
    for i, tensor in enumerate(tensors):
        if not tensor.is_meta and tensor.numel():
            places.setdefault(tensor.device, []).append(i)
    return list(places.values())


def _view(part: torch.Tensor) -> torch.Tensor:
    """Entries at equal steps, a view where memory allows; an odd step does not stay in one column of a matrix."""
    count = min(part.numel(), ENTRIES)
    if not count:
        return part.new_zeros(0)
    step = part.numel() // count
    step -= step > 1 and step % 2 == 0
    flat = part.is_contiguous() or (part.ndim == 4 and part.is_contiguous(memory_format=torch.channels_last))
    if flat:
        return part.as_strided((count,), (step,))
    return part.reshape(-1)[::step][:count]
