"""Laws by the words that people know them by: names and titles, sources, other names, and what is said of them."""

import difflib
import functools
import math
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
    "weights zero": ("zeros.",),
    "weights equal": ("symmetry.",),
    "overflow": ("dtype.square_overflow", "dtype.largest"),
    "dying relu": ("products.dead",),
    "dead": ("products.dead",),
    "attention scores": ("attention.scaled_logit", "attention.logit"),
    "softmax temperature": ("attention.scaled_logit", "attention.logit"),
    "initial loss": ("loss.zero_logits", "loss.random_logits"),
    "first loss": ("loss.zero_logits", "loss.random_logits"),
    "untrained loss": ("loss.zero_logits", "loss.random_logits"),
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
_ASKING = """
a about all always an and are as at be because between big by can did difference do does fast for from get give given
good happen happens has have how i if in into is it its large like look make many me much must my need needs not of
often on or real really should small so than that the their there they this to use used uses using value versus vs
want was we what when where which why will with would you your
"""

# Words of people -> those of the laws, any of which a text may have.
_MEANT = {
    "score": "score logit",
    "start": "initial",
    "begin": "initial",
    "averaging": "average",
    "initialization": "initialisation initial",
    "initialize": "initialise",
    "normalization": "norm",
    "normalisation": "norm",
    "probability": "probability chance share",
    "convnet": "convolution",
    "cnn": "convolution",
    "rnn": "recurrent",
    "classifier": "class",
    "half": "half halv",
    "untrained": "initial",
    "matrices": "matri",
    "lstm": "forget",
    "float16": "format",
    "bfloat16": "format",
    "float32": "format",
    "fp16": "format",
    "bf16": "format",
    "batchnorm": "batch_norm",
    "layernorm": "layer_norm",
    "equal": "equal same identical",
    "std": "std standard",
    "gaussian": "gaussian normal",
    "vanish": "vanish shrink",
    "explode": "explode explosion grow",
    "overflow": "overflow finite",
}
_ENOUGH = 0.6  # of the weight of a question's words that the nearest laws have to hold
_NEAREST = 5  # laws that are told where none speaks of all the words


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
    called = [*_aliased(words), *_named(words)]
    for hit in (*called, *([] if called else _nearest(words)), *_told(words), *_said(words)):
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
    asked = {_stem(word) for word in wanted.split()}
    for alias, starts in ALIASES.items():
        known = " ".join(_telling(alias))
        if wanted and (wanted in known or known in wanted or {_stem(word) for word in known.split()} <= asked):
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


def _nearest(words: str) -> list[Hit]:
    """The laws that hold most of a question's words, each weighed by how few laws have it, nearest first."""
    asked = [w for w in _telling(words) if not w.isdigit()]
    held = {word: {n for n, text in _texts().items() if _has(text, word)} for word in asked}
    weights = {word: math.log((1 + len(LAWS)) / (1 + len(names))) for word, names in held.items()}
    total, found = sum(weights.values()), []
    for law in LAWS.values():
        known = [w for w in asked if law.name in held[w]]
        share = sum(weights[w] for w in known) / total if total else 0.0
        if share >= _ENOUGH and len(known) > 1:
            named = sum(weights[w] for w in known if _has(_plain(f"{law.name} {law.title}"), w))
            rest = ", ".join(w for w in asked if w not in known)
            found.append((share + named / total, Hit(law, f"without {rest}" if rest else "words of its text")))
    return [hit for _, hit in sorted(found, key=lambda pair: -pair[0])[:_NEAREST]]


@functools.cache
def _texts() -> dict[str, str]:
    """All that is written of each law, and said of it."""
    said = {claim.law: f"{claim.claim} {claim.truth}" for claim in CLAIMS}
    return {
        n: _plain(
            " ".join(
                str(part)
                for part in (
                    n, law.title, law.quantity, law.hypotheses, law.derivation, law.not_to_confuse,
                    *law.domain.ranges, said.get(n, ""),
                )
            )
        )
        for n, law in LAWS.items()
    }  # fmt: skip


def _has(text: str, word: str) -> bool:
    """Whether a plain text has a word, or one that is meant by it, whatever its ending."""
    meant = next((said for key, said in _MEANT.items() if _stem(key) == _stem(word)), word)
    parts = [_stem(_plain(w)) for w in meant.split()]
    return any(f" {w} " in f" {text} " if len(w) < 3 else f" {w}" in f" {text}" for w in parts)


def _stem(word: str) -> str:
    """A word without its ending.

    >>> [_stem(word) for word in ("scores", "divided", "clipping", "bias")]
    ['scor', 'divid', 'clipp', 'bias']
    """
    return re.sub(r"(?<=\w{4})(ing|ed|es|e|(?<![su])s)$", "", word)


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
    return [word for word in given if word not in _ASKING.split()] or given


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
