"""The tests of a decision in a user's words: what each process looks at, not what it computes."""

import re
from collections.abc import Callable

_LINES = {"tensors": "whole tensors", "rows": "whole rows", "columns": "whole columns"}
_QUANTITIES = {"mean": "means", "scale": "widths"}
_NAMES = {
    "kurtosis": "how heavy the tails are",
    "echo": "entries any number of places apart",
    "magnitude, echo": "sizes of entries any number of places apart",
    "row above": "rows against the row above",
    "diagonal above": "entries against those up and to the left",
    "directions of rows": "directions that the rows of a tensor share",
    "mirrored": "entries against those mirrored at the diagonal",
    "tensor before": "tensors against the tensor before",
    "magnitude, lag 1": "sizes of neighbours",
    "magnitude, tensor before": "sizes against those of the tensor before",
    "signs of two before": "signs against those of the two entries before",
    "signs of two thirds before": "signs of a third of a tensor against those of the two others",
    "signs of two rows above": "signs against those of the two rows above",
    "signs of two tensors before": "signs against those of the two tensors before",
    "signs tied, columns": "signs of a column that follow from those of others, in every row",
    "signs tied, rows": "signs of a row that follow from those of others, in every column",
    "signs tied, entries": "signs of an entry that follow from those of others, in every tensor",
    "repeated tensors": "tensors that come again",
    "ties": "neighbours that are equal",
    "zeros": "how many values are 0",
    "repeated values": "values that come again",
    "repeated rows": "rows that come again",
    "repeated columns": "columns that come again",
    "repeated shuffled tensors": "tensors whose largest values are those of another",
    "entries of the tensor before": "entries equal to those of the tensor before",
    "mean of each entry": "means of single entries, the same in all tensors",
    "mean of one entry": "the mean of one entry, the same in all tensors",
    "magnitude of each entry": "widths of single entries, the same in all tensors",
    "magnitude of one entry": "the width of one entry, the same in all tensors",
}
_VIEWS = {"rows": "single rows", "columns": "single columns", "blocks": "single blocks", "lanes": "lanes of 32 numbers"}


def _part(match: re.Match[str]) -> str:
    quantity, which, view = match[1], match[2], match[4] or "lines or blocks"
    many = {"mean": "means", "magnitude": "widths"}[quantity]
    places = _VIEWS.get(view, f"places along {view}" if view.startswith("ax") else view)
    if which == "each":
        return f"{many} of {places}, the same in all tensors"
    return f"the {many[:-1]} of one among {places.removeprefix('single ')}, the same in all tensors"


_PATTERNS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"Legendre \d*[13579]", lambda m: "the histogram: its two sides differ"),
    (r"Legendre \d+", lambda m: "the histogram: middle against ends"),
    (r"tail ([\d.]+)", lambda m: f"how many values lie beyond {float(m[1]):g} sigmas"),
    (r"lag (\d+)", lambda m: "neighbours" if m[1] == "1" else f"entries {m[1]} places apart"),
    (r"echo (\d+)", lambda m: f"entries {m[1]} places apart"),
    (r"magnitude, echo (\d+)", lambda m: f"sizes of entries {m[1]} places apart"),
    (r"part 1/(\d+) before", lambda m: f"the {m[1]} parts of a tensor against each other"),
    (r"mean of (halves|every second entry|a checkerboard)", lambda m: f"means of {m[1]}, the same in all tensors"),
    (
        r"magnitude of (halves|every second entry|a checkerboard)",
        lambda m: f"widths of {m[1]}, the same in all tensors",
    ),
    (r"(mean|magnitude) of (each|one) part(, (.*))?", _part),
    (r"spread of (\w+) of (\w+)", lambda m: f"how much the {_QUANTITIES[m[1]]} of {_LINES[m[2]]} differ"),
    (r"(\w+) of (\w+) as before", lambda m: f"how alike the {_QUANTITIES[m[1]]} of {_LINES[m[2]]} are"),
    (r"(\w+) of (\w+) of the tensor before", lambda m: f"{_QUANTITIES[m[1]]} of {_LINES[m[2]]}, tensor after tensor"),
    (r"(\w+) of (\w+)", lambda m: f"the {_QUANTITIES[m[1]]} of {_LINES[m[2]]}"),
)


def in_words(process: str) -> str:
    """What a process of the battery looks at; a name that is none of these stays as it is.

    >>> in_words("tail 3.0"), in_words("spread of mean of rows")
    ('how many values lie beyond 3 sigmas', 'how much the means of whole rows differ')
    """
    for pattern, words in _PATTERNS:
        if process not in _NAMES and (match := re.fullmatch(pattern, process)):
            return words(match)
    return _NAMES.get(process, process)
