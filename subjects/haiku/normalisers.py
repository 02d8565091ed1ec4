"""haiku: spectral normalisation, which is called on the weight itself."""

from typing import Any

from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.rows import normaliser
from varlaw.subjects.subject import Normaliser


def _spectral(w: Any, key: Any) -> Any:
    import haiku as hk

    function = hk.transform_with_state(lambda w: hk.SpectralNorm()(w))
    return function.apply(*function.init(key, w), None, w)[0]


NORMALISERS: tuple[Normaliser, ...] = (normaliser(HAIKU, "haiku.SpectralNorm(step)", "spectral", _spectral),)
