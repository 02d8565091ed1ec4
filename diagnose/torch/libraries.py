"""Models of timm, torchvision and transformers by their names, from a configuration: nothing is downloaded.

Those of transformers are tiny, as `subjects.transformers` makes them; those of timm and torchvision are as named.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import torch

from varlaw.diagnose.torch.building import seeded

_BATCH, _TOKENS = 4, 32
_LARGEST = 10**8  # parameters of a model that is built at its default size


@dataclass(frozen=True)
class Found:
    """A factory, a batch as a function of a seed, and the loss that is usual for it."""

    build: Callable[[], torch.nn.Module]
    batch: Callable[[int], Any]
    loss: Callable[[Any, Any], Any] | None


def model(library: str, name: str) -> Found:
    """The model of that name; `ValueError` for a name that the library does not have, `ImportError` without it."""
    from varlaw.subjects.torchvision import stub_torchvision

    if library != "torchvision":
        stub_torchvision()
    return {"timm": _timm, "torchvision": _torchvision, "transformers": _transformers}[library](name)


def _refuse(library: str, name: str, known: list[str]) -> NoReturn:
    import difflib

    if name in known:
        msg = f"{library} has no class for a whole model of {name!r}: it is a part of another; name a factory"
        raise ValueError(msg)
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    msg = f"{library} has no model {name!r}{hint}"
    raise ValueError(msg)


def _images(size: int, channels: int) -> Callable[[int], Any]:
    def batch(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn(_BATCH, channels, size, size, generator=generator)
        return images, torch.randint(0, 2**31, (_BATCH,), generator=generator)

    return batch


def _classified(model: Any, batch: Any) -> Any:
    images, labels = batch
    logits = model(images)
    logits = getattr(logits, "logits", logits)
    logits = logits[0] if isinstance(logits, tuple) else logits
    return torch.nn.functional.cross_entropy(logits, labels % logits.shape[-1])


def _timm(name: str) -> Found:
    import timm

    if name not in timm.list_models():
        _refuse("timm", name, timm.list_models())
    cfg = timm.get_pretrained_cfg(name)
    channels, size = (cfg.input_size[0], cfg.input_size[-1]) if cfg else (3, 224)
    return Found(lambda: timm.create_model(name), _images(size, channels), _classified)


def _torchvision(name: str) -> Found:
    from torchvision import models

    if name not in models.list_models(module=models):
        _refuse("torchvision", name, models.list_models(module=models))
    size = 299 if "inception" in name else 224
    return Found(lambda: models.get_model(name, weights=None), _images(size, 3), _classified)


def _transformers(name: str) -> Found:
    """The model of a type, tiny: a default configuration is that of the published model, with up to 10^11 numbers.

    Where the tiny one does not run, the default one stands for it, if it has no more than 10^8.
    """
    from varlaw.subjects.transformers import framework
    from varlaw.subjects.transformers.families import OVERRIDES
    from varlaw.subjects.transformers.shrink import tiny

    try:
        default = framework.config_class(name)()
        small = tiny(type(default), {**OVERRIDES.get(name, {}), **_RUNNING.get(name, {})})
        cls = _translator(name) if small.is_encoder_decoder else framework.model_class(name)
    except LookupError:
        _refuse("transformers", name, framework.model_types())
    except Exception as error:  # a configuration that refuses smaller sizes, in a way of its own
        why = " ".join(str(error).split())[:200]
        msg = f"transformers:{name} cannot be made small ({why}); name a factory"
        raise ValueError(msg) from error
    try:
        found = _configured(cls, small)
        _tried(found)
    except _NoBatch:
        raise
    except Exception as error:  # sizes that do not fit together, each family in its own way
        size = _size(cls, default)
        if size is None or size > _LARGEST:
            why = " ".join(str(error).split())[:120]
            whole = f"and has {size:,} parameters" if size else "nor by its defaults"
            msg = f"transformers:{name} does not run when made small ({why}), {whole}; name a factory"
            raise ValueError(msg) from error
        return _whole(name, cls, default)
    return found


def _whole(name: str, cls: Any, default: Any) -> Found:
    try:
        return _configured(cls, default)
    except _NoBatch:
        raise
    except Exception as error:  # whatever a constructor of another project raises
        why = " ".join(str(error).split())[:200]
        msg = f"transformers:{name} can neither be made small nor looked at whole ({why}); name a factory"
        raise ValueError(msg) from error


class _NoBatch(ValueError):
    """A model of which no random batch is known."""


def _size(cls: Any, config: Any) -> int | None:
    """How many parameters the model has; None where it cannot be built of the configuration alone."""
    from varlaw.subjects.transformers import framework

    try:
        with torch.device("meta"), framework.quiet():
            return sum(int(p.numel()) for p in cls(copy.deepcopy(config)).parameters())
    except Exception:  # whatever a constructor of another project raises
        return None


def _tried(found: Found) -> None:
    model, batch = found.build(), found.batch(0)
    with torch.no_grad(), seeded(0):
        _ = found.loss(model, batch) if found.loss else model(**batch)


def _configured(cls: Any, config: Any) -> Found:
    from varlaw.subjects.transformers import framework

    config.use_cache = False

    def build() -> torch.nn.Module:
        with framework.quiet():
            return cls(copy.deepcopy(config))  # type: ignore[no-any-return]

    with seeded(0):
        inputs, labelled = _inputs(build())

    def batch(seed: int) -> Any:
        with seeded(seed):
            return inputs()

    return Found(build, batch, _own_loss if labelled else None)


# What a tiny model needs to run, beside what it needs to be built.
_RUNNING = {"gptj": {"rotary_dim": 4}, "codegen": {"rotary_dim": 4}}


def _translator(name: str) -> Any:
    """The class with encoder and decoder, where one type has a decoder alone as well."""
    import transformers

    from varlaw.subjects.transformers import framework

    mapping = transformers.AutoModelForSeq2SeqLM._model_mapping
    config = framework.config_class(name)
    return mapping[config] if config in mapping else framework.model_class(name)


def _inputs(model: Any) -> tuple[Callable[[], Any], bool]:
    """Random inputs of a model of transformers, with labels where it has a head for them."""
    from varlaw.subjects.transformers.losses import asked_by

    try:
        asked = asked_by(model)
    except LookupError:
        return _unlabelled(model), False
    return lambda: _both_sides(_without_padding(asked(model)[0], model), model), True


def _without_padding(inputs: dict[str, Any], model: Any) -> dict[str, Any]:
    """The inputs without the token of padding, whose row of the table is 0."""
    pad, ids = getattr(model.config, "pad_token_id", None), inputs.get("input_ids")
    if ids is None or pad is None:
        return inputs
    return {**inputs, "input_ids": torch.where(ids == pad, (ids + 1) % (int(ids.max()) + 1), ids)}


def _both_sides(inputs: dict[str, Any], model: Any) -> dict[str, Any]:
    """The inputs, with those of the decoder where there is one."""
    if model.config.is_encoder_decoder and "input_ids" in inputs:
        return {**inputs, "decoder_input_ids": torch.randint_like(inputs["input_ids"], 3, 101)}
    return inputs


def _unlabelled(model: Any) -> Callable[[], Any]:
    name, config = model.main_input_name, model.config
    if name == "input_ids":
        vocabulary = model.get_input_embeddings().weight.shape[0]
        return lambda: {name: torch.randint(3, vocabulary, (_BATCH, _TOKENS))}
    if name == "pixel_values":
        side = getattr(config, "image_size", None) or 64
        sides = tuple(side) if isinstance(side, (list, tuple)) else (side, side)
        return lambda: {name: torch.randn(_BATCH, getattr(config, "num_channels", 3), *sides)}
    msg = f"transformers:{config.model_type} takes {name}, for which no random batch is known; give --batch"
    raise _NoBatch(msg)


def _own_loss(model: Any, batch: Any) -> Any:
    return model(**batch).loss
