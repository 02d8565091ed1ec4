"""The public names of TensorFlow that draw, normalise, clip, drop or score classes, and why some have no row."""

from collections.abc import Iterable
from typing import Any

from varlaw.subjects.tensorflow.framework import tf

# Words that a function of `tf` or `tf.nn` has in its name if it belongs here; of `tf.random` all do.
_WORDS = ("norm", "moments", "drop", "clip", "cross_entropy", "softmax", "initializer", "random")


def PUBLIC() -> list[str]:
    """All of `tf.random`, and the functions of `tf` and `tf.nn` whose names say so."""
    root = tf()
    found = _with_words("tensorflow", root)
    for space in ("nn", "nn.experimental"):
        found += _with_words(f"tensorflow.{space}", _below(root, space))
    for space in ("random", "random.experimental"):
        found += _functions(f"tensorflow.{space}", _below(root, space))
    return sorted({*found, *(f"tensorflow.{name}" for name in _V1)})


# Only there under compat.v1, and still of use.
_V1 = ("compat.v1.clip_by_average_norm", "compat.v1.nn.fused_batch_norm")


def _below(root: Any, path: str) -> Any:
    for name in path.split("."):
        root = getattr(root, name)
    return root


def _functions(prefix: str, space: Any) -> list[str]:
    return [f"{prefix}.{n}" for n in dir(space) if not n.startswith("_") and callable(getattr(space, n))]


def _with_words(prefix: str, space: Any) -> list[str]:
    return [name for name in _functions(prefix, space) if any(w in name.rpartition(".")[2] for w in _WORDS)]


def _reasons(reason: str, space: str, names: Iterable[str]) -> dict[str, str]:
    return {f"tensorflow.{space}{name}": reason for name in names}


LEFT_OUT: dict[str, str] = {
    **_reasons(
        "draws integers or orders",
        "random.",
        ("*candidate_sampler", "experimental.*shuffle"),
    ),
    **_reasons(
        "makes or sets seeds and states, draws no numbers",
        "random.",
        (
            "Algorithm",
            "create_rng_state",
            "fold_in",
            "split",
            "set_*",
            "get_*",
            "experimental.*_fold_in",
            "experimental.*_split",
            "experimental.create*",
            "experimental.[gs]et_*",
            "experimental.Algorithm",
        ),
    ),
    "tensorflow.random.experimental.Generator": "another name of random.Generator, which has rows",
    "tensorflow.random_index_shuffle": "draws an order",
    **_reasons("a constant", "", ("constant_initializer", "ones_initializer", "zeros_initializer")),
    **_reasons("a norm, no normalisation", "", ("norm",)),
    **_reasons("no loss", "nn.", ("softmax", "log_softmax")),
    **_reasons("two classes or weights: another law than ln C", "nn.", ("sigmoid_*", "weighted_cross*")),
    **_reasons("a loss over sampled classes", "nn.", ("sampled_softmax_loss",)),
    **_reasons("over neighbouring channels, without a mean: no law here speaks of it", "nn.", ("local_response*",)),
    **_reasons(
        "batch_normalization, which has a row with the moments of each, calls it or is called by it",
        "nn.",
        ("moments", "normalize_moments", "weighted_moments", "batch_norm_with_global_normalization"),
    ),
}
