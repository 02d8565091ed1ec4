"""Laws by the words that people know them by: names and titles, sources, other names, and what is said of them."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from varlaw.theory.catalogue import LAWS
from varlaw.theory.folklore import CLAIMS
from varlaw.theory.law import Law

# Other names -> what they are called here: the beginnings of names in the catalogue, what is meant first at the front.
ALIASES = {
    "sqrt(6)": ("glorot_uniform", "he_uniform"),
    "xavier": ("glorot_", "glorot", "packed_qkv.xavier_factor"),
    "kaiming": ("he_normal", "he_", "gain.torch", "torch_default"),
    "msra": ("he_",),
    "lecun": ("lecun_",),
    "edge of chaos": ("meanfield.",),
    "criticality": ("meanfield.c",),
    "signal propagation": ("meanfield.", "kernel."),
    "nngp": ("kernel.", "correlation."),
    "fixup": ("fixup.", "t_fixup."),
    "rezero": ("residual.zero_gate",),
    "skipinit": ("residual.zero_gate",),
    "layerscale": ("layer_scale.",),
    "tensor programs": ("mup.", "depth_mup."),
    "selu": ("gain.selu", "alpha_dropout."),
    "self-normalizing": ("gain.selu", "alpha_dropout."),
    "dynamical isometry": ("spectra.", "orthogonal."),
    "marchenko": ("marchenko_pastur.",),
    "agc": ("clip.adaptive_factor",),
    "nfnet": ("clip.adaptive_factor",),
    "gradient clipping": ("clip.",),
    "vanishing gradient": ("products.", "meanfield.gradient"),
    "exploding gradient": ("products.", "batch_norm.explosion"),
    "dying relu": ("products.dead",),
    "swiglu": ("glu.",),
    "weight tying": ("linear.tied_twice", "attention.tied"),
    "gpt-2": ("residual.gpt2_std",),
    "bessel": ("batch_norm.running_variance",),
    "ddof": ("batch_norm.running_variance",),
    "chrono": ("recurrent.chrono",),
    "forget gate": ("recurrent.torch_forget",),
    "depthwise": ("conv.",),
    "checkerboard": ("conv_transpose.",),
}


# Words of a question that say nothing of what it is about.
_ASKING = {"a", "an", "and", "are", "do", "does", "how", "in", "is", "it", "of", "the", "there", "to", "what", "why"}


@dataclass(frozen=True)
class Hit:
    """A law that was found, and in what."""

    law: Law
    found_in: str


def search(words: str) -> list[Hit]:
    """The laws that speak of all the words, those by another name or by name first.

    words: any, in any order; each may stand in a name, a title, another name or the text.

    >>> [search(words)[0].law.name for words in ("what is xavier", "why 6")]
    ['glorot_normal.variance', 'glorot_uniform.variance']
    """
    hits: dict[str, Hit] = {}
    for hit in (*_aliased(words), *_named(words), *_told(words), *_said(words)):
        hits.setdefault(hit.law.name, hit)
    return list(hits.values())


def called(name: str) -> list[Hit]:
    """The laws of a family, or those that go by another name; none for the name of one law, or of nothing.

    name: "clip" or "xavier", whole.

    >>> [len(called(name)) > 1 for name in ("clip", "Xavier", "he_normal.variance", "xav")]
    [True, True, False, False]
    """
    family = [Hit(law, "of this family") for n, law in LAWS.items() if n.partition(".")[0] == name and n != name]
    known = any(_plain(alias) == _plain(name) for alias in ALIASES)
    return family or (
        list({hit.law.name: hit for hit in _aliased(name)}.values()) if known and name not in LAWS else []
    )


def closest(name: str) -> list[str]:
    """Up to five names that may be meant by one that no law has: spelt alike, or laws by their other name.

    name: what was given, as "he_nromal.variance" or "xavier".

    >>> closest("kaiming_normal")[0]
    'he_normal.variance'
    """
    spelt = difflib.get_close_matches(name, LAWS, n=3, cutoff=0.8)
    words = name.replace("_", " ").replace(".", " ")
    known = [hit.law.name for hit in (*_aliased(words), *_named(words))]
    if " " in words:
        known.sort(key=lambda n: -difflib.SequenceMatcher(None, n, name).ratio())
    return (spelt or list(dict.fromkeys(known)) or difflib.get_close_matches(name, LAWS, n=3, cutoff=0.5))[:5]


def _named(words: str) -> Iterator[Hit]:
    for law in LAWS.values():
        if _holds(f"{law.name} {law.title}", words):
            yield Hit(law, "name")


def _aliased(words: str) -> Iterator[Hit]:
    wanted = " ".join(_telling(words))
    for alias, starts in ALIASES.items():
        known = " ".join(_telling(alias))
        if wanted and (wanted in known or known in wanted):
            for start in starts:
                yield from (Hit(law, f"also called {alias}") for n, law in LAWS.items() if n.startswith(start))


def _told(words: str) -> Iterator[Hit]:
    for law in LAWS.values():
        text = " ".join(str(part) for part in (law.quantity, law.source, law.hypotheses, law.derivation))
        if _holds(text, words):
            yield Hit(law, "text")


def _said(words: str) -> Iterator[Hit]:
    for claim in CLAIMS:
        if _holds(f"{claim.claim} {claim.truth}", words):
            yield Hit(LAWS[claim.law], f"folklore, {claim.finding.value}: {claim.claim}")


def _holds(text: str, words: str) -> bool:
    """Whether a text has all the words of a question; one or two letters, or a number, only as a word of its own.

    >>> _holds("a = sqrt(6/fan_in)", "why the 6"), _holds("arXiv:1606", "6")
    (True, False)
    """
    plain = _plain(text)
    wanted = _telling(words)
    return all(f" {w} " in f" {plain} " if len(w) < 3 or w.isdigit() else w in plain for w in wanted) and bool(wanted)


def _telling(words: str) -> list[str]:
    """The words that say what a question is about; all, where none does."""
    given = _plain(words).split()
    return [word for word in given if word not in _ASKING] or given


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
